"""What may stand in the cell of a table that somebody opens in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from amends.ground.moments import format_moment

# Full-width signs count as well: some programs read them as their plain ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def harmless(cell: Any) -> Any:
    """A spreadsheet must not run what a customer typed (OWASP ASVS 1.2.10): such a text begins with an apostrophe.

    Numbers stay numbers; a text that looks like one, such as a telephone number, counts as text.

    >>> harmless("=cmd()"), harmless("+43 1 234"), harmless(-4.5)
    ("'=cmd()", "'+43 1 234", -4.5)
    """
    return "'" + cell if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def plain(value: Any) -> Any:
    """Moments and days as text; all else as it is."""
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def flat(value: Any) -> Any:
    """Nested values as JSON text, for forms that have none."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value


def cell(value: Any) -> Any:
    """A value as a spreadsheet may read it."""
    return harmless(flat(plain(value)))


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as lines of CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
