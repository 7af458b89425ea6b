"""Which moves a report may make, and what a text loses on its way in."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.reports.records import NotAllowed, State
from amends.reports.rules import CLOSING, ENDS, MOVES, NEEDS_WORDS, check_move, clean, clean_line


def test_every_state_but_a_duplicate_leads_somewhere_and_nowhere_to_itself() -> None:
    assert set(MOVES) == set(State)
    for before, after in MOVES.items():
        assert before not in after
        assert bool(after) == (before is not State.DUPLICATE)


def test_what_is_over_is_only_opened_again() -> None:
    assert {MOVES[state] for state in ENDS} == {frozenset({State.REOPENED})}
    assert not any(state.is_open for state in CLOSING)


def test_nothing_becomes_pending_again() -> None:
    assert not any(State.PENDING in after for after in MOVES.values())


@given(st.sampled_from(State), st.sampled_from(State))
def test_a_move_is_refused_where_the_table_has_none(before: State, after: State) -> None:
    if after in MOVES[before]:
        check_move(before, after, "because")
    else:
        with pytest.raises(NotAllowed):
            check_move(before, after, "because")


@pytest.mark.parametrize("after", sorted(NEEDS_WORDS - {State.REOPENED}))
def test_who_waits_is_owed_a_reason(after: State) -> None:
    with pytest.raises(ValueError, match="say in words"):
        check_move(State.RECEIVED, after, " \n")


@given(st.text(max_size=300))
def test_a_cleaned_text_stands_in_any_xml_and_stays_clean(text: str) -> None:
    clean_text = clean(text)
    element = ET.Element("t")
    element.text = clean_text

    assert (ET.fromstring(ET.tostring(element)).text or "") == clean_text
    assert clean(clean_text) == clean_text
    assert "\n" not in clean_line(text)


@given(st.text(min_size=1, max_size=50), st.integers(1, 40))
def test_a_cleaned_text_is_no_longer_than_asked(text: str, longest: int) -> None:
    assert len(clean(text, longest)) <= longest
