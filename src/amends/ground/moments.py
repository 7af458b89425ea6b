"""Moments: aware datetimes, RFC 3339 in and out, integer milliseconds between."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)",
    re.ASCII,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """Read an RFC 3339 moment; a zone is mandatory, digits past the microsecond are dropped.

    A leap second (`:60`) counts as the second before it, as POSIX clocks do.

    >>> parse_moment("2026-11-20T20:15:00Z").isoformat()
    '2026-11-20T20:15:00+00:00'
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 moment with a zone, such as 2026-11-20T20:15:00Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, min(second, 59), micro, tzinfo=_zone(match[8]))


def _zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00:00Z."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def format_moment(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the outside reads it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
