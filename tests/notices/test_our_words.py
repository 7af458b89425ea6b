"""What amends itself writes into a history is read in the reader's language; what people wrote stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation
from tests.reports.town import at, intake, town

from amends.notices.our_words import BY_US, WITH_NUMBERS, in_our_words
from amends.reports import merging, queries, steps
from amends.reports.merging import Part
from amends.reports.records import Report, State

NOW = at("2026-11-23T09:00")


@pytest.fixture
def lamps() -> Iterator[tuple[Report, Report]]:
    with town():
        yield steps.receive(intake("a"), NOW), steps.receive(intake("b"), NOW)


def test_each_of_our_sentences_has_german_words() -> None:
    with translation.override("de"):
        for ours in BY_US:
            assert in_our_words(ours) != ours
        for shape in WITH_NUMBERS:
            assert in_our_words(shape % {"n": "12, 7"}) != shape % {"n": "12, 7"}
            assert "12, 7" in in_our_words(shape % {"n": "12, 7"})


def test_others_words_stay_as_they_are() -> None:
    with translation.override("de"):
        for theirs in ("", "Bulb changed.", "Report x is about the same.", "It is not mended. At all.", "%(n)s %s"):
            assert in_our_words(theirs) == theirs


@pytest.mark.django_db
def test_all_that_merging_and_splitting_write_is_among_them(lamps: tuple[Report, Report], client: Client) -> None:
    one, other = lamps
    merging.merge(other.number, one.number, who="eva", now=NOW)
    merging.unmerge(other.number, who="eva", now=NOW)
    (part,) = merging.split(one.number, [Part("lamp", "the next one")], who="eva", now=NOW)
    steps.move(one.number, State.FIXED, who="eva", now=NOW)
    steps.move(one.number, State.REOPENED, who="eva", now=NOW, words="It is not mended.")

    numbers = [one.number, other.number, part.number]
    said = [move.words for moves in queries.history(numbers).values() for move in moves if move.words]
    with translation.override("de"):
        assert len(said) >= 6
        assert [words for words in said if in_our_words(words) == words] == []

    page = client.get(f"/reports/{one.number}?lang=de").content.decode()
    assert "Es ist nicht behoben." in page
    assert "is another matter" not in page
