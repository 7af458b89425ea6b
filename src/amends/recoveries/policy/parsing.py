"""Policy and rule files parsed: one parser, one tree, and every mistake with its file and line."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from amends.ground.marked import Marked, MarkedList, load, loads
from amends.recoveries.policy.amounts import read_grant, read_pay_by
from amends.recoveries.policy.conditions import read_cells
from amends.recoveries.policy.declaring import read_derived, read_inputs
from amends.recoveries.policy.scope import Scope, shown
from amends.recoveries.policy.tree import Input, Kind, Minimum, Row, Table, TableVersion

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
_POLICY = ("policy", "promise", "words", "inputs", "derive", "statute", "currency", "event", "exclusions", "versions")
_RULE = ("rule", "words", "inputs", "derive", "currency", "event", "by", "show", "exclusions", "versions", *ABOUT)
_VERSION = ("from", "named", "hit", "stacking", "memory", "parameters", "minimum", "rows")
_ROW = ("id", "when", "then", "person", "reason", "claim", "pay_by", "show")
STACKING = ("max", "sum", "set_off")
EARLIEST = date(1900, 1, 1)


def read(path: Path, inputs: Mapping[str, Input]) -> Table:
    """One file; Mistake for the first thing wrong in it. `inputs` are those every policy has."""
    return parse(load(path), str(path), inputs)


def read_text(text: str, name: str, inputs: Mapping[str, Input]) -> Table:
    return parse(loads(text, name), name, inputs)


def parse(top: Marked, file: str, inputs: Mapping[str, Input]) -> Table:
    scope = Scope(file)
    is_rule = "rule" in top
    scope.only(top, _RULE if is_rule else _POLICY)
    for key in ("rule", "currency", "versions") if is_rule else ("policy", "promise", "versions"):
        if key not in top:
            raise scope.mistake(top.line, f"`{key}:` is missing", "see docs/reference/policy.md")
    currency = scope.known_currency(top.line_of("currency"), top["currency"]) if "currency" in top else ""
    given = read_inputs(scope, top.get("inputs") or Marked())
    scope = replace(scope, currency=currency, inputs=given if is_rule else {**inputs, **given})
    named = _common_parameters(scope, top)
    scope = read_derived(replace(scope, parameters=named), top.get("derive") or Marked())
    event = (
        scope.need(top.line_of("event"), top["event"], (Kind.DAY,), "a version is chosen by a day")
        if "event" in top
        else ""
    )
    by_name = scope.need(top.line_of("by"), top["by"], (Kind.CHOICE,), "names are chosen") if "by" in top else ""
    leading = _exclusions(scope, top)
    versions = sorted((_version(scope, item, leading) for item in _versions(scope, top)), key=lambda one: one.since)
    _check_dates(scope, top, versions, by_name)
    return Table(
        name=str(top["rule" if is_rule else "policy"]),
        promise=str(top.get("promise", "")),
        words={str(k): str(v) for k, v in (top.get("words") or {}).items()},
        versions=tuple(versions),
        digest=hashlib.sha256(json.dumps(top, sort_keys=True, default=str).encode()).hexdigest(),
        file=file,
        inputs=scope.inputs,
        derived=scope.derived,
        currency=currency,
        event=event,
        by_name=by_name,
        statute=tuple(map(str, top.get("statute", ()))),
        shown=tuple(map(str, top.get("show", ()))),
        about={key: top[key] for key in ABOUT if key in top},
    )


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
    since = scope.day(item.line_of("from"), "from", item["from"]) if "from" in item else EARLIEST
    hit, stacking = item.get("hit", "first"), item.get("stacking", "max")
    if hit not in ("first", "collect"):
        raise scope.mistake(item.line_of("hit"), f"hit {shown(hit)} is not known", "use first or collect")
    if stacking not in STACKING:
        raise scope.mistake(
            item.line_of("stacking"), f"stacking {shown(stacking)} is not known", f"one of {', '.join(STACKING)}"
        )
    memory = scope.mapping(item.line_of("memory"), item.get("memory") or Marked(), "memory")
    rows = item.get("rows")
    if not isinstance(rows, MarkedList) or not rows:
        raise scope.mistake(item.line_of("rows"), "rows: is missing or empty", "end with a row whose when: is {}")
    given = scope.mapping(item.line_of("parameters"), item.get("parameters") or Marked(), "parameters")
    return TableVersion(
        since=since,
        memory_days=int(scope.number(item.line, "memory.days", memory.get("days", 90))),
        half_life_days=float(scope.number(item.line, "memory.half_life_days", memory.get("half_life_days", 30))),
        rows=(*leading, *(_row(scope, line, row) for line, row in zip(rows.lines, rows, strict=True))),
        named=str(item.get("named", "")),
        hit=hit,
        stacking=stacking,
        parameters={name: scope.number(given.line_of(name), name, given[name]) for name in given},
        minimum=_minimum(scope, item),
        line=item.line,
    )


def _row(scope: Scope, line: int, item: Any) -> Row:
    row = scope.mapping(line, item, "a row needs id:, when: and then:")
    scope.only(row, _ROW)
    for key in ("id", "when", "then"):
        if key not in row:
            raise scope.mistake(row.line, f"`{key}:` is missing in this row")
    then = row["then"] or MarkedList()
    grants = tuple(read_grant(scope, getattr(g, "line", row.line_of("then")), g) for g in then)
    return Row(
        row_id=str(row["id"]),
        cells=read_cells(scope, row.line_of("when"), row["when"]),
        grants=grants,
        person=str(row.get("person", "")),
        reason=str(row.get("reason", "ok" if grants else row["id"])),
        claim=str(row.get("claim", "")),
        pay_by=read_pay_by(scope, row.line_of("pay_by"), row.get("pay_by")),
        shown=_shown(scope, row),
        line=row.line,
    )


def _shown(scope: Scope, row: Marked) -> dict[str, Decimal]:
    given = scope.mapping(row.line_of("show"), row.get("show") or Marked(), "show")
    return {name: scope.number(given.line_of(name), name, given[name]) for name in given}


def _exclusions(scope: Scope, top: Marked) -> tuple[Row, ...]:
    """`exclusions:` are rows that come first and give nothing: each with the evidence it needs."""
    rows = []
    for item in top.get("exclusions") or ():
        found = scope.mapping(top.line_of("exclusions"), item, "an exclusion")
        scope.only(found, ("when", "reason", "evidence"))
        if "reason" not in found or "when" not in found:
            raise scope.mistake(found.line, "an exclusion needs when: and reason:")
        cells = read_cells(scope, found.line_of("when"), found["when"])
        reason, evidence = str(found["reason"]), str(found.get("evidence", ""))
        rows.append(Row(reason, cells, (), reason=reason, excludes=True, evidence=evidence, line=found.line))
    return tuple(rows)


def _minimum(scope: Scope, item: Marked) -> Minimum | None:
    """`minimum: {at_least: 4.00, reason: below_minimum_payout}`, or `above: 1.00`."""
    if "minimum" not in item:
        return None
    found = scope.mapping(item.line_of("minimum"), item["minimum"], "minimum")
    scope.only(found, ("at_least", "above", "reason"))
    if ("at_least" in found) == ("above" in found):
        raise scope.mistake(found.line, "a minimum is at_least: or above: an amount")
    amount = scope.number(found.line, "minimum", found.get("at_least", found.get("above")))
    return Minimum(amount, "above" in found, str(found.get("reason", "below_minimum")))


def _check_dates(scope: Scope, top: Marked, versions: list[TableVersion], by_name: str) -> None:
    for earlier, later in itertools.pairwise(versions):
        if earlier.since == later.since and earlier.named == later.named:
            raise scope.mistake(later.line, f"two versions begin on {later.since}", "give each its own first day")
    if by_name and any(not version.named for version in versions):
        raise scope.mistake(top.line_of("by"), f"versions are chosen by {by_name}: each needs named:")
