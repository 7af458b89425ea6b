"""Tables that Hypothesis makes: any inputs, derived values, cells, amounts, stacking and limits the language has."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import Table

INPUTS: dict[str, Any] = {
    "n1": {"type": "number"},
    "n2": {"type": "number", "default": None, "least": -100, "most": 5000},
    "c1": {"type": "count", "most": 400},
    "f1": {"type": "flag"},
    "f2": {"type": "flag", "default": False},
    "k1": {"type": "choice", "of": ["a", "b", "c"]},
    "s1": {"type": "severity"},
    "t1": {"type": "text", "default": None},
    "m1": {"type": "money"},
    "m2": {"type": "money", "default": None},
    "d1": {"type": "day"},
    "d2": {"type": "day", "default": None},
    "l1": {"type": "numbers", "most": 1000},
    "h1": {"type": "days", "default": []},
}
_ORDERED = ("=", "!=", "<", "<=", ">", ">=")
_NUMBERS = st.sampled_from(["0", "1", "2", "3", "12", "24", "0.5", "7.25", "33.333", "100", "1000"])
_AMOUNTS = st.sampled_from(["0", "0.01", "0.10", "1.00", "2.50", "5.00", "9.99", "20.00", "333.33", "10000.00"])
_DAYS = st.dates(min_value=__import__("datetime").date(2018, 1, 1), max_value=__import__("datetime").date(2027, 1, 1))


@st.composite
def derived(draw: Any, numbers: list[str]) -> dict[str, Any]:
    number = st.one_of(_NUMBERS, st.sampled_from([*numbers, "m1", "m2"]))
    op = draw(st.sampled_from(_OPS))
    if op in ("complete", "begun"):
        return {op: draw(st.sampled_from(numbers)), "period": draw(number)}
    if op == "days":
        return {op: [draw(st.sampled_from(["d1", "d2"])), draw(st.sampled_from(["d1", "d2"]))]}
    if op == "total":
        return {op: "l1"}
    if op == "count_above":
        return {op: "l1", "least": draw(number)}
    if op == "by_date":
        days = draw(st.lists(_DAYS, min_size=1, max_size=3, unique=True))
        return {op: {day.isoformat(): draw(_NUMBERS) for day in sorted(days)}}
    return {op: [draw(number), draw(number)]}


_OPS = (
    *("plus", "minus", "complete", "begun", "at_least", "at_most"),
    *("first_known", "days", "total", "count_above", "by_date"),
)


@st.composite
def terms(draw: Any, numbers: list[str], depth: int = 2) -> Any:
    money = st.sampled_from(["m1", "m2"])
    number = st.one_of(_NUMBERS, st.sampled_from(numbers))
    inner = terms(numbers, depth - 1) if depth else _AMOUNTS
    kinds = ("fixed", "percent", "name", "share", "per_unit", "max_of", "min_of", "sum_of", "steps", "left_of")
    kind = draw(st.sampled_from(kinds[: 4 if not depth else 10]))
    if kind == "name":
        return draw(st.one_of(money, st.sampled_from(numbers)))
    made: dict[str, Any] = {kind: draw(_AMOUNTS if kind == "fixed" else inner)}
    if kind == "percent":
        made = {"percent": draw(number), "of": draw(money)}
    elif kind == "share":
        made = {"share": draw(money), "units": draw(number), "in": draw(number)}
    elif kind == "per_unit":
        made["unit"] = draw(st.sampled_from(numbers))
    elif kind in ("max_of", "min_of", "sum_of"):
        made = {kind: draw(st.lists(inner, min_size=1, max_size=3))}
    elif kind == "steps":
        steps = sorted(draw(st.sets(_NUMBERS, min_size=1, max_size=3)), key=float)
        made = {"steps": {step: draw(inner) for step in steps}, "by": draw(st.sampled_from(numbers))}
    elif kind == "left_of":
        made["used"] = draw(st.one_of(money, st.sampled_from(numbers)))
    for limit in ("cap", "floor"):
        if draw(st.integers(0, 3)) == 0:
            made[limit] = draw(inner)
    if draw(st.integers(0, 3)) == 0:
        made["halve"] = True
    return made


@st.composite
def cells(draw: Any, numbers: list[str], days: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in draw(
        st.lists(st.sampled_from([*numbers, *days, "f1", "f2", "k1", "s1", "t1", "m1", "m2"]), max_size=3)
    ):
        value = _value(name, numbers, days)
        shape = draw(st.sampled_from(["=", "order", "in", "between", "null", "notnull"]))
        if shape == "null":
            made[name] = None
        elif shape == "notnull":
            made[name] = {"not": None}
        elif shape == "in":
            made[name] = draw(st.lists(value, min_size=1, max_size=3))
        elif name in ("f1", "f2", "k1", "t1") or shape == "=":
            made[name] = draw(value)
        elif shape == "between":
            made[name] = {"between": [draw(value), draw(value)]}
        else:
            made[name] = {op: draw(value) for op in draw(st.sets(st.sampled_from(_ORDERED), min_size=1, max_size=2))}
    return made


def _value(name: str, numbers: list[str], days: list[str]) -> Any:
    texts = {"k1": ("a", "b", "c"), "t1": ("a", "b"), "s1": ("minor", "major", "severe")}
    if name in texts:
        return st.sampled_from(texts[name])
    if name in ("f1", "f2"):
        return st.booleans()
    if name in days:
        return _DAYS
    return st.one_of(_AMOUNTS if name in ("m1", "m2") else _NUMBERS, st.sampled_from(numbers))


@st.composite
def versions(draw: Any, numbers: list[str], days: list[str], since: str) -> dict[str, Any]:
    rows = []
    for number in range(draw(st.integers(1, 5))):
        then: list[Any] = [
            {draw(st.sampled_from(["refund", "credit"])): draw(terms(numbers)), "owed": draw(st.booleans())}
            for _ in range(draw(st.integers(0, 2)))
        ]
        row = {"id": f"r{number}", "when": draw(cells(numbers, days)), "then": then}
        if draw(st.booleans()):
            then.append("apology")
        if draw(st.integers(0, 3)) == 0:
            row["person"] = "look at it"
        if draw(st.integers(0, 2)) == 0:
            row["pay_by"] = {draw(st.sampled_from(["days", "working_days"])): 9, "after": draw(st.sampled_from(days))}
        rows.append(row)
    made: dict[str, Any] = {"from": since, "rows": rows, "parameters": {"p1": draw(_NUMBERS)}}
    if draw(st.booleans()):
        made |= {"hit": "collect", "stacking": draw(st.sampled_from(["max", "sum", "set_off"]))}
    if draw(st.integers(0, 3)) == 0:
        made["minimum"] = {draw(st.sampled_from(["at_least", "above"])): draw(_AMOUNTS)}
    return made


@st.composite
def tables(draw: Any) -> Table:
    """A published rule of any shape."""
    numbers, days, made = ["n1", "n2", "c1", "p1"], ["d1", "d2"], {}
    for place in range(draw(st.integers(0, 3))):
        made[f"x{place}"] = draw(derived(numbers))
        numbers = [*numbers, f"x{place}"]
    if draw(st.booleans()):
        free = draw(st.sampled_from(["h1", []]))
        made["y1"] = {"working_days_after": "d1", "count": draw(st.sampled_from(["2", "c1"])), "holidays": free}
        days = [*days, "y1"]
    if draw(st.booleans()):
        made["y2"] = {"days_after": "d1", "count": draw(st.sampled_from(numbers))}
        days = [*days, "y2"]
    top: dict[str, Any] = {"rule": "made", "currency": draw(st.sampled_from(["EUR", "JPY", "KWD"])), "inputs": INPUTS}
    if top["currency"] == "JPY":
        return read_text(_text(draw, top, made, numbers, days).replace(".00'", "'"), "made.yaml", {})
    return read_text(_text(draw, top, made, numbers, days), "made.yaml", {})


def _text(draw: Any, top: dict[str, Any], made: dict[str, Any], numbers: list[str], days: list[str]) -> str:
    top["derive"] = made
    since = ["1900-01-01", "2021-03-04"][: draw(st.integers(1, 2))]
    top["versions"] = [draw(versions(numbers, days, one)) for one in since]
    if len(since) > 1:
        top["event"] = "d1"
    if draw(st.booleans()):
        top["exclusions"] = [{"when": {"f2": True}, "reason": "not_ours"}]
    text = yaml.safe_dump(top, sort_keys=False)
    whole = {"0.01": "1", "0.10": "10", "2.50": "250", "9.99": "999", "333.33": "33333"}
    if top["currency"] == "JPY":
        for cents, yen in whole.items():
            text = text.replace(f"'{cents}'", f"'{yen}'")
    return text.replace("'1900-01-01'", "1900-01-01").replace("'2021-03-04'", "2021-03-04")
