"""Return labels of our own: a PDF with bars, square code and addresses, kept in the installation's `var/labels`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from babel import Locale

from amends.connectors.labels.drawing import Label, draw
from amends.connectors.labels.numbers import file_of, number_of
from amends.ground.config import Company
from amends.ground.config import Labels as Settings
from amends.ground.money import Money
from amends.outbox.records import Answer, Declaration, Done, Found, Later, NotDone, Order, Refused

NO_ADDRESS = "labels need an address for returned goods: set [labels] address; the act waits"
WAIT_S = 300.0
LONGEST_LINE, MOST_LINES = 80, 7
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Return", "from": "From", "to": "To", "order": "Order", "contents": "Contents",
        "amount": "You get back", "steps": "How to send it back",
        "1": "Put everything into a box and close it well.",
        "2": "Cut along the line and glue the upper half onto the box. Old labels and bars should not show.",
        "3": "Hand it in wherever parcels are taken.",
        "4": "There is nothing else to do. As soon as it is here, you hear from us.",
        "contact": "Questions? {contact}. Your return number is {number}.",
    },
    "de": {
        "title": "Rücksendung", "from": "Von", "to": "An", "order": "Bestellung", "contents": "Inhalt",
        "amount": "Sie bekommen zurück", "steps": "So schicken Sie es zurück",
        "1": "Legen Sie alles in einen Karton und verschließen Sie ihn gut.",
        "2": "Schneiden Sie an der Linie und kleben Sie die obere Hälfte auf den Karton. Alte Etiketten und "
        "Strichcodes sollten nicht zu sehen sein.",
        "3": "Geben Sie das Paket ab, wo Pakete angenommen werden.",
        "4": "Mehr ist nicht zu tun. Sobald es hier ist, hören Sie von uns.",
        "contact": "Fragen? {contact}. Ihre Rücksendenummer ist {number}.",
    },
}  # fmt: skip


class ReturnLabels:
    """Draws a label per act; a file of ours is the outside world, so nothing is ever in doubt."""

    name = "labels"
    can_find = True
    declaration = Declaration("labels", can_find=True, key_window=timedelta.max)

    def __init__(self, var: Path, company: Company, settings: Settings) -> None:
        self.folder, self.company, self.settings = var / "labels", company, settings

    def act(self, order: Order, now: datetime) -> Answer:
        if not self.settings.address.strip():
            return Later(NO_ADDRESS, WAIT_S)
        if self._path(order).exists():
            return Done(self._ref(order), already=True)
        try:
            pdf = draw(self._label(order))
        except (ValueError, TypeError) as error:
            return Refused(f"this label cannot be made: {error}")
        _keep(self._path(order), pdf)
        return Done(self._ref(order))

    def find(self, order: Order) -> Found:
        return Done(self._ref(order)) if self._path(order).exists() else NotDone()

    def _path(self, order: Order) -> Path:
        return file_of(self.folder, order.key)

    def _ref(self, order: Order) -> str:
        return f"{number_of(order.key)} {self._path(order).relative_to(self.folder.parent)}"

    def _label(self, order: Order) -> Label:
        payload, number = order.payload, number_of(order.key)
        locale = str(payload.get("locale") or self.company.locale)
        words = WORDS.get(locale[:2], WORDS["en"])
        contact = " · ".join(filter(None, (self.company.contact_email, self.company.contact_phone)))
        country = Locale(locale[:2] if locale[:2] in WORDS else "en").territories.get(self.settings.country.upper(), "")
        return Label(
            number=number,
            title=words["title"],
            sender_title=words["from"],
            sender=_lines(payload.get("from") or ()),
            receiver_title=words["to"],
            receiver=_lines((self.company.name, *self.settings.address.splitlines(), country.upper())),
            facts=tuple(_facts(order, words, locale)),
            steps_title=words["steps"],
            steps=tuple(words[step] for step in "1234"),
            contact=words["contact"].format(contact=contact, number=number),
            scan=str(payload.get("link") or number)[:300],
        )


def _lines(given: object) -> tuple[str, ...]:
    """Lines of an address: no empty ones, none that runs off the label, nothing that is no text."""
    if not isinstance(given, list | tuple):
        raise TypeError(f"an address is a list of lines, not {type(given).__name__}")
    lines = [" ".join(str(line).split()) for line in given if str(line).strip()]
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        raise ValueError(f"an address has at most {MOST_LINES} lines of {LONGEST_LINE} letters")
    return tuple(lines)


def _facts(order: Order, words: Mapping[str, str], locale: str) -> list[tuple[str, str]]:
    payload, facts = order.payload, []
    if payload.get("order_id"):
        facts.append((words["order"], str(payload["order_id"])[:60]))
    if payload.get("items"):
        facts.append((words["contents"], ", ".join(str(item) for item in payload["items"])[:60]))
    if payload.get("amount_minor"):
        facts.append((words["amount"], Money(int(payload["amount_minor"]), str(payload["currency"])).words(locale)))
    return facts


def _keep(path: Path, pdf: bytes) -> None:
    """On disk, whole, before anybody hears of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(f".{os.getpid()}.{hashlib.blake2b(os.urandom(8), digest_size=4).hexdigest()}.tmp")
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pdf)
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
