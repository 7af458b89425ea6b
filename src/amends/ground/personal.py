"""What is personal, and how it is taken out of JSON and texts without making anything longer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

# Fields that tell who somebody is, where they live or how they are reached, and what they wrote in their own words.
PERSONAL = frozenset(
    (
        *("name", "first_name", "last_name", "full_name", "surname", "company_name", "salutation", "greeting"),
        *("email", "e_mail", "mail", "phone", "telephone", "mobile", "fax", "contact", "contacts", "ip", "ip_address"),
        *("address", "addresses", "street", "house_number", "city", "town", "postcode", "zip", "zip_code"),
        *("ship_to", "shipping_address", "bill_to", "billing_address", "delivery_address", "recipient", "sender"),
        *("lat", "lon", "latitude", "longitude", "iban", "birthday", "date_of_birth", "age", "gender", "sex"),
        *("religion", "nationality", "ethnicity", "race", "locale", "language", "time_zone"),
        *("text", "words", "note", "notes", "comment", "comments", "message", "remark", "remarks"),
        *("signature", "photo", "avatar"),
    )
)
SHORTEST = 3  # shorter words are in everything
TELLING = 6  # as long, and with more in it than letters: enough to mean nobody else
GONE = "-"
SAYS, QUOTE = "the customer says: ", " – "
_MAIL = re.compile(r"[^\s<>@:;,\"']+@[^\s<>@:;,\"']+\.[^\s<>@:;,\"']+")


class Words:
    """What is known of one customer in words: their id, and every name, address and number we were ever told."""

    def __init__(self, customer_id: str, told: Iterable[str] = ()) -> None:
        self.customer_id = customer_id
        self.told = tuple(sorted({text.strip() for text in told if len(text.strip()) >= SHORTEST}))
        telling = [text for text in self.told if len(text) >= TELLING and not text.isalpha()]
        self._own = _any(self.told)
        self._anywhere = _any({form for text in telling for form in spellings(text)})
        self._in_place = _any_bytes({form for text in telling for form in spellings(text)})
        ids = spellings(customer_id)
        forms = ids | {form for text in self.told for form in spellings(text)}
        self._mentions = tuple({form.encode("utf-8", "replace").lower() for form in forms})
        either = "|".join(re.escape(form) for form in sorted(ids))
        self._id = re.compile(rf'customer_id\\*"\s*:\s*\\*"?(?:{either})(?:\\*"|[,}}\s])')

    def may_be_in(self, body: bytes) -> bool:
        """Whether these bytes have to be looked at: a quick no for nearly all."""
        if b"\\u" in body:
            return True
        low = body.lower()  # plain searches are thirty times as fast as a pattern in any case
        return any(form in low for form in self._mentions)

    def about(self, text: str) -> bool:
        """Whether a text that nobody can read is about this customer: it names their id, or where to reach them."""
        return bool(self._id.search(text) or self._anywhere.search(text))

    def masked_anywhere(self, text: str) -> str:
        """A text that is not this customer's own, without what can only mean them: addresses, numbers, full names."""
        return self._anywhere.sub(GONE, text)

    def masked(self, value: Any) -> Any:
        """The same value without the words told of this customer, in every text in it."""
        if isinstance(value, str):
            return self._own.sub(GONE, value)
        if isinstance(value, dict):
            return {key: self.masked(held) for key, held in value.items()}
        return [self.masked(held) for held in value] if isinstance(value, list | tuple) else value

    def cleaned(self, value: Any) -> Any:
        """The same value without personal fields, however deep, and without the words told of this customer."""
        if isinstance(value, dict):
            return {key: self.cleaned(held) for key, held in value.items() if not is_personal(key)}
        return [self.cleaned(held) for held in value] if isinstance(value, list | tuple) else self.masked(value)

    def masked_bytes(self, body: bytes) -> bytes:
        """What can only mean this customer struck out in place: not a byte longer or shorter."""
        return self._in_place.sub(lambda found: b"-" * len(found[0]), body)

    def cleaned_json(self, raw: bytes) -> bytes:
        """`cleaned` for JSON that must not grow: numbers and further fields stand as they stood."""
        try:
            return self._cleaned_json(raw.strip())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {b"{": b"{}", b"[": b"[]"}.get(raw.strip()[:1], b'""')

    def _cleaned_json(self, raw: bytes) -> bytes:
        if raw[:1] == b"{":
            fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            return joined((key, self._cleaned_json(bytes(v))) for key, v in fields.items() if not is_personal(key))
        if raw[:1] == b"[":
            items = msgspec.json.decode(raw, type=list[msgspec.Raw])
            return b"[" + b",".join(self._cleaned_json(bytes(item)) for item in items) + b"]"
        if raw[:1] == b'"':
            text = msgspec.json.decode(raw, type=str)
            return msgspec.json.encode(self.masked(text)) if self._own.search(text) else raw
        return raw


def strike_out(rows: Any, columns: Collection[str], struck: Callable[[Any], Any]) -> int:
    """Write these columns of some rows (a Django query) without what is struck from them; how many rows changed."""
    changed = 0
    for row in rows.iterator(1000):
        new = {name: struck(getattr(row, name)) for name in columns}
        if any(getattr(row, name) != value for name, value in new.items()):
            changed += rows.model.objects.filter(pk=row.pk).update(**new)
    return changed


def quoting(said: str, words: str) -> str:
    """What a customer chose, and behind it the words they wrote, where they wrote any."""
    return f"{SAYS}{said}" + (f"{QUOTE}{words}" if words else "")


def unquoted(text: str) -> str:
    """A reason without the words that the customer wrote; what they chose stays."""
    return text.partition(QUOTE)[0] if text.startswith(SAYS) else text


def joined(fields: Iterable[tuple[str, bytes]]) -> bytes:
    """A JSON object of values that are JSON already."""
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + value for key, value in fields) + b"}"


def is_personal(key: str) -> bool:
    return key.lower().replace("-", "_") in PERSONAL


def without_addresses(text: str) -> str:
    """A mail server's answer without the addresses in it."""
    return _MAIL.sub(GONE, text)


def spellings(text: str) -> set[str]:
    """How a text may stand in a body: plain, escaped for JSON, for an address."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], quote(text), quote_plus(text)}


def _any(texts: Collection[str]) -> re.Pattern[str]:
    """One of these as whole words; mail addresses in any case."""
    longest = sorted(texts, key=len, reverse=True)
    forms = [f"(?i:{re.escape(text)})" if "@" in text else re.escape(text) for text in longest]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)" if forms else r"(?!)")


def _any_bytes(texts: Collection[str]) -> re.Pattern[bytes]:
    longest = sorted((text.encode("utf-8", "replace") for text in texts), key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, longest)) if longest else b"(?!)", re.IGNORECASE)
