"""What is said about a table's rows is what looking at every record says."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from amends.recoveries.policy.checking import check
from amends.recoveries.policy.covering import Space
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.reckoning import holds, look
from amends.recoveries.policy.tree import Row, Table

TEXT = """
rule: r
currency: EUR
inputs:
  n: {{type: count, most: 4}}
  x: {{type: number, most: 3}}
  f: {{type: flag}}
  c: {{type: choice, of: [a, b, c]}}
versions:
  - from: 2026-01-01
    rows:
{rows}"""
NUMBERS = st.one_of(
    st.tuples(st.sampled_from(("<", "<=", ">", ">=", "=", "!=")), st.integers(0, 3)).map(
        lambda c: f"{{'{c[0]}': {c[1]}}}"
    ),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda c: f"{{between: [{min(c)}, {max(c)}]}}"),
    st.sampled_from(("null", "{not: null}")),
)
CELLS = {
    "n": NUMBERS,
    "x": NUMBERS,
    "f": st.sampled_from(("true", "false", "null", "{'!=': true}")),
    "c": st.sampled_from(("a", "[a, b]", "[b, c]", "{'!=': b}", "null")),
}
ROWS = st.lists(
    st.lists(st.sampled_from(sorted(CELLS)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: CELLS[name] for name in names})
    ),
    min_size=1,
    max_size=5,
)
KNOWN: dict[str, tuple[Any, ...]] = {
    "n": tuple(map(Decimal, range(5))),
    "x": tuple(Decimal(half) / 2 for half in range(7)),
    "f": (True, False),
    "c": ("a", "b", "c"),
}


def table(rows: list[dict[str, str]]) -> Table:
    lines = (", ".join(f"{name}: {cell}" for name, cell in cells.items()) for cells in rows)
    text = "".join(f"      - {{id: r{at}, when: {{{cells}}}, then: []}}\n" for at, cells in enumerate(lines))
    return read_text(TEXT.format(rows=text), "r.yaml", {})


def records(*, unknown: bool) -> list[dict[str, Any]]:
    values = [(*found, None) if unknown else found for found in KNOWN.values()]
    return [dict(zip(KNOWN, record, strict=True)) for record in itertools.product(*values)]


def first(one: Table, record: dict[str, Any]) -> str:
    return next((looked.row.row_id for looked in look(one, one.versions[0], record, "EUR") if looked.held), "")


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_a_row_is_called_unreachable_exactly_when_no_record_reaches_it(rows: list[dict[str, str]]) -> None:
    one = table(rows)
    reached = {first(one, record) for record in records(unknown=True)}

    said = {word for mistake in check(one) for word in mistake.says.split()[1:2] if "can never" in mistake.says}

    assert said == {row.row_id for row in one.versions[0].rows} - reached


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_a_gap_is_found_exactly_when_some_record_fits_no_row(rows: list[dict[str, str]]) -> None:
    one = table(rows)
    left = [record for record in records(unknown=False) if not first(one, record)]

    assert any("no row fits" in mistake.says for mistake in check(one)) == bool(left)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_record_that_is_shown_falls_into_the_gap(rows: list[dict[str, str]]) -> None:
    one = table(rows)
    space = Space(one, one.versions[0])

    for box in space.rest([space.possible()], one.versions[0].rows):
        plain = {name: found[0] for name, found in KNOWN.items()}
        assert not first(one, plain | space.example(box))


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_rows_are_said_to_overlap_exactly_when_a_record_fits_both(rows: list[dict[str, str]]) -> None:
    one = table(rows)
    space = Space(one, one.versions[0])
    pairs = list(itertools.combinations(one.versions[0].rows, 2))

    said = [space.overlap(*pair) for pair in pairs]

    every = [
        {row.row_id for row in one.versions[0].rows if _holds(one, row, record)} for record in records(unknown=True)
    ]
    assert said == [any({a.row_id, b.row_id} <= held for held in every) for a, b in pairs]


def _holds(one: Table, row: Row, record: dict[str, Any]) -> bool:
    return all(holds(one, cell, record, "EUR") for cell in row.cells)
