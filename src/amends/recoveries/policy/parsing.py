"""Policy and rule files parsed: one parser, one tree, and every mistake with its file and line."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from amends.ground.marked import Marked, MarkedList, Mistake, load, loads
from amends.recoveries.policy.amounts import read_grant, read_pay_by
from amends.recoveries.policy.conditions import read_cells
from amends.recoveries.policy.declaring import read_derived, read_inputs
from amends.recoveries.policy.scope import UNFIT, Noted, Scope, shown
from amends.recoveries.policy.tree import Cell, Grant, Input, Kind, Minimum, PayBy, Row, Table, TableVersion

ABOUT = (
    "title",
    "jurisdiction",
    "kind",
    "automatic",
    "sources",
    "reading",
    "notes",
    "claim_deadline",
    "exclusions_words",
)
_POLICY = ("policy", "promise", "words", "inputs", "derive", "statute", "currency", "exclusions", "versions")
_RULE = ("rule", "words", "inputs", "derive", "currency", "event", "by", "show", "exclusions", "versions", *ABOUT)
_NOT_HERE = {
    "event": "remove it: a policy's version is chosen by the day of the failure (`started_at`); event: is for rules"
}
_VERSION = ("from", "named", "hit", "stacking", "memory", "parameters", "minimum", "rows")
_ROW = ("id", "when", "then", "person", "reason", "claim", "pay_by", "show")
STACKING = ("max", "sum", "set_off")
EARLIEST = date(1900, 1, 1)
UNREAD = date.min  # of a version whose from: is a mistake


def read(path: Path, inputs: Mapping[str, Input]) -> Table:
    """One file; Mistake for the first thing wrong in it. `inputs` are those every policy has."""
    return parse(load(path), str(path), inputs)


def mistakes(path: Path, inputs: Mapping[str, Input]) -> list[Mistake]:
    """Everything wrong in a file, as far as it can be read on: in the order of its lines."""
    noted = Noted()
    try:
        parse(load(path), str(path), inputs, noted)
    except Mistake as mistake:
        noted.take(mistake)
    except UNFIT:
        if not noted.mistakes:  # else it follows from what was left out
            raise
    return sorted(dict.fromkeys(noted.mistakes), key=lambda mistake: mistake.line)


def read_text(text: str, name: str, inputs: Mapping[str, Input]) -> Table:
    """A text on record: as it stood when somebody was decided by it, also where it would be refused today."""
    return parse(loads(text, name), name, inputs, on_record=True)


def parse(
    top: Marked, file: str, inputs: Mapping[str, Input], noted: Noted | None = None, *, on_record: bool = False
) -> Table:
    """The table; Mistake for the first thing wrong. With `noted`, mistakes go there, and the table has holes."""
    scope = Scope(file, noted=noted, on_record=on_record)
    is_rule = "rule" in top
    known = _RULE if is_rule else (*_POLICY, "event") if on_record else _POLICY
    scope.only(top, known, {} if is_rule else _NOT_HERE)
    for key in ("rule", "currency", "versions") if is_rule else ("policy", "promise", "versions"):
        with scope.noting():
            if key not in top:
                raise scope.mistake(top.line, f"`{key}:` is missing", "see docs/reference/policy.md")
    currency = ""
    with scope.noting():
        currency = scope.known_currency(top.line_of("currency"), top["currency"]) if "currency" in top else ""
    given = _inputs(scope, top)
    scope = replace(scope, currency=currency, inputs=given if is_rule else {**inputs, **given})
    with scope.noting():
        scope = replace(scope, parameters=_common_parameters(scope, top))
    scope = _derived(scope, top)
    event = _chooser(scope, top, "event", Kind.DAY, "a version is chosen by a day") if is_rule else ""
    by_name = _chooser(scope, top, "by", Kind.CHOICE, "names are chosen") if is_rule else ""
    leading = _exclusions(scope, top)
    versions = []
    for item in _versions(scope, top):
        with scope.noting(line=item.line):
            versions.append(_version(scope, item, leading))
    versions.sort(key=lambda one: one.since)
    _check_dates(scope, top, versions, by_name)
    return Table(
        name=str(top["rule" if is_rule else "policy"]),
        promise=str(top.get("promise", "")),
        words=_words(scope, top),
        versions=tuple(versions),
        digest=hashlib.sha256(json.dumps(top, sort_keys=True, default=str).encode()).hexdigest(),
        file=file,
        inputs=scope.inputs,
        derived=scope.derived,
        currency=currency,
        event=event,
        by_name=by_name,
        statute=_names(scope, top, "statute", "[eu_rail]"),
        shown=_names(scope, top, "show", "[days]"),
        about={key: top[key] for key in ABOUT if key in top},
    )


def _chooser(scope: Scope, top: Marked, key: str, kind: Kind, what: str) -> str:
    """The input by which a published rule chooses its version."""
    with scope.noting():
        return scope.need(top.line_of(key), top[key], (kind,), what) if key in top else ""
    return ""


def _inputs(scope: Scope, top: Marked) -> dict[str, Input]:
    given = scope.mapping(top.line_of("inputs"), top.get("inputs") or Marked(), "inputs")
    found: dict[str, Input] = {}
    for name in given:
        with scope.noting(name, given.line_of(name)):
            found |= read_inputs(scope, _only(given, name))
    return found


def _derived(scope: Scope, top: Marked) -> Scope:
    given = scope.mapping(top.line_of("derive"), top.get("derive") or Marked(), "derive")
    for name in given:
        with scope.noting(name, given.line_of(name)):
            scope = read_derived(scope, _only(given, name))
    return scope


def _only(found: Marked, name: str) -> Marked:
    """One field of several, where it stands."""
    one = Marked({name: found[name]})
    one.line, one.lines = found.line, {name: found.line_of(name)}
    return one


def _words(scope: Scope, top: Marked) -> dict[str, str]:
    """`words: {en: …}`: what the customer is told, by language."""
    with scope.noting():
        given = scope.mapping(top.line_of("words"), top.get("words") or Marked(), "words")
        return {language: str(text) for language, text in given.items()}
    return {}


def _names(scope: Scope, top: Marked, key: str, example: str) -> tuple[str, ...]:
    with scope.noting():
        return tuple(map(str, scope.items(top.line_of(key), top.get(key), key, f"{key}: {example}")))
    return ()


def _common_parameters(scope: Scope, top: Marked) -> frozenset[str]:
    """Parameters may be used where every version has them."""
    sets = [
        frozenset(scope.mapping(item.line, item.get("parameters") or Marked(), "parameters"))
        for item in _versions(scope, top)
    ]
    missing = frozenset[str]().union(*sets) - sets[0].intersection(*sets)
    if missing:
        raise scope.mistake(
            top.line_of("versions"), f"parameter {min(missing)} is not in every version", "give it in each"
        )
    return sets[0]


def _versions(scope: Scope, top: Marked) -> list[Marked]:
    found = top["versions"]
    if not isinstance(found, MarkedList) or not found:
        raise scope.mistake(top.line_of("versions"), "no version", "give one with from: and rows:")
    return [scope.mapping(line, item, "a version") for line, item in zip(found.lines, found, strict=True)]


def _version(scope: Scope, item: Marked, leading: tuple[Row, ...]) -> TableVersion:
    scope.only(item, _VERSION)
    if "from" not in item and "named" not in item:
        raise scope.mistake(item.line, "a version needs from: (a day)", "write from: 2026-01-01")
    since = UNREAD
    with scope.noting():
        since = scope.day(item.line_of("from"), "from", item["from"]) if "from" in item else EARLIEST
    hit, stacking = item.get("hit", "first"), item.get("stacking", "max")
    with scope.noting():
        if hit not in ("first", "collect"):
            raise scope.mistake(item.line_of("hit"), f"hit {shown(hit)} is not known", "use first or collect")
    with scope.noting():
        if stacking not in STACKING:
            hint = f"one of {', '.join(STACKING)}"
            raise scope.mistake(item.line_of("stacking"), f"stacking {shown(stacking)} is not known", hint)
    memory_days, half_life_days = _memory(scope, item)
    rows = item.get("rows")
    if not isinstance(rows, MarkedList) or not rows:
        raise scope.mistake(item.line_of("rows"), "rows: is missing or empty", "end with a row whose when: is {}")
    given = scope.mapping(item.line_of("parameters"), item.get("parameters") or Marked(), "parameters")
    parameters: dict[str, Decimal] = {}
    for name in given:
        with scope.noting():
            parameters[name] = scope.number(given.line_of(name), name, given[name])
    scope = replace(scope, values=parameters)
    return TableVersion(
        since=since,
        memory_days=memory_days,
        half_life_days=half_life_days,
        rows=(*leading, *_rows(scope, rows)),
        named=str(item.get("named", "")),
        hit=hit,
        stacking=stacking,
        parameters=parameters,
        minimum=_minimum(scope, item),
        line=item.line,
    )


def _memory(scope: Scope, item: Marked) -> tuple[int, float]:
    """`memory: {days: 90, half_life_days: 30}`: how long a failure counts, and after how long only half."""
    given = Marked()
    with scope.noting():
        given = scope.mapping(item.line_of("memory"), item.get("memory") or Marked(), "memory")
        if not scope.on_record:
            scope.only(given, ("days", "half_life_days"))
    days, half_life = (_length(scope, item.line, given, *one) for one in (("days", 90), ("half_life_days", 30)))
    return int(days), float(half_life)


def _length(scope: Scope, line: int, given: Marked, name: str, usual: int) -> Decimal:
    with scope.noting():
        found = scope.number(line, f"memory.{name}", given.get(name, usual))
        if found <= 0 or (name == "days" and found % 1):
            scope.refuse(given.line_of(name), f"memory.{name}: {found} cannot be", f"write {usual}, for example")
        return found
    return Decimal(usual)


def _rows(scope: Scope, rows: MarkedList) -> Iterator[Row]:
    for line, row in zip(rows.lines, rows, strict=True):
        with scope.noting(line=line):
            yield _row(scope, line, row)


def _row(scope: Scope, line: int, item: Any) -> Row:
    row = scope.mapping(line, item, "a row needs id:, when: and then:")
    scope.only(row, _ROW)
    for key in ("id", "when", "then"):
        with scope.noting():
            if key not in row:
                raise scope.mistake(row.line, f"`{key}:` is missing in this row")
    cells, grants = tuple(_cells(scope, row)), tuple(_grants(scope, row))
    return Row(
        row_id=str(row.get("id")),
        cells=cells,
        grants=grants,
        person=str(row.get("person", "")),
        reason=str(row.get("reason", "ok" if grants else row.get("id"))),
        claim=str(row.get("claim", "")),
        pay_by=_pay_by(scope, row),
        shown=_shown(scope, row),
        line=row.line,
    )


def _cells(scope: Scope, row: Marked) -> Iterator[Cell]:
    when = scope.mapping(row.line_of("when"), row.get("when") or Marked(), "when")
    for name in when:
        with scope.noting(line=when.line_of(name)):
            yield from read_cells(scope, row.line_of("when"), _only(when, name))


def _grants(scope: Scope, row: Marked) -> Iterator[Grant]:
    line = row.line_of("then")
    for grant in scope.items(line, row.get("then"), "then", "then: [apology]"):
        with scope.noting(line=getattr(grant, "line", line)):
            yield read_grant(scope, getattr(grant, "line", line), grant)


def _pay_by(scope: Scope, row: Marked) -> PayBy | None:
    with scope.noting():
        return read_pay_by(scope, row.line_of("pay_by"), row.get("pay_by"))
    return None


def _shown(scope: Scope, row: Marked) -> dict[str, Decimal]:
    given = scope.mapping(row.line_of("show"), row.get("show") or Marked(), "show")
    return {name: scope.number(given.line_of(name), name, given[name]) for name in given}


def _exclusions(scope: Scope, top: Marked) -> tuple[Row, ...]:
    """`exclusions:` are rows that come first and give nothing: each with the evidence it needs."""
    rows, line = [], top.line_of("exclusions")
    for item in scope.items(line, top.get("exclusions"), "exclusions", "- {when: {…}, reason: …}"):
        with scope.noting(line=line):
            rows.append(_exclusion(scope, line, item))
    return tuple(rows)


def _exclusion(scope: Scope, line: int, item: Any) -> Row:
    found = scope.mapping(line, item, "an exclusion")
    scope.only(found, ("when", "reason", "evidence"))
    if "reason" not in found or "when" not in found:
        raise scope.mistake(found.line, "an exclusion needs when: and reason:")
    reason, evidence = str(found["reason"]), str(found.get("evidence", ""))
    cells = tuple(_cells(scope, found))
    return Row(reason, cells, (), reason=reason, excludes=True, evidence=evidence, line=found.line)


def _minimum(scope: Scope, item: Marked) -> Minimum | None:
    """`minimum: {at_least: 4.00, reason: below_minimum_payout}`, or `above: 1.00`."""
    if "minimum" not in item:
        return None
    found = scope.mapping(item.line_of("minimum"), item["minimum"], "minimum")
    scope.only(found, ("at_least", "above", "reason"))
    if ("at_least" in found) == ("above" in found):
        raise scope.mistake(found.line, "a minimum is at_least: or above: an amount")
    key = "above" if "above" in found else "at_least"
    amount = scope.number(found.line_of(key), "minimum", found[key])
    scope.not_negative(found.line_of(key), "minimum", amount)
    return Minimum(amount, "above" in found, str(found.get("reason", "below_minimum")))


def _check_dates(scope: Scope, top: Marked, versions: list[TableVersion], by_name: str) -> None:
    for earlier, later in itertools.pairwise(versions):
        if earlier.since == later.since != UNREAD and earlier.named == later.named:
            raise scope.mistake(later.line, f"two versions begin on {later.since}", "give each its own first day")
    if by_name and any(not version.named for version in versions):
        raise scope.mistake(top.line_of("by"), f"versions are chosen by {by_name}: each needs named:")
