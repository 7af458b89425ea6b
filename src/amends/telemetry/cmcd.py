"""CMCD (CTA-5004 v1 and v2) as players really send it: one dictionary in, typed members out; liberal in reading."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from amends.telemetry.records import EVENTS, MODES, OBJECT_TYPES, STATES

MAX_SESSION_ID = 64  # CTA-5004
MAX_MS = 7 * 24 * 3_600_000  # no buffer, object or stall lasts longer than a week
MAX_KBPS = 2_000_000_000 // 1000
_MEMBER = re.compile(r'([a-z*][a-z0-9_.*-]*)(?:=("(?:[^"\\]|\\.)*"|\([^)]*\)|[^,"()]*))?(?:,|$)', re.ASCII)
_INNER = re.compile(r'("(?:[^"\\]|\\.)*"|-?[0-9.]+)(?:;([a-z]+))?', re.ASCII)
_ENCODED = re.compile(r"%(?:22|2C|3D|28)", re.IGNORECASE)
HEADERS = ("cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status")
_STATE = {name: number for number, name in enumerate(STATES) if name}
_EVENT = {name: number for number, name in enumerate(EVENTS) if name}
_OBJECT = {name: number for number, name in enumerate(OBJECT_TYPES) if name}
_MODE = {name: number for number, name in enumerate(MODES)}

Members = dict[str, Any]


class Unreadable(ValueError):
    """The text cannot be taken as a CMCD report; the message names the key and what was expected."""


@dataclass(frozen=True)
class CmcdSettings:
    """The custom CMCD keys that say whose session it is (lower case, with a hyphen)."""

    customer_key: str = "com.amends-customer"
    order_key: str = "com.amends-order"


@dataclass(frozen=True)
class Envelope:
    """What surrounds a report: when it came and, where the origin's log knows, how the request went."""

    received_ms: int
    mode: str = "request"
    path: str | None = None
    status: int | None = None
    sent_bytes: int | None = None
    taken_ms: int | None = None


def hash_session(session_id: str) -> int:
    """A stable 64-bit number for a session id; what reports are sorted by."""
    return int.from_bytes(hashlib.blake2b(session_id.encode(), digest_size=8).digest(), "little")


def parse(text: str) -> Members:
    """Read one CMCD dictionary (RFC 8941, or JSON); a member that cannot be read is dropped, the rest survives.

    >>> parse('bl=1900,br=(2500;v 96;a),bs,sid="a b"')
    {'bl': 1900, 'br': {'v': 2500, 'a': 96}, 'bs': True, 'sid': 'a b'}
    """
    text = text.strip()
    if text.startswith("{"):
        return _parse_json(text)
    if _ENCODED.search(text):
        text = unquote(text)
    members: Members = {}
    for key, raw in _MEMBER.findall(text.replace(", ", ",")):
        value = _value(raw)
        if value is not None:
            members[key] = value
    return members


def _parse_json(text: str) -> Members:
    try:
        members = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"CMCD as JSON cannot be read: {error}") from error
    if not isinstance(members, dict):
        raise Unreadable("CMCD as JSON must be one object")
    return members


def _value(raw: str) -> Any:
    if raw == "":
        return True
    if raw[0] == '"':
        return raw[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if raw[0] == "(":
        return _inner_list(raw)
    try:
        return int(raw)
    except ValueError:
        return _float_or_token(raw)


def _float_or_token(raw: str) -> Any:
    try:
        number = float(raw)
    except ValueError:
        return {"?1": True, "?0": False}.get(raw, raw)
    return number if math.isfinite(number) else None


def _inner_list(raw: str) -> Any:
    """`(2500;v 96;a)` by object type; `(351)` under ''; strings as they stand."""
    found = {}
    for item, tag in _INNER.findall(raw):
        if item[0] == '"':
            return item[1:-1]
        found[tag] = float(item) if "." in item else int(item)
    return found or None


def number(members: Members, key: str, highest: float, prefer: str = "v") -> float | None:
    """The number of a member, of an inner list the `prefer`red object type's; None when absent or out of range."""
    value = members.get(key)
    if isinstance(value, dict):
        value = value.get(prefer, value.get("", value.get("av", next(iter(value.values()), None))))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        return None
    return value


def whole(members: Members, key: str, highest: float, prefer: str = "v") -> int | None:
    value = number(members, key, highest, prefer)
    return None if value is None else int(value)


def text_of(members: Members, key: str, longest: int = 128) -> str | None:
    value = members.get(key)
    if not isinstance(value, str) or not value or len(value) > longest or not value.isprintable():
        return None
    return value


def to_row(members: Members, envelope: Envelope, settings: CmcdSettings) -> tuple[Any, ...]:
    """One row in the order of `records.REPORTS`; Unreadable when it cannot be tied to a session."""
    session_id = text_of(members, "sid", MAX_SESSION_ID)
    if session_id is None:
        raise Unreadable(f"sid: expected a session id of 1 to {MAX_SESSION_ID} printable characters")
    kind = members.get("ot")
    prefer = kind if kind in ("a", "v", "av") else "v"
    url = members.get("url")
    path = envelope.path or (urlsplit(url).path if isinstance(url, str) else None)
    status = envelope.status if envelope.status is not None and envelope.status < 1000 else whole(members, "rc", 599)
    taken = envelope.taken_ms if envelope.taken_ms is not None else whole(members, "ttlb", MAX_MS)
    starved = members.get("bs")
    starved_ms = whole(members, "bsd", MAX_MS, prefer)
    return (
        hash_session(session_id),
        session_id,
        text_of(members, settings.customer_key, 200),
        text_of(members, settings.order_key, 200),
        envelope.received_ms,
        whole(members, "ts", 2**52),
        whole(members, "sn", 2**31 - 1),
        whole(members, "v", 100) or 1,
        _MODE[envelope.mode],
        _EVENT.get(str(members.get("e", "")), 0),
        _STATE.get(str(members.get("sta", "")), 0),
        _OBJECT.get(str(kind or ""), 0),
        whole(members, "br", MAX_KBPS, prefer),
        whole(members, "tb", MAX_KBPS, prefer),
        whole(members, "bl", MAX_MS, prefer),
        whole(members, "dl", MAX_MS),
        whole(members, "d", MAX_MS),
        whole(members, "mtp", MAX_KBPS, prefer),
        None if starved is None else bool(starved),
        starved_ms,
        whole(members, "msd", MAX_MS),
        number(members, "pr", 100),
        whole(members, "pt", 2**52),
        None if "su" not in members else bool(members["su"]),
        None if "bg" not in members else bool(members["bg"]),
        error_code(members),
        text_of(members, "cid"),
        text_of(members, "st", 8),
        text_of(members, "sf", 8),
        path,
        next_path(members),
        status,
        envelope.sent_bytes,
        taken,
    )


def error_code(members: Members) -> str | None:
    value = members.get("ec")
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    return None if value is None or value is True else str(value)[:64]


def next_path(members: Members) -> str | None:
    value = members.get("nor")
    return unquote(value)[:400] if isinstance(value, str) else None


def from_headers(headers: Mapping[str, Any]) -> str:
    """The one dictionary that the four CMCD headers make together."""
    low = {key.lower(): value for key, value in headers.items()}
    return ",".join(str(low[name]) for name in HEADERS if low.get(name))


def from_query(query: str) -> str:
    """The CMCD argument of a query string, or the text itself when it already is the argument's value."""
    if "CMCD=" not in query:
        return query
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key == "CMCD":
            return value
    return query
