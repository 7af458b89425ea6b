"""What amends itself writes into a history is read in the reader's language; what people wrote stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from tests.reports.test_places import SQUARE, feature, layer
from tests.reports.town import PROMISES, at, intake, town

from amends.notices import tokens
from amends.notices.our_words import BETTER, BY_US, WITH_NUMBERS, in_our_words
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
        for ours in BETTER.values():
            assert translation.gettext(ours) != ours
        for shape in WITH_NUMBERS:
            assert in_our_words(shape % {"n": "12, 7"}) != shape % {"n": "12, 7"}
            assert "12, 7" in in_our_words(shape % {"n": "12, 7"})


def test_others_words_stay_as_they_are() -> None:
    with translation.override("de"):
        for theirs in (
            "better after another lamp",
            "",
            "Bulb changed.",
            "Report x is about the same.",
            "It is not mended. At all.",
            "%(n)s %s",
        ):
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


CHANGES: dict[str, dict[str, Any]] = {
    "eine andere Art von Meldung": {"category": "lamp"},
    "dringender": {"severity": "severe"},
    "an einem anderen Ort": {"lat": 48.41, "long": 15.6},
}


@pytest.mark.django_db
@pytest.mark.parametrize("reason", CHANGES)
def test_why_a_promise_is_better_is_read_in_german_too(client: Client, reason: str) -> None:
    promise = PROMISES.replace("    rows:\n", "    rows:\n      - {area: mitte, within: {working_days: 2}}\n")
    with town(promises__mended=promise) as here:
        middle = layer(here, "areas", feature("Polygon", SQUARE, code="mitte", name="Mitte"))
        category = "lamp" if reason == "dringender" else "pothole"
        report = steps.receive(intake("a", category, locale="de"), NOW)
        steps.change(report.number, who="eva", now=NOW, crew="north", **CHANGES[reason])

        text = client.get(f"/yours/{tokens.make(f'report:{report.number}')}").content.decode()
        middle.unlink()

    assert len(queries.promises_of(report.number)) == 2
    assert "Ein früherer Tag, denn es" in text
    assert reason in text
    assert "etter after" not in text
