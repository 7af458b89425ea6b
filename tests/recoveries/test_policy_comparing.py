"""Two texts of a policy compared by what they mean, and on records drawn to where they change their mind."""

from __future__ import annotations

from pathlib import Path

from amends.recoveries import files
from amends.recoveries.policy import packs
from amends.recoveries.policy.comparing import compare, try_both
from amends.recoveries.policy.describing import describe
from amends.recoveries.policy.explaining import explain
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import Table

TEXT = (Path(files.__file__).parents[1] / "scenarios/starter/policies/film-plays.yaml").read_text("utf-8")


def read(text: str) -> Table:
    return read_text(text, "p.yaml", files.INPUTS)


def changed(before: str, after: str) -> list[str]:
    assert before in TEXT
    return [one.text() for one in compare(read(TEXT), read(TEXT.replace(before, after)))]


def test_comments_spaces_and_the_order_of_conditions_mean_nothing() -> None:
    other = TEXT.replace("# ", "#   ").replace(
        "{severity: [major, severe], used_anyway: true, price: {not: null}}",
        "{price: {not: null}, used_anyway: true, severity: [major, severe]}",
    )

    assert other != TEXT
    assert compare(read(TEXT), read(other)) == []


def test_an_amount_is_compared_in_words() -> None:
    assert changed("percent: 30", "percent: 40") == [
        "1 January 2026, row watched-anyway: it gives changed\n"
        "    before  credit of 30 % of the price and apology\n"
        "    after   credit of 40 % of the price and apology"
    ]


def test_a_condition_is_compared_in_words() -> None:
    (text,) = changed('{recurrence: {">=": 2}}', '{recurrence: {">=": 3}}')

    assert "before  when the number of earlier failures of the same kind is at least 2" in text
    assert "after   when the number of earlier failures of the same kind is at least 3" in text


def test_rows_that_came_went_and_moved_are_told_apart() -> None:
    row = TEXT[TEXT.index("      - id: disputed") : TEXT.index("      - id: only-claimed")]
    other = row.replace("id: disputed", "id: contested")

    assert [text.split("\n")[0] for text in changed(row, other)] == [
        "1 January 2026: row disputed is gone",
        "1 January 2026: row contested was added to the top",
    ]
    last = "      - id: otherwise\n"
    moved = TEXT.replace(row, "").replace(last, row + last)
    assert [one.text() for one in compare(read(TEXT), read(moved))] == [
        "1 January 2026: row disputed moved behind again-without-price"
    ]


def test_a_new_version_is_held_against_the_one_before() -> None:
    version = TEXT[TEXT.index("  - from: 2026") :]
    later = version.replace("2026-01-01", "2027-01-01").replace("percent: 30", "percent: 50")

    found = [one.text() for one in compare(read(TEXT), read(TEXT + later))]

    assert found[0] == "a version of 1 January 2027 was added, with 7 rows"
    assert "1 January 2027, against 1 January 2026, row watched-anyway: it gives changed" in found[1]


def test_tried_records_show_who_gets_more() -> None:
    tried = try_both(read(TEXT), read(TEXT.replace("percent: 30", "percent: 40")), 400)

    assert set(tried.counts) == {"more"}
    assert tried.examples["more"]["before"].endswith("(watched-anyway)")
    assert tried == try_both(read(TEXT), read(TEXT.replace("percent: 30", "percent: 40")), 400)


def test_a_rule_against_itself_is_the_same_on_every_record() -> None:
    for name in packs.names():
        assert compare(packs.rule(name), packs.rule(name)) == []
        assert try_both(packs.rule(name), packs.rule(name), 50).counts == {}


def test_a_boundary_moved_by_a_cent_or_a_minute_is_noticed() -> None:
    rail = packs.rule("eu_rail")
    text = (Path(packs.__file__).parents[1] / "packs/eu_rail.yaml").read_text("utf-8")
    later = read_text(text.replace('{delay_min: {">=": 60}}', '{delay_min: {">": 60}}'), "eu_rail.yaml", {})

    tried = try_both(rail, later, 600)

    assert tried.counts["nothing any more"] >= 1


def test_one_day_and_one_record_are_said_as_one() -> None:
    text = (
        "rule: r\ncurrency: EUR\ninputs: {a: {type: flag}}\n"
        "versions:\n  - from: 2026-01-01\n    rows:\n"
        "      - {id: z, when: {}, then: [{cash: 1.00, owed: true}], pay_by: {working_days: 1}}\n"
    )
    old, new = read_text(text, "r.yaml", {}), read_text(text.replace("1.00", "2.00"), "r.yaml", {})

    assert ("Paid", "Within 1 working day after the day of the failure.") in describe(old).facts
    assert "It must reach you within 1 working day." in explain(old, {"a": True}).when
    assert try_both(old, new, 1).text().startswith("1 of 1 tried record is decided differently")


BY_A_PERSON = (
    "rule: r\ncurrency: EUR\ninputs: {a: {type: flag}}\n"
    "versions:\n  - from: 2026-01-01\n    rows:\n"
    "      - {id: y, when: {a: true}, then: [], person: look at it}\n"
    "      - {id: z, when: {}, then: [{cash: 1.00, owed: true}, apology]}\n"
)


def tried(after: str) -> dict[str, int]:
    assert after != BY_A_PERSON
    return dict(try_both(read_text(BY_A_PERSON, "r.yaml", {}), read_text(after, "r.yaml", {}), 400).counts)


def test_a_record_that_only_one_text_brings_before_a_person_is_decided_differently() -> None:
    without = BY_A_PERSON.replace(", person: look at it", "")
    other = read_text(without, "r.yaml", {})

    lost = try_both(read_text(BY_A_PERSON, "r.yaml", {}), other, 400)
    assert 100 < lost.counts["the same amount without a person"] < 300
    assert lost.examples["the same amount without a person"]["before"] == "EUR 0.00 (y, a person)"
    assert "are decided differently" in lost.text()
    assert list(try_both(other, read_text(BY_A_PERSON, "r.yaml", {}), 400).counts) == [
        "the same amount, and a person is brought in"
    ]


def test_other_words_for_the_person_decide_nothing_differently() -> None:
    assert tried(BY_A_PERSON.replace("look at it", "look twice")) == {}


def test_a_remedy_without_an_amount_and_what_is_owed_count_as_well() -> None:
    for after in (BY_A_PERSON.replace(", apology", ""), BY_A_PERSON.replace(", owed: true", "")):
        assert list(tried(after)) == ["the same amount for another reason or on other terms"]


def test_every_row_that_counts_may_bring_a_person_in() -> None:
    collects = BY_A_PERSON.replace("    rows:", "    hit: collect\n    rows:")
    old, new = (read_text(text, "r.yaml", {}) for text in (collects, collects.replace(", person: look at it", "")))

    assert list(try_both(old, new, 400).counts) == ["the same amount without a person"]
