"""Hands a report to another body's GeoReport server, once. The standard has no key for that, so ours is in the words.

See docs/decisions/0060-passing-on.md for why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from amends.connectors.open311 import reading
from amends.connectors.open311.far import Far, Service, Unread, stamp
from amends.connectors.open311.reading import Row, Unreadable, number, text
from amends.connectors.wire import Reply
from amends.outbox.records import Answer, Declaration, Done, Found, Later, NotDone, Order, Refused, Unknown
from amends.reports import forwards

LONGEST_ID = 200
CLOCKS_APART = timedelta(days=1)
NEAR_DEG = 0.002
SAME_WORDS = 30  # so many letters at the beginning that are the same are no chance
MARK = re.compile(r"\[\d+-[a-z2-7]{10}\]")
REALTIME, BLACKBOX = "realtime", "blackbox"
NOTHING_DONE_WAIT_S = 60.0
FORGOTTEN = "what there was to tell has been taken out by now; tell them by hand, and settle this with their number"


class Open311Forwarder:
    """One body's server. `find` says that nothing was done only where the server would surely list it by then."""

    can_find = True

    def __init__(self, name: str, far: Far) -> None:
        self.name, self.far, self.there = name, far, far.there
        window = timedelta.max if self.there.idempotent else None
        self.declaration = Declaration(name, can_find=True, key_window=window, per_s=5, at_once=2)
        self._absent: dict[str, float] = {}  # since when it was looked for in vain

    # Handing over

    def act(self, order: Order, now: datetime) -> Answer:
        if "fields" not in order.payload:
            return Refused(FORGOTTEN)
        try:
            service = self.far.service(_field(order, "service_code"))
        except Unread as error:
            return Later(f"nothing was sent: {error.reason}", NOTHING_DONE_WAIT_S if error.status else None)
        reply = self.far.wire.ask(
            "POST",
            f"/requests.{self.there.form}",
            data=self._form(order, service),
            headers={"idempotency-key": f"{order.key} {order.payload['mark']}"},  # keys alone are those of others too
        )
        if not isinstance(reply, Reply):
            return reply
        said = reading.faults(reply.body)
        if said and 200 <= reply.status < 300:
            return self._refused(said)
        answer = self.far.wire.answer(reply, lambda _: self._receipt(reply, order, service))
        return self._refused(said) if said and isinstance(answer, Refused) else answer

    def _refused(self, said: str) -> Refused:
        return Refused(self.far.wire.hide(f"{self.far.name} refused it: {said}"))

    def _form(self, order: Order, service: Service) -> dict[str, Any]:
        own = {"api_key": self.far.key, "jurisdiction_id": self.there.jurisdiction}
        form: dict[str, Any] = {name: value for name, value in own.items() if value}
        form |= dict(order.payload["fields"])
        form["description"] = forwards.description(order.payload, service.asks)
        for code, _, values, _ in order.payload["answers"]:
            if code in service.lists:
                form[f"attribute[{code}][]"] = list(values)
            elif code in service.asks:
                form[f"attribute[{code}]"] = list(values)[:1]
        return form

    def _receipt(self, reply: Reply, order: Order, service: Service) -> Answer | None:
        try:
            found = reading.rows(reply.body, "service_requests")
        except Unreadable:
            return None
        if len(found) != 1:
            return None
        given, token = text(found[0], "service_request_id"), text(found[0], "token")
        if given:
            return self._checked(given, order)
        if token:
            return _done(f"{forwards.TOKEN}{token}")
        return Done(forwards.UNNUMBERED) if service.type == BLACKBOX else None

    def _checked(self, given: str, order: Order) -> Answer:
        """A number is a receipt unless it is somebody else's; where it cannot be seen yet, our mark may be."""
        row = self.far.one(given)
        if row is None:
            listed = self.find(order)
            at_once = self.there.listed_within_s == 0
            says = f"the number {given[:60]} was told, and is not there"
            return listed if isinstance(listed, Done) else Unknown(says) if at_once else _done(given)
        if _bears(row, order) or _alike(row, order):
            return _done(given)
        return Unknown(f"the number {given[:60]} that was told is that of another request")

    # Looking it up

    def find(self, order: Order) -> Found:
        if "fields" not in order.payload:
            return Unknown(FORGOTTEN)
        try:
            found, whole = self._listed(order)
            kind = self.far.service(_field(order, "service_code")).type
        except Unread as error:
            return Unknown(f"cannot be looked up: {error.reason}")
        ours = [row for row in found if _bears(row, order) and _ref(row)]
        if ours:
            return _done(_ref(ours[0]))
        if self.there.idempotent:
            return NotDone()
        if suspects := [text(row, "service_request_id") for row in found if _alike(row, order)]:
            return Unknown(f"number {suspects[0][:60]} may be it, but does not bear our mark")
        if not whole:
            return Unknown("the list over there is cut off, and it is not in what can be seen")
        return self._surely_absent(order, kind)

    def _surely_absent(self, order: Order, kind: str) -> Found:
        within = self.there.listed_within_s
        if kind != REALTIME or within is None:
            return Unknown("it is not listed, which proves nothing: such requests may be kept back")
        now = self.far.tick()
        waited = now - self._absent.setdefault(order.key, now)
        if waited < within:
            return Unknown(f"it is not listed; it has {within - waited:.0f} s more to appear")
        del self._absent[order.key]
        return NotDone()

    def _listed(self, order: Order) -> tuple[list[Row], bool]:
        """What was reported of this kind since the act was made, and whether that is all of it."""
        since = stamp(datetime.fromisoformat(order.payload["at"]).astimezone(UTC) - CLOCKS_APART)
        asked = {"service_code": _field(order, "service_code"), "start_date": since}
        found: list[Row] = []
        whole = False
        for page, whole in self.far.pages("/requests", "service_requests", **asked):  # noqa: B007 - the last one tells
            found += page
        return found, whole


def _field(order: Order, name: str) -> str:
    fields: Mapping[str, str] = dict(order.payload["fields"])
    return fields.get(name, "")


def _ref(row: Row) -> str:
    token = text(row, "token")
    return text(row, "service_request_id") or (f"{forwards.TOKEN}{token}" if token else "")


def _done(ref: str) -> Done | Unknown:
    """A number as a receipt; one that nobody could write down is none."""
    if len(ref) > LONGEST_ID or not ref.isprintable() or "," in ref or ref in forwards.NUMBERLESS:
        return Unknown(f"the number that was told cannot be one: {ref[:60]!r}")
    return Done(ref)


def _bears(row: Row, order: Order) -> bool:
    return order.payload["mark"] in text(row, "description")


def _alike(row: Row, order: Order) -> bool:
    """Whether a request could be ours with our mark lost: the same words, or none, about the same place."""
    said, ours = text(row, "description"), " ".join(str(order.payload["said"]).split())[:SAME_WORDS]
    if MARK.search(said) or text(row, "service_code") not in ("", _field(order, "service_code")):
        return False
    if said and not " ".join(said.split()).startswith(ours):
        return False
    return _near(row, order)


def _near(row: Row, order: Order) -> bool:
    address = _field(order, "address_string")
    if address and text(row, "address") == address:
        return True
    here = dict(order.payload["fields"])
    apart = [abs((number(row, name) or 0.0) - (number(here, name) or 0.0)) for name in ("lat", "long")]
    return bool(text(here, "lat")) and all(degrees <= NEAR_DEG for degrees in apart)
