"""Whether an event can be taken, and if not, which field is wrong and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from amends.ground.money import MoneyError, minor_digits
from amends.signals.types import MOMENTS, ONE, TYPES, CustomerUpserted

FUTURE = timedelta(days=1)
PAST = timedelta(days=3660)
_PATH = re.compile(r" - at `\$\.?(.*?)`$")
_MISSING = re.compile(r"missing required field `(.+?)`")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPED = re.compile(rb"\\(?:u00[01]|u007[fF]|b|f)")
KNOWN = ", ".join(sorted(TYPES))


class Wrong(ValueError):
    """An event that cannot be taken: `field` is a dotted path, the message what was expected there."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def read_event(raw: bytes | msgspec.Raw, now: datetime) -> Any:
    """One event, checked; Wrong with the field that cannot be."""
    try:
        event = ONE.decode(raw)
        whole = msgspec.json.decode(raw)  # fields we do not know must be readable too: they are kept
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(error) from error
    escaped = bool(_ESCAPED.search(bytes(raw)))
    if escaped and _holds_nul(whole):
        raise Wrong("(event)", "NUL characters are not allowed, in further fields neither")
    check(event, now, texts=escaped)
    return event


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(held) for key, held in value.items())
    return isinstance(value, list) and any(_holds_nul(held) for held in value)


def all_right(events: list[Any], body: bytes, now: datetime) -> bool:
    """Whether none of many decoded events needs a closer look: times in range, currencies known, texts printable."""
    if (b"\\" in body and _ESCAPED.search(body)) or not (body.isascii() or _is_utf8(body)):
        return False
    moments = list(map(_TIME, events))
    for kind, datas in _by_kind(list(map(_DATA, events))).items():
        for name in _MOMENTS_OF[kind]:
            moments += map(attrgetter(name), datas)
        if kind in _WITH_MONEY and not _prices_right(datas):
            return False
        if kind is CustomerUpserted and not all(_is_day(data.since) for data in datas):
            return False
    return _in_range(moments, now)


def _in_range(moments: list[datetime | None], now: datetime) -> bool:
    try:
        return not moments or (min(moments) > now - PAST and max(moments) < now + FUTURE)  # type: ignore[type-var,operator]
    except TypeError:  # some are not told
        return _in_range([moment for moment in moments if moment is not None], now)


def _by_kind(datas: list[Any]) -> dict[type, list[Any]]:
    """Data by its type; a large batch mostly holds one."""
    kinds = set(map(type, datas))
    if len(kinds) == 1:
        return {kinds.pop(): datas}
    return {kind: [data for data in datas if type(data) is kind] for kind in kinds}


def _prices_right(datas: list[Any]) -> bool:
    currencies = set(map(_CURRENCY, datas))
    if None in currencies and any(data.currency is None and data.price_minor is not None for data in datas):
        return False
    return all(code is None or _known(code) for code in currencies)


_TIME, _DATA, _CURRENCY = attrgetter("time"), attrgetter("data"), attrgetter("currency")
_WITH_MONEY = frozenset(shape for shape in TYPES.values() if "price_minor" in shape.__struct_fields__)
_MOMENTS_OF = {shape: tuple(n for n in MOMENTS if n in shape.__struct_fields__) for shape in TYPES.values()}


def check(event: Any, now: datetime, *, texts: bool) -> None:
    """What a type alone cannot say: moments, money, control characters. Wrong names the first that cannot be."""
    data = event.data
    if texts:
        _check_texts("", event, ("id", "source"))
        _check_texts("data.", data, data.__struct_fields__)
    if event.time is not None:
        _check_moment("time", event.time, now)
    for name in _MOMENTS_OF[type(data)]:
        if getattr(data, name) is not None:
            _check_moment(f"data.{name}", getattr(data, name), now)
    if type(data) is CustomerUpserted and not _is_day(data.since):
        raise Wrong("data.since", f"{data.since!r} is not a day of the calendar such as 2021-05-30")
    if type(data) in _WITH_MONEY:
        _check_money(data)


def _is_day(text: str | None) -> bool:
    try:
        return text is None or bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False


def _is_utf8(body: bytes) -> bool:
    try:
        return bool(body.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _check_moment(field: str, moment: datetime, now: datetime) -> None:
    if moment > now + FUTURE:
        raise Wrong(field, f"{moment.isoformat()} lies more than a day in the future; check the sender's clock")
    if moment < now - PAST:
        raise Wrong(field, f"{moment.isoformat()} is more than ten years ago")


def _check_texts(prefix: str, holder: Any, fields: Iterable[str]) -> None:
    for field in fields:
        value = getattr(holder, field)
        if isinstance(value, str) and _CONTROL.search(value):
            raise Wrong(prefix + field, "control characters are not allowed")


def _check_money(data: Any) -> None:
    if data.currency is not None:
        try:
            minor_digits(data.currency)
        except MoneyError as error:
            raise Wrong("data.currency", str(error)) from error
    if data.price_minor is not None and data.currency is None:
        raise Wrong("data.currency", "expected with price_minor: an ISO 4217 code such as EUR")


def _known(code: str) -> bool:
    try:
        return minor_digits(code) >= 0
    except MoneyError:
        return False


def _wrong(error: Exception) -> Wrong:
    text = str(error)
    path, missing = _PATH.search(text), _MISSING.search(text)
    parts = [path[1] if path else "", missing[1] if missing else ""]
    field = ".".join(part for part in parts if part) or "(event)"
    reason = _PATH.sub("", text)
    if field == "type":
        reason = f"{reason}; known types: {KNOWN}"
    return Wrong(field, reason)
