"""Calls and text messages through a provider that speaks TwiML (Twilio's REST shape): at most once.

The provider has no idempotency. A text message that may have gone out is looked for by its number, words and moment,
once, at once; what is not seen there is not known, and stands before a person. Calls cannot be told apart at all.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.sax.saxutils import escape

import httpx

from amends.connectors.wire import TIMEOUT_S, Reply, Wire, basic
from amends.outbox.records import Answer, Declaration, Done, Found, Order, Refused, Unknown

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
LONGEST_TEXT = 1600
CLOCKS_DIFFER = timedelta(minutes=2)
FAILED = ("failed", "undelivered", "canceled")


class Phone:
    """`sms.*` acts become messages, `voice.*` acts calls; each wants `to` and `text`."""

    name = "phone"
    can_find = False
    declaration = Declaration("phone", per_s=10, batch=5)  # few, because all on their way at a kill stand in doubt

    def __init__(
        self,
        url: str,
        account: str,
        token: str,
        sender: str,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers, secrets = basic(account, token)
        self.wire = Wire(
            "the phone provider", url, headers=headers, secrets=secrets, timeout_s=timeout_s, transport=transport
        )
        self.path = f"/2010-04-01/Accounts/{account}"
        self.sender = sender

    def act(self, order: Order, now: datetime) -> Answer:
        to, text = str(order.payload.get("to", "")), str(order.payload.get("text", "")).strip()
        if not NUMBER.fullmatch(to):
            return Refused(f"{to[:30]!r} is no number in the form +4930123456")
        if not text or len(text) > LONGEST_TEXT:
            return Refused(f"a message has 1 to {LONGEST_TEXT} letters, and this one {len(text)}")
        if order.kind.startswith("sms."):
            return self._message(to, text, now)
        if order.kind.startswith("voice."):
            return self._call(to, text, str(order.payload.get("locale") or "en"))
        return Refused(f"a telephone cannot do {order.kind}")

    def find(self, order: Order) -> Found:
        return Unknown("calls and messages carry no key at the provider")

    def _message(self, to: str, text: str, now: datetime) -> Answer:
        words = {"To": to, "From": self.sender, "Body": text}
        reply = self.wire.ask("POST", f"{self.path}/Messages.json", data=words)
        answer = self.wire.answer(reply, lambda found: _sent(found, to))
        return self._seen(words, now) or answer if isinstance(answer, Unknown) else answer

    def _call(self, to: str, text: str, locale: str) -> Answer:
        language = re.sub(r"[^A-Za-z-]", "", locale.replace("_", "-"))
        twiml = f'<Response><Say language="{language}">{escape(text)}</Say></Response>'
        reply = self.wire.ask("POST", f"{self.path}/Calls.json", data={"To": to, "From": self.sender, "Twiml": twiml})
        return self.wire.answer(reply, lambda found: _sent(found, to))

    def _seen(self, words: dict[str, str], now: datetime) -> Done | None:
        """Our message in the provider's list: same numbers and words, not before this try. Not seen proves nothing."""
        asked = {"To": words["To"], "From": words["From"], "PageSize": "50"}
        reply = self.wire.ask("GET", f"{self.path}/Messages.json", params=asked)
        found = reply.json() if isinstance(reply, Reply) and reply.status == 200 else None
        listed = found.get("messages") if isinstance(found, dict) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and one.get("body") == words["Body"] and _since(one, now):
                return _sent(one, words["To"])
        return None


def _sent(found: Any, to: str) -> Done | None:
    """The provider's own id of what it took, unless it is for another number or has failed already."""
    if not isinstance(found, dict) or found.get("to", to) != to or found.get("status") in FAILED:
        return None
    sid = found.get("sid")
    return Done(sid) if isinstance(sid, str) and sid.strip() else None


def _since(one: dict[str, Any], now: datetime) -> bool:
    try:
        return parsedate_to_datetime(str(one.get("date_created"))) >= now - CLOCKS_DIFFER
    except (TypeError, ValueError):
        return False
