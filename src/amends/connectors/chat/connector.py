"""Staff channels through apprise: Slack, Teams, Matrix, ntfy and a hundred more. It says yes or no and gives no ref."""

from __future__ import annotations

import logging
from datetime import datetime

import apprise

from amends.connectors.wire import NOT_SET_WAIT_S, TIMEOUT_S
from amends.outbox.records import Answer, Declaration, Done, Found, Later, Order, Refused, Unknown

NOT_SET = "chat has no address: set AMENDS_CHAT_URL; the act waits"
LONGEST = 10_000
logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses, and in them are the channels' secrets


class Chat:
    """Tells staff something. Never for customers: nobody can say afterwards whether it arrived."""

    name = "chat"
    can_find = False
    declaration = Declaration("chat", per_s=1, harmless_twice=True)  # a colleague told twice is no harm

    def __init__(self, urls: str, timeout_s: float = TIMEOUT_S) -> None:
        asset = apprise.AppriseAsset(http_redirects=False, async_mode=False, secure_logging=True)
        self.told = apprise.Apprise(asset=asset)
        self.wrong = [url for url in urls.split() if not self.told.add(_within(url, timeout_s))]

    def act(self, order: Order, now: datetime) -> Answer:
        if self.wrong:
            return Later(f"{len(self.wrong)} of the addresses in AMENDS_CHAT_URL cannot be read by apprise", 300)
        if not len(self.told):
            return Later(NOT_SET, NOT_SET_WAIT_S)
        text = str(order.payload.get("text", "")).strip()
        if not text:
            return Refused("there is nothing to tell")
        title = " ".join(str(order.payload.get("title", "")).split())[:200]
        if self.told.notify(body=text[:LONGEST], title=title, body_format=apprise.NotifyFormat.TEXT):
            return Done(f"told {len(self.told)} channel{'s' if len(self.told) > 1 else ''}")
        return Unknown("not every channel took it; apprise does not say which, or why")

    def find(self, order: Order) -> Found:
        return Unknown("what was said in a channel cannot be looked up")


def _within(url: str, timeout_s: float) -> str:
    """The address with time-outs of ours, unless it brings its own."""
    if "rto=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}cto={min(5.0, timeout_s)}&rto={timeout_s}"
