"""`amends policy decide`: lines of `{"id", "rule", "inputs"}` in, one answer a line out, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from amends.ground.money import MoneyError
from amends.recoveries.policy import packs
from amends.recoveries.policy.applying import Outcome, apply, plain
from amends.recoveries.policy.given import WrongInput, without_nulls
from amends.recoveries.policy.reckoning import NoAmount
from amends.recoveries.policy.tree import Table

LONGEST_LINE = 64_000_000
Answer = dict[str, Any]


def answers(lines: Iterable[bytes], *, trace: bool = True) -> Iterator[Answer]:
    """An answer for each line, in order; a whole document `{"cases": […]}` or a list of cases will do as well."""
    for case in read_cases(lines):
        yield case if isinstance(case, WrongAnswer) else answer(case, trace=trace)


class WrongAnswer(dict[str, Any]):
    """An answer that says what was wrong with the question."""


def wrong(case_id: Any, field: str, reason: str) -> WrongAnswer:
    return WrongAnswer(id=case_id, error={"field": field, "reason": reason})


def answer(case: Any, *, trace: bool = True) -> Answer:
    """One case decided by its rule."""
    if not isinstance(case, Mapping):
        return wrong(None, "", f"expected an object with id, rule and inputs, not {_shown(case)}")
    case_id, inputs = case.get("id"), case.get("inputs", {})
    if isinstance(case, _Object) and case.twice:
        return wrong(case_id, case.twice[0], "stands twice; keep one of them")
    if not isinstance(case.get("rule"), str):
        return wrong(case_id, "rule", f"missing; one of {', '.join(packs.names())}")
    try:
        table = packs.rule(case["rule"])
    except packs.UnknownRule as error:
        return wrong(case_id, "rule", str(error))
    return answer_from(table, case_id, inputs, trace=trace)


def answer_from(table: Table, case_id: Any, inputs: Any, *, trace: bool = True) -> Answer:
    """What a table says of inputs that may be wrong."""
    if not isinstance(inputs, Mapping):
        return wrong(case_id, "inputs", f"expected an object of inputs by name, not {_shown(inputs)}")
    if isinstance(inputs, WrongAnswer):
        return inputs
    if isinstance(inputs, _Object) and inputs.twice:
        return wrong(case_id, inputs.twice[0], "stands twice; keep one of them")
    try:
        return {"id": case_id, **answered(table, apply(table, without_nulls(table, inputs)), trace=trace)}
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
    }
    return made | {"trace": {"rule": table.name, "digest": table.digest, **outcome.trace}} if trace else made


def read_cases(lines: Iterable[bytes]) -> Iterator[Any]:
    """The cases in lines, or in one document; what cannot be read comes out as a WrongAnswer in its place."""
    stream = enumerate(lines, 1)
    for number, line in stream:
        text = _decoded(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
        if isinstance(text, str) and not text.strip():
            continue
        found = _parsed(text, number) if isinstance(text, str) else text
        if number == 1 and isinstance(text, str) and _opens_document(text, found):
            yield from _document(text, stream)
            return
        if isinstance(found, dict) and isinstance(found.get("cases"), list) and "rule" not in found:
            yield from found["cases"]
        elif isinstance(found, list):
            yield from found
        else:
            yield found


def _opens_document(text: str, found: Any) -> bool:
    """A first line that is the beginning of something longer, as a person or a tool lays out JSON."""
    stripped = text.strip()
    begins = stripped in ("{", "[") or stripped.startswith('{"cases"') or stripped[:1] == "[" or stripped[-1:] in "{[,"
    return isinstance(found, WrongAnswer) and begins


def _document(first: str, rest: Iterator[tuple[int, bytes]]) -> Iterator[Any]:
    decoded = [first, *(_decoded(line) for _, line in rest)]
    bad = next((text for text in decoded if not isinstance(text, str)), None)
    found = bad if bad is not None else _parsed("".join(map(str, decoded)), 1)
    if isinstance(found, dict) and isinstance(found.get("cases"), list):
        yield from found["cases"]
    elif isinstance(found, list):
        yield from found
    else:
        yield found


def _decoded(line: bytes) -> str | WrongAnswer:
    if len(line) > LONGEST_LINE:
        return wrong(None, "", f"a line of {len(line)} bytes; at most {LONGEST_LINE} are read")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        return wrong(None, "", f"not UTF-8 at byte {error.start}; save it as UTF-8")


def _parsed(text: str, number: int) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_int=_whole, parse_constant=Decimal)
    except json.JSONDecodeError as error:
        return wrong(None, "", f"line {number} is not JSON: {error.msg} at character {error.pos + 1}")
    except RecursionError:
        return wrong(None, "", f"line {number} is nested too deep")


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


def _shown(value: Any) -> str:
    return repr(value)[:60]


def as_json(made: Answer) -> str:
    """One line; numbers exactly as they were given."""
    return json.dumps(made, ensure_ascii=False, default=_plain)


def as_text(made: Answer) -> str:
    """One line for a person."""
    if "error" in made:
        return f"{made['id']}: cannot be decided: {made['error']['field']}: {made['error']['reason']}"
    by = f", by {made['pay_by']}" if made["pay_by"] else ""
    return f"{made['id']}: {made['currency']} {made['amount']}{by} ({made['reason'].replace('_', ' ')})"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):  # an id: never written out digit by digit, it may be 1e999999999
        near = float(value)
        return near if isfinite(near) and Decimal(repr(near)) == value else str(value)
    return value.isoformat() if isinstance(value, date) else str(value)
