"""Designs that lose or double money. The campaign runs them too and must catch each; else it proves nothing."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from amends.connectors.billing.webhook import BillingWebhook
from amends.outbox.records import Answer, Done, Found, NotDone, Order

Act = Callable[..., Answer]


def new_key_per_try(act: Act) -> Act:
    """Every try is a new request to the other side."""

    def wrong(self: Any, order: Order, *more: Any, **named: Any) -> Answer:
        return act(self, order._replace(key=f"{order.key}#{secrets.token_hex(4)}"), *more, **named)

    return wrong


def done_before_called(act: Act) -> Act:
    """Write down that it is done, then do it."""

    def wrong(self: Any, order: Order, *more: Any, **named: Any) -> Answer:
        threading.Timer(random.uniform(0.2, 0.6), act, [self, order, *more], named).start()
        return Done(f"assumed-{order.key}")

    return wrong


def taken_at_its_word(act: Act) -> Act:
    """Whatever is answered is taken for done."""

    def wrong(self: Any, order: Order, *more: Any, **named: Any) -> Answer:
        act(self, order, *more, **named)
        return Done("surely")

    return wrong


def never_done(self: Any, order: Order, *more: Any, **named: Any) -> Found:
    """A look-up that looks nothing up."""
    return NotDone()


ACTS: Mapping[str, Callable[[Act], Act]] = {
    "new-key-per-try": new_key_per_try,
    "done-before-called": done_before_called,
    "taken-at-its-word": taken_at_its_word,
}


def break_it(how: str) -> None:
    """Break this process' billing connector; `no-look-up` breaks its look-up alone."""
    if how in ACTS:
        BillingWebhook.act = ACTS[how](BillingWebhook.act)  # type: ignore[method-assign]
    BillingWebhook.find = never_done  # type: ignore[method-assign]
