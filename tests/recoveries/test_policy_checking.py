"""What is wrong in a table is said before anybody is paid by it, with its line and what to write instead."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from amends.ground.marked import Mistake
from amends.recoveries import files
from amends.recoveries.policy import packs
from amends.recoveries.policy.checking import check
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import Table

STARTER = Path(files.__file__).parents[1] / "scenarios/starter/policies"
POLICY = "policy: p\npromise: p\n{top}versions:\n  - from: 2026-01-01\n    rows:\n"
RULE = "rule: r\ncurrency: EUR\ninputs:\n{inputs}versions:\n  - from: 2026-01-01\n{head}    rows:\n"


def policy(*rows: str, top: str = "") -> Table:
    return read_text(POLICY.format(top=top) + "".join(f"      - {row}\n" for row in rows), "p.yaml", files.INPUTS)


def rule(inputs: str, *rows: str, head: str = "") -> Table:
    lines = "".join(f"  {line}\n" for line in inputs.splitlines())
    text = RULE.format(inputs=lines, head=head) + "".join(f"      - {row}\n" for row in rows)
    return read_text(text, "r.yaml", {})


def said(table: Table, *, notes: bool = False) -> str:
    return "\n".join(f"{one.line} {one.severity} {one.says}" for one in check(table, notes=notes))


@pytest.mark.parametrize("name", packs.names())
def test_every_shipped_rule_is_in_order(name: str) -> None:
    assert check(packs.rule(name)) == []


def test_the_policies_that_init_writes_are_in_order() -> None:
    assert [check(files.read(path)) for path in sorted(STARTER.glob("*.yaml"))] == [[], []]


def test_a_row_behind_one_that_always_holds_first_is_found_with_its_line() -> None:
    table = policy(
        "{id: broad, when: {stall_count: {'>=': 2}}, then: [apology], person: p}",
        "{id: narrow, when: {stall_count: {'>=': 5}, used_anyway: true}, then: [apology], person: p}",
        "{id: rest, when: {}, then: [], person: p}",
    )

    assert said(table) == "7 error row narrow can never be reached: row broad holds whenever it would"


def test_several_rows_together_can_hide_one() -> None:
    table = policy(
        "{id: few, when: {stall_count: {'<': 3}}, then: [], person: p}",
        "{id: many, when: {stall_count: {'>=': 3}}, then: [], person: p}",
        "{id: some, when: {stall_count: {between: [1, 9]}}, then: [], person: p}",
        "{id: rest, when: {}, then: [], person: p}",
    )

    assert said(table) == "8 error row some can never be reached: rows few and many hold together whenever it would"


def test_choices_flags_and_what_is_not_known_together_cover_all_but_what_they_leave() -> None:
    rows = (
        "{id: money, when: {loss_kind: [money, outcome]}, then: [], person: p}",
        "{id: other, when: {loss_kind: [process, attention]}, then: [], person: p}",
    )

    assert "rows money and other" not in said(policy(*rows, "{id: unknown, when: {}, then: [], person: p}"))
    unknown = "{id: unknown, when: {loss_kind: null}, then: [], person: p}"
    assert "row rest can never be reached" in said(policy(*rows, unknown, "{id: rest, when: {}, then: []}"))


def test_conditions_that_rule_each_other_out_never_hold() -> None:
    table = policy(
        "{id: never, when: {stall_count: {'>': 5, '<': 3}}, then: [], person: p}", "{id: rest, when: {}, then: []}"
    )

    assert "row never can never hold" in said(table)


def test_whole_numbers_have_nothing_between_them() -> None:
    rows = [f"{{id: r{n}, when: {{n: {n}}}, then: []}}" for n in range(3)]
    counted = rule("n: {type: count, most: 2}", *rows, "{id: rest, when: {n: {not: null}}, then: []}")
    measured = rule("n: {type: number, most: 2}", *rows, "{id: rest, when: {n: {not: null}}, then: []}")

    assert "row rest can never be reached" in said(counted)
    assert "row rest can never be reached" not in said(measured)


def test_a_gap_comes_with_a_record_that_falls_into_it() -> None:
    table = rule(
        "hours: {type: number}\nhome: {type: flag}",
        "{id: long, when: {hours: {'>': 24}}, then: []}",
        "{id: home, when: {hours: {'<=': 24}, home: true}, then: []}",
    )

    assert said(table) == "10 error no row fits a record such as: hours 0, home no"


def test_what_may_stay_unknown_can_be_the_gap() -> None:
    rows = [f"{{id: r{flag}, when: {{used_anyway: {flag}}}, then: [], person: p}}" for flag in ("true", "false")]

    assert "error no row fits a record such as: used_anyway not known" in said(policy(*rows))


def test_a_large_table_is_looked_through_in_moments() -> None:
    rows = [
        f"{{id: r{n}, when: {{stall_count: {{between: [{n}, {n + 3}]}}, stall_s: {{'>=': {n % 7}}}, "
        "used_anyway: true}, then: [], person: p}"
        for n in range(0, 120, 2)
    ]

    began = time.process_time()
    assert said(policy(*rows, "{id: rest, when: {}, then: [], person: p}")) == ""
    assert time.process_time() - began < 5


def test_a_table_without_a_row_for_what_is_not_known_is_warned_of() -> None:
    table = rule(
        "home: {type: flag}", "{id: y, when: {home: true}, then: []}", "{id: n, when: {home: false}, then: []}"
    )

    assert "warning every record fits a row, but nothing catches what is not known" in said(table)


def test_rows_that_overlap_are_named_when_asked_for() -> None:
    table = policy(
        "{id: one, when: {used_anyway: true}, then: [], person: p}",
        "{id: two, when: {disputed: true}, then: [], person: p}",
        "{id: rest, when: {}, then: [], person: p}",
    )

    assert said(table) == ""
    assert said(table, notes=True) == "7 note rows one and two can hold together; one wins"


def test_two_goodwill_rows_that_both_pay_are_warned_of() -> None:
    table = read_text(
        POLICY.format(top="").replace("    rows:\n", "    hit: collect\n    stacking: sum\n    rows:\n")
        + "      - {id: one, when: {used_anyway: true}, then: [{credit: 5.00 EUR}]}\n"
        "      - {id: two, when: {disputed: true}, then: [{credit: 5.00 EUR}]}\n"
        "      - {id: rest, when: {}, then: [], person: p}\n",
        "p.yaml",
        files.INPUTS,
    )

    assert "warning rows one and two can hold together; both count (sum)" in said(table)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("{id: a, when: {}, then: [{refund: {percent: 160, of: price}}]}", "gives 160 % of the loss"),
        (
            "{id: a, when: {}, then: [{refund: {percent: 100, of: price}}, {credit: {percent: 60, of: price}}]}",
            "gives 160 % of the loss",
        ),
        (
            "{id: a, when: {}, then: [{credit: {sum_of: [{percent: 90, of: price}, {percent: 61, of: price}]}}]}",
            "gives 151 % of the loss",
        ),
        (
            "{id: a, when: {severity: severe, used_anyway: false}, then: [{credit: {percent: 30, of: price}}]}",
            "answers an unusable service with 30 %",
        ),
        ("{id: a, when: {recurrence: {'>=': 1}}, then: [{credit: 5.00 EUR}]}", "without a person"),
        ("{id: a, when: {}, then: [{credit: 5.00 EUR, owed: true}], claim: send us a form}", "names no law"),
        (
            "{id: a, when: {}, then: [{credit: 5.00 EUR}], claim: section 5}",
            "demands a claim for something that is not",
        ),
        ("{id: a, when: {}, then: [apology]}", "nothing but an apology"),
    ],
)
def test_an_unfair_row_is_named(row: str, wrong: str) -> None:
    assert wrong in said(policy(row, "{id: rest, when: {}, then: [], person: p}"))


def test_a_fair_row_is_not() -> None:
    rows = (
        "{id: again, when: {recurrence: {'>=': 1}}, then: [{credit: {percent: 150, of: price}}], person: call}",
        "{id: bad, when: {severity: severe, used_anyway: false}, then: [{refund: {percent: 100, of: price}}]}",
        "{id: rest, when: {}, then: [apology]}",
    )

    assert said(policy(*rows)) == ""


def test_what_is_owed_stands_above_goodwill() -> None:
    table = policy(
        "{id: kind, when: {used_anyway: true}, then: [{credit: 1.00 EUR}]}",
        "{id: law, when: {severity: severe}, then: [{refund: {percent: 100, of: price}, owed: true}]}",
        "{id: rest, when: {}, then: [], person: p}",
    )

    assert "error row law is owed, but goodwill row kind comes first" in said(table)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{id: a, when: {mood: bad}, then: []}", "'mood' is no input"),
        ("{id: a, when: {}, then: [{refund: {percent: 10, of: price, or: 3}}]}", "'or' is not known here"),
        ("{id: a, when: {}, then: [{refund: 5.00 XYZ}]}", "is no amount: 'XYZ' is not an ISO 4217 currency"),
        ("{id: a, when: {}, then: [{refund: 5.5 JPY}]}", "more digits than JPY has"),
        ("{id: a, when: {}, then: [{refund: 5.0005 KWD}]}", "more digits than KWD has"),
        ("{id: a, when: {}, then: [{refund: 92233720368547758.08 EUR}]}", "beyond what the books can hold"),
        ("{id: a, when: {postcode: A1}, then: []}", "postcode is personal"),
        ("{id: a, when: {stall_count: many}, then: []}", "'many' is no number"),
        ("{id: a, when: {stall_count: .nan}, then: []}", "is no number"),
        ("{id: a, when: {used_anyway: {'>': true}}, then: []}", "has no order"),
        ("{id: a, when: {severity: awful}, then: []}", "'awful' never happens"),
        ("{id: a, id: b, when: {}, then: []}", "'id' stands twice"),
        ("{id: a, when: {}}", "`then:` is missing"),
    ],
)
def test_a_table_that_cannot_be_read_says_which_line_and_why(text: str, wrong: str) -> None:
    with pytest.raises(Mistake) as caught:
        policy(text)

    assert wrong in caught.value.says
    assert caught.value.line == 6


def test_a_type_or_currency_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Mistake, match="type 'length' is not known"):
        rule("hours: {type: length}", "{id: a, when: {}, then: []}")
    with pytest.raises(Mistake, match="'EURO' is not an ISO 4217"):
        read_text("rule: r\ncurrency: EURO\nversions: [{from: 2026-01-01, rows: []}]", "r.yaml", {})
    version = "  - {from: 2026-01-01, rows: [{id: a, when: {}, then: []}]}\n"
    with pytest.raises(Mistake, match="two versions begin on 2026-01-01"):
        read_text(f"rule: r\ncurrency: EUR\nversions:\n{version}{version}", "r.yaml", {})


def test_a_name_that_means_two_things_is_found() -> None:
    table = rule("a: {type: flag, also: [x]}\nb: {type: flag, also: [x]}", "{id: z, when: {}, then: []}")

    assert "x names both a and b" in said(table)


@pytest.mark.parametrize(
    ("wrong", "line", "says", "hint"),
    [
        (
            "from: 2026-01-01 10:00:00",
            4,
            "from: 2026-01-01 10:00:00 is a moment, and a day is needed",
            "write 2026-01-01",
        ),
        ("from: soon", 4, "from: 'soon' is no day", "write 2026-01-01"),
        ("from: 2026-01-01\n    memory: [1, {a: true}]", 5, 'memory: expected fields, not [1, {"a": true}]', ""),
        ("from: 2026-01-01\n    memory: {days: yes}", 4, "memory.days: true is no number", "write 12 or 12.50"),
        ("from: 2026-01-01\n    stacking: null", 5, "stacking null is not known", "one of max, sum, set_off"),
    ],
)
def test_what_cannot_be_is_shown_as_it_was_written(wrong: str, line: int, says: str, hint: str) -> None:
    text = f"policy: p\npromise: p\nversions:\n  - {wrong}\n    rows: [{{id: z, when: {{}}, then: []}}]\n"

    with pytest.raises(Mistake) as found:
        read_text(text, "p.yaml", files.INPUTS)

    assert (found.value.line, found.value.says, found.value.hint) == (line, says, hint)


@pytest.mark.parametrize(
    ("top", "line", "says"),
    [
        ("words: soon", 3, "words: expected fields, not 'soon'"),
        ("currency: yes", 3, "currency: true is not an ISO 4217 currency code such as EUR"),
        ("event: null", 3, "'event' is not known here"),
        ("inputs: {a: {type: choice, of: 3}}", 3, "a has a form that was not expected"),
        ("derive:\n  a: {first_known: 3}", 4, "a has a form that was not expected"),
    ],
)
def test_an_unexpected_form_has_its_line_and_no_python(top: str, line: int, says: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        f"policy: p\npromise: p\n{top}\nversions: [{{from: 2026-01-01, rows: [{{id: z, when: {{}}, then: []}}]}}]"
    )

    with pytest.raises(Mistake) as found:
        files.read(path)

    assert (found.value.line, found.value.says) == (line, says)
    assert files.wrong(path) == [found.value]
