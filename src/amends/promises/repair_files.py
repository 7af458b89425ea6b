"""`promises/*.yaml` with `measure: repair`, read and checked: by when what is mended, row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from amends.ground.marked import Marked, Mistake, load
from amends.promises.repairs import Kind, RepairPromise, RepairVersion, Row, Within

SEVERITIES = ("minor", "major", "severe")
TOP = ("promise", "words", "measure", "controllable", "calendar", "versions")
VERSION = ("from", "reopened_within_days", "rows")
ROW = ("category", "area", "severity", "within", "none", "calendar", "words")
LEAST_AND_MOST = {
    Kind.WORKING_DAYS: (0, 2_000),
    Kind.DAYS: (0, 3_650),
    Kind.HOURS: (0.01, 87_600),
    Kind.WORKING_HOURS: (0.01, 20_000),
}
REOPENED_WITHIN_DAYS = 14
DOCS = "see docs/reference/promises.md"


def read(path: Path, top: Marked) -> RepairPromise:
    """One promise of repair from a file that was loaded; Mistake for the first thing wrong in it."""
    _only(path, top, TOP)
    for key in ("promise", "words", "calendar", "versions"):
        if key not in top:
            raise Mistake(str(path), top.line, f"`{key}:` is missing", DOCS)
    calendar = _name(path, top, "calendar")
    given = top["versions"]
    if not isinstance(given, list) or not given:
        raise Mistake(str(path), top.line_of("versions"), "no version", "give one with from: and rows:")
    versions = [_version(path, line, item, calendar) for item, line in zip(given, given.lines, strict=True)]  # type: ignore[attr-defined]
    days = [version.since for version in versions]
    for place, day in enumerate(days):
        if day in days[:place]:
            line = given.lines[place]  # type: ignore[attr-defined]
            raise Mistake(str(path), line, f"two versions begin on {day}", "keep one, or let one begin later")
    ordered = tuple(sorted(versions, key=lambda version: version.since))
    controllable = bool(top.get("controllable", True))
    return RepairPromise(str(top["promise"]), _words(path, top), calendar, controllable, ordered)


def strangers(path: Path, calendars: set[str]) -> list[Mistake]:
    """Each place of a readable promise of repair that names a calendar which is not there."""
    top = load(path)
    marked = [top, *(row for version in top["versions"] for row in version["rows"])]
    known = f"known: {', '.join(sorted(calendars))}" if calendars else "calendars/ is empty"
    return [
        Mistake(str(path), at.line_of("calendar"), f"no file in calendars/ is called {at['calendar']}", known)
        for at in marked
        if "calendar" in at and str(at["calendar"]) not in calendars
    ]


def _version(path: Path, line: int, item: Any, calendar: str) -> RepairVersion:
    if not isinstance(item, Marked):
        raise Mistake(str(path), line, "a version needs from: and rows:", DOCS)
    _only(path, item, VERSION)
    since = item.get("from")
    if not isinstance(since, date) or isinstance(since, datetime):
        raise Mistake(str(path), item.line_of("from"), f"from: {since!r} is no day", "write 2026-01-01")
    soon = item.get("reopened_within_days", REOPENED_WITHIN_DAYS)
    if isinstance(soon, bool) or not isinstance(soon, int) or not 0 <= soon <= 366:
        line = item.line_of("reopened_within_days")
        raise Mistake(str(path), line, f"reopened_within_days: {soon!r} is no number of days", "write 0 to 366")
    return RepairVersion(since, _rows(path, item, calendar), soon)


def _rows(path: Path, item: Marked, calendar: str) -> tuple[Row, ...]:
    given = item.get("rows")
    if not isinstance(given, list) or not given:
        raise Mistake(
            str(path), item.line_of("rows"), "rows: is missing or empty", "give one with within: or none: true"
        )
    rows: list[Row] = []
    for one, line in zip(given, given.lines, strict=True):  # type: ignore[attr-defined]
        if not isinstance(one, Marked):
            raise Mistake(str(path), line, "a row needs within: or none: true", DOCS)
        row = _row(path, one, calendar)
        for number, earlier in enumerate(rows, 1):
            if _covers(earlier, row):
                says = f"row {len(rows) + 1} is never reached: row {number} holds for all of it"
                raise Mistake(str(path), one.line, says, "put the narrower row first")
        rows.append(row)
    return tuple(rows)


def _row(path: Path, item: Marked, calendar: str) -> Row:
    _only(path, item, ROW)
    severities = _codes(path, item, "severity")
    for severity in severities - set(SEVERITIES):
        line = item.line_of("severity")
        raise Mistake(str(path), line, f"{severity!r} is no severity", "use minor, major or severe")
    if ("within" in item) == ("none" in item):
        hint = "write within: {working_days: 3}, or none: true where there is honestly no target"
        raise Mistake(str(path), item.line, "a row says either within: or none: true", hint)
    if "none" in item and item["none"] is not True:
        raise Mistake(str(path), item.line_of("none"), "none: can only be true", "leave it out and write within:")
    own = _name(path, item, "calendar") if "calendar" in item else calendar
    words = _words(path, item) if "words" in item else {}
    within = _within(path, item) if "within" in item else None
    return Row(_codes(path, item, "category"), _codes(path, item, "area"), severities, within, own, words)


def _within(path: Path, item: Marked) -> Within:
    given, kinds = item["within"], ", ".join(Kind)
    if not isinstance(given, Marked) or len(given) != 1 or next(iter(given)) not in list(Kind):
        says = f"within: expected one of {kinds}"
        raise Mistake(str(path), item.line_of("within"), says, "write {working_days: 3}")
    ((name, value),) = given.items()
    kind, amount = Kind(name), _number(value)
    least, most = LEAST_AND_MOST[kind]
    whole = kind in (Kind.WORKING_DAYS, Kind.DAYS)
    if not least <= amount <= most or (whole and amount != int(amount)):
        hint = f"write a {'whole ' if whole else ''}number from {least} to {most:,}"
        raise Mistake(str(path), given.line_of(name), f"{name}: {value!r} cannot be promised", hint)
    return Within(kind, amount)


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _codes(path: Path, item: Marked, key: str) -> frozenset[str]:
    """The codes a row is for; none means any."""
    if key not in item:
        return frozenset()
    value = item[key]
    codes = value if isinstance(value, list) else [value]
    if not codes or any(isinstance(code, (dict, list, bool)) or code in (None, "") for code in codes):
        raise Mistake(str(path), item.line_of(key), f"{key}: expected a code or several", f"leave {key}: out for any")
    return frozenset(str(code) for code in codes)


def _covers(earlier: Row, row: Row) -> bool:
    pairs = ((earlier.category, row.category), (earlier.area, row.area), (earlier.severity, row.severity))
    return all(not wide or (bool(narrow) and narrow <= wide) for wide, narrow in pairs)


def _name(path: Path, item: Marked, key: str) -> str:
    if not isinstance(item[key], str) or not item[key].strip():
        raise Mistake(str(path), item.line_of(key), f"{key}: expected a name", "the name of a file in calendars/")
    return str(item[key])


def _words(path: Path, item: Marked) -> Mapping[str, str]:
    if not isinstance(item["words"], Marked) or not item["words"]:
        raise Mistake(str(path), item.line_of("words"), "words: expected one text a language", "write en: A lamp …")
    return {str(locale): str(text) for locale, text in item["words"].items()}


def _only(path: Path, found: Marked, known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise Mistake(str(path), found.line_of(key), f"{key!r} is not known here", f"known: {', '.join(known)}")
