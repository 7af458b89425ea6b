"""`promises/*.yaml` read and checked: a mistake comes with file, line and what to write instead."""

from __future__ import annotations

import logging
import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

from amends.ground.kept import Kept
from amends.ground.marked import Marked, Mistake, load
from amends.promises import calendars, repair_files
from amends.promises.records import Limit, Promise, Version
from amends.promises.repairs import RepairPromise

log = logging.getLogger("amends.files")
MEASURES = ("startup_s", "stall_s", "stall_count", "longest_stall_s", "stall_share", "waited_s")
FLAGS = ("failed_start", "playback_failed", "exited_before_start")
SEVERITIES = ("minor", "major", "severe")
TOP = ("promise", "words", "measure", "controllable", "versions")
VERSION = ("from", "broken_if", "least_confidence", "used_anyway_if")


def read_all(directory: Path) -> tuple[list[Promise | RepairPromise], list[Mistake]]:
    """Every promise of `directory/promises`, and what is wrong in those that cannot be used."""
    promises: list[Promise | RepairPromise] = []
    mistakes: list[Mistake] = []
    known = {calendar.name for calendar in calendars.read_all(directory)[0]}
    known |= {path.stem for path in (directory / "calendars").glob("*.yaml")}  # one that cannot be read is told once
    for path in sorted((directory / "promises").glob("*.yaml")):
        try:
            promises.append(read(path))
        except Mistake as mistake:
            mistakes.append(mistake)
        else:
            mistakes += repair_files.strangers(path, known) if isinstance(promises[-1], RepairPromise) else []
    return promises, mistakes


def read(path: Path) -> Promise | RepairPromise:
    """One promise file, by its measure; Mistake for the first thing wrong in it."""
    top = load(path)
    if top.get("measure") == "repair":
        return repair_files.read(path, top)
    if top.get("measure", "playback") != "playback":
        says = f"measure {top['measure']!r} is unknown"
        raise Mistake(str(path), top.line_of("measure"), says, "use playback or repair")
    return _playback(path, top)


_kept: Kept[Promise | RepairPromise] = Kept("promises", read)


def in_use(directory: Path) -> list[Promise]:
    """The promises that viewings are held against: the last good version of each file."""
    return [promise for promise in _kept.all(directory) if isinstance(promise, Promise)]


def repairs_in_use(directory: Path) -> list[RepairPromise]:
    """The promises of repair to go by; one that counts by a calendar which is not there is told and left out."""
    known = calendars.in_use(directory).keys()
    found = [promise for promise in _kept.all(directory) if isinstance(promise, RepairPromise)]
    for promise in found:
        if missing := promise.calendars() - known:
            where = {"promise": promise.name, "calendars": sorted(missing)}
            log.error("a promise counts by a calendar that is not there", extra=where)
    return [promise for promise in found if promise.calendars() <= known]


def _playback(path: Path, top: Marked) -> Promise:
    _only(path, top, TOP)
    for key in ("promise", "words", "measure", "versions"):
        if key not in top:
            raise Mistake(str(path), top.line, f"`{key}:` is missing", "see docs/reference/promises.md")
    if not isinstance(top["words"], Marked):
        raise Mistake(str(path), top.line_of("words"), "words: expected one text a language", "write en: A film …")
    if not isinstance(top["versions"], list) or not top["versions"]:
        raise Mistake(str(path), top.line_of("versions"), "no version", "give one with from: and broken_if:")
    versions = [_version(path, top.line_of("versions"), item) for item in top["versions"]]
    ordered = tuple(sorted(versions, key=lambda version: version.since))
    words = {str(locale): str(text) for locale, text in top["words"].items()}
    return Promise(str(top["promise"]), words, "playback", bool(top.get("controllable", True)), ordered)


def _version(path: Path, line: int, item: Any) -> Version:
    if not isinstance(item, Marked):
        raise Mistake(str(path), line, "a version needs from: and broken_if:")
    _only(path, item, VERSION)
    since = item.get("from")
    if not isinstance(since, date) or isinstance(since, datetime):
        raise Mistake(str(path), item.line_of("from"), f"from: {since!r} is no day", "write 2026-01-01")
    limits, flags = _broken_if(path, item)
    used = item.get("used_anyway_if") or Marked()
    if not isinstance(used, Marked):
        line = item.line_of("used_anyway_if")
        raise Mistake(str(path), line, "used_anyway_if: expected fields", "write {played_share: 0.80, played_s: 600}")
    return Version(
        since,
        limits,
        flags,
        least_confidence=_share(path, item, "least_confidence", item.get("least_confidence", "0.5")),
        used_if_played=_share(path, item, "used_anyway_if", used.get("played_share", "0.5")),
        used_if_played_s=_seconds(path, used, "played_s", 60),
    )


def _broken_if(path: Path, item: Marked) -> tuple[tuple[Limit, ...], dict[str, str]]:
    rules = item.get("broken_if")
    if not isinstance(rules, Marked) or not rules:
        raise Mistake(
            str(path), item.line_of("broken_if"), "broken_if: is missing or empty", "name a measure or a flag"
        )
    limits, flags = [], {}
    for name, value in rules.items():
        line = rules.line_of(name)
        if name in FLAGS:
            if value not in SEVERITIES:
                raise Mistake(str(path), line, f"{name}: {value!r} is no severity", "use minor, major or severe")
            flags[name] = str(value)
        elif name in MEASURES:
            limits.append(_limit(path, line, name, value))
        else:
            known = ", ".join((*FLAGS, *MEASURES))
            raise Mistake(str(path), line, f"{name!r} is not measured", f"known: {known}")
    return tuple(limits), flags


def _limit(path: Path, line: int, name: str, value: Any) -> Limit:
    if not isinstance(value, dict) or not value or set(value) - set(SEVERITIES):
        raise Mistake(
            str(path), line, f"{name}: expected limits by severity", "write {minor: 4, major: 15, severe: 60}"
        )
    try:
        numbers = {severity: float(limit) for severity, limit in value.items()}
    except (TypeError, ValueError) as error:
        raise Mistake(str(path), line, f"{name}: limits must be numbers", "seconds, counts or shares 0..1") from error
    ordered = [numbers[severity] for severity in SEVERITIES if severity in numbers]
    if ordered != sorted(ordered) or not all(0 <= number < math.inf for number in ordered):
        raise Mistake(str(path), line, f"{name}: limits must grow with severity", "minor <= major <= severe")
    return Limit(name, **numbers)


def _seconds(path: Path, item: Marked, key: str, default: float) -> float:
    try:
        seconds = float(item.get(key, default))
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise Mistake(str(path), item.line_of(key), f"{key}: {item[key]!r} is no length", "write seconds, such as 600")
    return seconds


def _share(path: Path, item: Marked, key: str, value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= 1:
        raise Mistake(str(path), item.line_of(key), f"{key}: {value!r} is no share", "write a number from 0 to 1")
    return share


def _only(path: Path, found: Marked, known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise Mistake(str(path), found.line_of(key), f"{key!r} is not known here", f"known: {', '.join(known)}")
