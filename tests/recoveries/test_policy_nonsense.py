"""What would pay too much, too little or nobody is refused when a policy is read: with its line, and what to write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from amends.ground.marked import Mistake, loads
from amends.recoveries import files
from amends.recoveries.policy import packs, parsing
from amends.recoveries.policy.parsing import parse, read_text
from amends.recoveries.policy.tree import Table

TEXT = """policy: p
promise: p
currency: EUR
inputs:
  shipping: {type: money, default: 0.00}
  items: {type: count, default: 1, least: 1, most: 9}
versions:
  - from: 2026-01-01
    memory: {days: 90, half_life_days: 30}
    parameters: {rate: 1.00, most: 10.00}
    rows:
      - id: all
        when: {}
        then: [{credit: {percent: 10, of: shipping}}]
"""
CREDIT = "{percent: 10, of: shipping}"
ITEMS = "{type: count, default: 1, least: 1, most: 9}"


def read(text: str) -> Table:
    return parse(loads(text, "p.yaml"), "p.yaml", files.INPUTS)


def refused(before: str, after: str) -> Mistake:
    assert TEXT.count(before) == 1
    with pytest.raises(Mistake) as found:
        read(TEXT.replace(before, after))
    return found.value


def all_wrong(directory: Path, text: str) -> list[tuple[int, str]]:
    path = directory / "p.yaml"
    path.write_text(text)
    return [(one.line, one.says) for one in files.wrong(path)]


def test_the_version_of_a_policy_is_chosen_by_the_day_of_the_failure_and_by_no_other() -> None:
    found = refused("versions:", "event: bought_on\nversions:")

    assert (found.line, found.says) == (7, "'event' is not known here")
    assert "a policy's version is chosen by the day of the failure (`started_at`)" in found.hint
    assert packs.rule("ofcom_delayed_repair").event == "reported_on"


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("{percent: -12.5, of: shipping}", "percent: -12.5"),
        ("{fixed: -1.00}", "an amount: -1.00"),
        ("-1.00", "an amount: -1.00"),
        ("{percent: 10, of: shipping, cap: -1.00}", "an amount: -1.00"),
        ("{percent: 10, of: shipping, floor: -1.00}", "an amount: -1.00"),
        ("{per_unit: -1.00, unit: items}", "an amount: -1.00"),
        ("{share: shipping, units: -1, in: 30}", "units: -1"),
        ("{sum_of: [1.00, {percent: -5, of: shipping}]}", "percent: -5"),
    ],
)
def test_nobody_is_given_less_than_nothing(amount: str, says: str) -> None:
    found = refused(CREDIT, amount)

    assert (found.line, found.says) == (14, f"{says}, and nobody is given less than nothing")
    assert found.hint


@pytest.mark.parametrize("parts", ["0", "0.0"])
def test_nothing_is_divided_into_no_parts(parts: str) -> None:
    found = refused(CREDIT, f"{{share: shipping, units: 1, in: {parts}}}")
    assert (found.line, found.says) == (14, f"in: {parts}, and nothing is divided into so many parts")
    for op in ("complete", "begun"):
        found = refused("versions:\n", f"derive:\n  boxes: {{{op}: items, period: {parts}}}\nversions:\n")
        assert found.says == f"period: {parts}, and nothing is divided into so many parts"
        assert found.hint


def test_a_name_that_yaml_reads_as_true_is_to_be_quoted() -> None:
    found = refused("versions:\n", "derive:\n  due: {days_after: on, count: 2}\nversions:\n")

    assert "put the name in quotes" in found.hint


@pytest.mark.parametrize("amount", ["{percent: rate, of: shipping}", "{per_unit: rate, unit: items}", "rate"])
def test_nor_by_a_parameter_of_one_version(amount: str) -> None:
    later = TEXT[TEXT.index("  - from") :].replace("2026", "2027").replace("rate: 1.00", "rate: -1.00")

    with pytest.raises(Mistake, match=r"rate is -1.00, and nobody is given less than nothing") as found:
        read((TEXT + later).replace(CREDIT, amount))

    assert found.value.line == 21


@pytest.mark.parametrize(
    "ends",
    [
        "cap: 1.00, floor: 20.00",
        "cap: rate, floor: most",
        "cap: rate, floor: 1.01",
        "cap: {percent: 5, of: shipping}, floor: {percent: 6, of: shipping}",
    ],
)
def test_a_cap_is_not_below_the_floor(ends: str) -> None:
    found = refused("of: shipping}", f"of: shipping, {ends}}}")

    assert found.line == 14
    assert "is below floor" in found.says
    assert found.hint


def test_what_can_be_is_left_alone() -> None:
    for fair in ("0", "{percent: 0, of: shipping}", "{percent: items, of: shipping, cap: 5.00, floor: 5.00}", "most"):
        read(TEXT.replace(CREDIT, fair))
    for fair in ("cap: rate, floor: {percent: 5, of: price}", "cap: items, floor: 2.00"):
        read(TEXT.replace("of: shipping}", f"of: shipping, {fair}}}"))


@pytest.mark.parametrize(
    ("memory", "says"),
    [
        ("{day: 180}", "'day' is not known here"),
        ("{days: 0}", "memory.days: 0 cannot be"),
        ("{days: -1}", "memory.days: -1 cannot be"),
        ("{days: 2.5}", "memory.days: 2.5 cannot be"),
        ("{half_life_days: 0}", "memory.half_life_days: 0 cannot be"),
    ],
)
def test_a_memory_is_a_length_of_time(memory: str, says: str) -> None:
    found = refused("{days: 90, half_life_days: 30}", memory)

    assert (found.line, found.says) == (9, says)
    assert found.hint


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("{type: count, least: 9, most: 1}", "items: least 9 is above most 1"),
        ("{type: number, most: -1}", "items: least 0 is above most -1"),
        ("{type: count, default: 0, least: 1}", "items: default 0 is out of range"),
        ("{type: count, default: 10, most: 9}", "items: default 10 is out of range"),
        ("{type: number, default: -1}", "items: default -1 is out of range"),
        ("{type: numbers, default: [1, -1]}", "items: default -1 is out of range"),
        ("{type: count, default: 1.5}", "items: default 1.5 is no whole number"),
        ("{type: count, default: many}", "items: default: 'many' is no number"),
        ("{type: flag, default: 1}", "items: default: expected true or false, not 1"),
        ("{type: day, default: soon}", "items: default: 'soon' is no day"),
        ("{type: days, default: [soon]}", "items: default: 'soon' is no day"),
        ("{type: choice, of: [few, many], default: mny}", "items: default 'mny' never happens"),
        ("{type: severity, default: awful}", "items: default 'awful' never happens"),
        ("{type: text, default: [a]}", 'items: default ["a"] is no text'),
    ],
)
def test_an_input_has_bounds_and_a_default_that_can_be(spec: str, says: str) -> None:
    found = refused(ITEMS, spec)

    assert (found.line, found.says) == (6, says)
    assert found.hint or "expected" in found.says


def test_a_default_is_of_its_kind() -> None:
    for spec, value in (
        ("{type: day, default: 2026-03-01}", date(2026, 3, 1)),
        ("{type: days, default: [2026-03-01]}", (date(2026, 3, 1),)),
        ("{type: days, default: GB-ENG}", "GB-ENG"),
        ("{type: numbers, default: [1.5, 2]}", (Decimal("1.5"), Decimal(2))),
        ("{type: severity, default: minor}", "minor"),
        ("{type: number, default: -1, least: -2}", Decimal(-1)),
    ):
        assert read(TEXT.replace(ITEMS, spec)).inputs["items"].default == value


@pytest.mark.parametrize(
    ("before", "after", "says", "hint"),
    [
        ("{credit:", "{cuopon:", "'cuopon' is not known as a remedy with an amount", "is 'coupon' meant?"),
        ("{credit:", "{voucher:", "'voucher' is not known as a remedy with an amount", "known: refund, credit"),
        ("percent:", "percnt:", "'percnt' is not known as an amount", "is 'percent' meant?"),
        ("of: shipping", "of: shippng", "percent of 'shippng': no amount of money", "is 'shipping' meant?"),
        ("when: {}", "when: {shippng: null}", "'shippng' is no input", "is 'shipping' meant?"),
    ],
)
def test_one_slip_is_told_once_and_what_was_perhaps_meant(
    before: str, after: str, says: str, hint: str, tmp_path: Path
) -> None:
    found = refused(before, after)

    assert (found.says, found.hint[: len(hint)]) == (says, hint)
    assert all_wrong(tmp_path, TEXT.replace(before, after)) == [(found.line, says)]


def test_a_mistake_in_an_input_hides_none_that_stands_below_it(tmp_path: Path) -> None:
    text = TEXT.replace(ITEMS, "{type: conut}").replace("{days: 90,", "{days: 0,").replace("rate: 1.00", "rate: low")
    rows = "{credit: {per_unit: -1.00, unit: items, cap: {percnt: 3}}}, {voucher: 1.00}"

    assert all_wrong(tmp_path, text.replace("{credit: {percent: 10, of: shipping}}", rows)) == [
        (6, "items: type 'conut' is not known"),
        (9, "memory.days: 0 cannot be"),
        (10, "rate: 'low' is no number"),
        (14, "'percnt' is not known as an amount"),
        (14, "'voucher' is not known as a remedy with an amount"),
    ]


def test_a_text_on_record_is_read_as_it_stood(tmp_path: Path) -> None:
    text = TEXT.replace("versions:", "event: bought_on\nversions:").replace("{days: 90,", "{day: 90,")
    text = text.replace("percent: 10", "percent: -10").replace("least: 1, most: 9", "least: 9, most: 1")

    assert len(all_wrong(tmp_path, text)) == 4
    stood = read_text(text, "p.yaml", files.INPUTS)
    assert (stood.event, stood.versions[0].memory_days) == ("", 90)


def test_every_shipped_rule_would_be_taken_today() -> None:
    folder = Path(files.__file__).parent / "packs"

    assert [parsing.mistakes(path, {}) for path in sorted(folder.glob("*.yaml"))] == [[]] * len(packs.names())
