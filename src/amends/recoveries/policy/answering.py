"""`amends policy decide`: lines of `{"id", "rule", "inputs"}` in, one answer a line out, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite
from typing import Any

from amends.ground.money import MoneyError
from amends.recoveries.policy import packs
from amends.recoveries.policy.applying import Outcome, apply, plain
from amends.recoveries.policy.given import WrongInput, as_said, day, paid_in
from amends.recoveries.policy.reckoning import NoAmount
from amends.recoveries.policy.scope import shown
from amends.recoveries.policy.tree import Table

LONGEST_LINE = 64_000_000
FIELDS = ("id", "rule", "inputs", "on", "currency")
ALIKE = 0.85
Answer = dict[str, Any]


Decide = Callable[[Mapping[str, Any], bool], Answer]
NOTHING: Mapping[str, Decide] = {}


def answers(lines: Iterable[bytes], *, trace: bool = True, own: Mapping[str, Decide] = NOTHING) -> Iterator[Answer]:
    """An answer for each line, in order; a whole document `{"cases": […]}` or a list of cases will do as well.

    `own` are a company's policies by name; a line that names no rule is theirs where there is only one.
    """
    for case in read_cases(lines):
        yield case if isinstance(case, WrongAnswer) else answer(case, trace=trace, own=own)


class WrongAnswer(dict[str, Any]):
    """An answer that says what was wrong with the question."""


def wrong(case_id: Any, field: str, reason: str) -> WrongAnswer:
    return WrongAnswer(id=case_id, error={"field": field, "reason": reason})


def answer(case: Any, *, trace: bool = True, own: Mapping[str, Decide] = NOTHING) -> Answer:
    """One case decided by its rule."""
    if not isinstance(case, Mapping):
        return _no_case("", case)
    case_id, rule = case.get("id"), case.get("rule")
    if isinstance(case, _Object) and case.twice:
        return wrong(case_id, case.twice[0], "stands twice; keep one of them")
    missing = tuple(field for field in FIELDS if field not in case)
    for name in case:
        if name not in FIELDS and (meant := _meant(name, missing)):
            return wrong(case_id, name, f"is not known; is {meant!r} meant?")
    if rule is None and len(own) == 1:
        rule = next(iter(own))
    if not isinstance(rule, str):
        return wrong(case_id, "rule", f"missing; one of {', '.join((*own, *packs.names()))}")
    if rule in own:
        return own[rule](case, trace)
    if rule not in packs.names():
        return wrong(case_id, "rule", _no_rule(rule, own))
    more = {"currency": case.get("currency"), "on": case.get("on")}
    return answer_from(packs.rule(rule), case_id, case.get("inputs", {}), trace=trace, **more)


@lru_cache(1000)
def _meant(name: str, missing: tuple[str, ...]) -> str:
    """Which field that is missing was perhaps meant by one that is no field; others are let be."""
    return next(iter(get_close_matches(name.lower(), missing, 1, ALIKE)), "")


def _no_rule(rule: str, own: Mapping[str, Decide]) -> str:
    policies = f"; of your own: {', '.join(own)}" if own else "; a policy of your own is handed over with --policy FILE"
    return f"{packs.UnknownRule(rule)}{policies}"


def answer_from(
    table: Table, case_id: Any, inputs: Any, *, trace: bool = True, currency: Any = None, on: Any = None
) -> Answer:
    """What a table says of inputs that may be wrong; a currency that is told must be the table's. `on` is the day of
    what happened, by which a version is chosen where no input does."""

    def decide(given: Mapping[str, Any]) -> Answer:
        paid_in(table, {}, str(currency or ""))
        when = None if on is None else day("on", on)
        return answered(table, apply(table, as_said(table, given), when), trace=trace)

    return guarded(case_id, inputs, decide)


def guarded(case_id: Any, inputs: Any, decide: Callable[[Mapping[str, Any]], Answer]) -> Answer:
    """A decision with the id of its case, or what is wrong with the inputs."""
    if not isinstance(inputs, Mapping):
        return wrong(case_id, "inputs", f"expected an object of inputs by name, not {shown(inputs)}")
    if isinstance(inputs, WrongAnswer):
        return inputs
    if isinstance(inputs, _Object) and inputs.twice:
        return wrong(case_id, inputs.twice[0], "stands twice; keep one of them")
    try:
        return {"id": case_id, **decide(inputs)}
    except WrongInput as error:
        return wrong(case_id, error.field, error.reason)
    except (NoAmount, MoneyError) as error:
        return wrong(case_id, "amount", str(error))
    except (OverflowError, ArithmeticError):
        return wrong(case_id, "inputs", "a day or number is beyond what can be reckoned; check days and lengths")


def answered(table: Table, outcome: Outcome, *, trace: bool = True) -> Answer:
    """An outcome as `amends policy decide` writes it."""
    pay_by = outcome.pay_by.isoformat() if outcome.pay_by else None
    made = {
        "eligible": outcome.eligible,
        "amount": outcome.amount.plain(),
        "currency": outcome.amount.currency,
        "reason": outcome.reason,
        "row": outcome.row,
        "claim": outcome.claim or None,
        "pay_by": pay_by,
        **{name: plain(value) for name, value in outcome.shown.items()},
        **({"person": outcome.person} if outcome.person else {}),
    }
    return made | {"trace": {"rule": table.name, "digest": table.digest, **outcome.trace}} if trace else made


def read_cases(lines: Iterable[bytes]) -> Iterator[Any]:
    """The cases in lines, or in one document; what cannot be read comes out as a WrongAnswer in its place."""
    stream = enumerate(lines, 1)
    for number, line in stream:
        text = _decoded(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
        if isinstance(text, str) and not text.strip():
            continue
        found = _parsed(text, f"line {number}") if isinstance(text, str) else text
        if number == 1 and isinstance(text, str) and _opens_document(text, found):
            yield from _document(text, stream)
            return
        yield from _cases(found, f"line {number}")


def _cases(found: Any, where: str) -> Iterator[Any]:
    """The cases of one line, or of a document; what is no case comes out with its place."""
    if isinstance(found, dict) and isinstance(found.get("cases"), list) and "rule" not in found:
        found = found["cases"]
    if isinstance(found, list) and (not found or any(isinstance(item, Mapping) for item in found)):
        for at, item in enumerate(found, 1):
            yield item if isinstance(item, Mapping) else _no_case(f"{where}, item {at}: ", item)
    else:
        yield found if isinstance(found, Mapping) else _no_case(f"{where}: ", found)


def _no_case(where: str, found: Any) -> WrongAnswer:
    return wrong(None, "", f"{where}expected an object with id, rule and inputs, not {shown(found)}")


def read_inputs(text: str) -> Any:
    """One object of inputs by name; a WrongAnswer when it is not readable."""
    return _parsed(text, "it")


def _opens_document(text: str, found: Any) -> bool:
    """A first line that is the beginning of something longer, as a person or a tool lays out JSON."""
    stripped = text.strip()
    begins = stripped in ("{", "[") or stripped.startswith('{"cases"') or stripped[:1] == "[" or stripped[-1:] in "{[,"
    return isinstance(found, WrongAnswer) and begins


def _document(first: str, rest: Iterator[tuple[int, bytes]]) -> Iterator[Any]:
    decoded = [first, *(_decoded(line) for _, line in rest)]
    bad = next((text for text in decoded if not isinstance(text, str)), None)
    yield from _cases(bad if bad is not None else _parsed("".join(map(str, decoded)), "the document"), "the document")


def _decoded(line: bytes) -> str | WrongAnswer:
    if len(line) > LONGEST_LINE:
        return wrong(None, "", f"a line of {len(line)} bytes; at most {LONGEST_LINE} are read")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        return wrong(None, "", f"not UTF-8 at byte {error.start}; save it as UTF-8")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_int=_whole, parse_constant=Decimal)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, character {error.colno}" if "\n" in text.strip() else f"character {error.pos + 1}"
        return wrong(None, "", f"{where} is not JSON: {error.msg} at {at}")
    except RecursionError:
        return wrong(None, "", f"{where} is nested too deep")


class _Object(dict[str, Any]):
    """An object as JSON had it, and the keys that stood in it twice."""

    twice: tuple[str, ...] = ()


def _once(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        found.twice = tuple(key for key in found if keys.count(key) > 1)
    return found


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) < 40 else Decimal(text)  # Python refuses to read a million digits as an int


def as_json(made: Answer) -> str:
    """One line; numbers exactly as they were given."""
    return json.dumps(made, ensure_ascii=False, default=_plain)


def as_text(made: Answer) -> str:
    """One line for a person."""
    if "error" in made:
        parts = (made["id"], "cannot be decided", made["error"]["field"], made["error"]["reason"])
        return ": ".join(str(part) for part in parts if part not in (None, ""))
    by = f", by {made['pay_by']}" if made["pay_by"] else ""
    return f"{made['id']}: {made['currency']} {made['amount']}{by} ({made['reason'].replace('_', ' ')}){_more(made)}"


def _more(made: Answer) -> str:
    """What a company's own policy gives besides the amount."""
    words = [one["kind"] for one in made.get("remedies", ()) if one["amount"] is None]
    person = f"; for a person: {made['person']}" if made.get("person") else ""
    return (f"; {', '.join(words)}" if words else "") + person


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):  # an id: never written out digit by digit, it may be 1e999999999
        near = float(value)
        return near if isfinite(near) and Decimal(repr(near)) == value else str(value)
    return value.isoformat() if isinstance(value, date) else str(value)
