"""Duplicates inherit the earlier promise and their people; parts inherit the promise of the whole."""

from __future__ import annotations

import pytest
from tests.reports.town import ann, at, intake

from amends.reports import merging, queries, steps
from amends.reports.merging import Part
from amends.reports.models import FollowRow
from amends.reports.records import NotAllowed, Refused, Report, Reporter, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
MONDAY, TUESDAY = at("2026-11-23T09:00"), at("2026-11-24T09:00")
BEN = Reporter(email="ben@example.org")


def received(form: str, now: str = "2026-11-23T09:00", category: str = "lamp", **more: object) -> Report:
    return steps.receive(intake(form, category, **more), at(now))


def now_of(number: int) -> Report:
    found = queries.one(number)
    assert found
    return found


def test_the_first_report_takes_over_the_earlier_promise_and_everybody_affected() -> None:
    late = received("late", "2026-11-25T09:00", reporter=ann())
    early = received("early", reporter=BEN)
    steps.me_too(early.number, "x", Reporter(), MONDAY)
    merged = merging.merge(early.number, late.number, who="eva", now=at("2026-11-25T10:00"))

    assert merged.due_at == early.due_at
    assert merged.affected == 3
    gone = now_of(early.number)
    assert (gone.state, gone.duplicate_of, gone.kept) == (State.DUPLICATE, late.number, None)
    assert "earlier promise" in queries.promises_of(late.number)[-1]["why"]


def test_a_later_promise_is_not_taken_over() -> None:
    early, late = received("early"), received("late", "2026-11-25T09:00")

    assert merging.merge(late.number, early.number, who="eva", now=TUESDAY).due_at == early.due_at


def test_the_same_person_is_counted_once() -> None:
    first, again = received("1", reporter=ann()), received("2", reporter=ann())

    assert merging.merge(again.number, first.number, who="eva", now=TUESDAY).affected == 1


def test_taken_apart_all_is_as_before_but_the_promise_stays() -> None:
    late, early = received("late", "2026-11-25T09:00"), received("early", reporter=BEN)
    FollowRow.objects.create(follow_id="f", what="report", report=early.number, asked_at=MONDAY)
    steps.move(early.number, State.SCHEDULED, who="eva", now=MONDAY)
    merging.merge(early.number, late.number, who="eva", now=at("2026-11-25T10:00"))
    assert FollowRow.objects.get().report == late.number

    back = merging.unmerge(early.number, who="eva", now=at("2026-11-25T11:00"))
    assert (back.state, back.duplicate_of, back.is_open) == (State.SCHEDULED, None, True)
    assert (now_of(late.number).affected, now_of(late.number).due_at) == (1, early.due_at)
    assert FollowRow.objects.get().report == early.number


def test_duplicates_of_a_duplicate_go_with_it_and_me_too_reaches_the_first() -> None:
    a, b, c = received("a"), received("b"), received("c")
    merging.merge(c.number, b.number, who="eva", now=TUESDAY)
    merging.merge(b.number, a.number, who="eva", now=TUESDAY)

    assert now_of(c.number).duplicate_of == a.number
    assert steps.me_too(c.number, "z", BEN, TUESDAY).number == a.number


def test_what_cannot_be_put_together_says_why() -> None:
    a, b = received("a"), received("b")
    steps.move(b.number, State.FIXED, who="eva", now=TUESDAY)
    for number, into in ((a.number, a.number), (b.number, a.number), (a.number, b.number), (a.number, 404)):
        with pytest.raises(Refused):
            merging.merge(number, into, who="eva", now=TUESDAY)
    with pytest.raises(Refused):
        merging.unmerge(a.number, who="eva", now=TUESDAY)


def test_a_duplicate_cannot_be_opened_by_itself() -> None:
    a, b = received("a"), received("b")
    merging.merge(b.number, a.number, who="eva", now=TUESDAY)
    with pytest.raises(NotAllowed, match="take it apart"):
        steps.move(b.number, State.REOPENED, who="eva", now=TUESDAY, words="Dark")


def test_parts_have_their_own_numbers_and_the_promise_of_the_whole() -> None:
    whole = received("whole", reporter=ann(), lat=48.41, long=15.6)
    parts = [Part("pothole", "A hole below the lamp"), Part("tree", "A branch over it")]
    made = merging.split(whole.number, parts, who="eva", now=TUESDAY)

    assert [part.due_at for part in made] == [whole.due_at] * 2
    assert [(part.body, part.split_from, part.customer_id) for part in made] == [
        ("roads", whole.number, whole.customer_id),
        ("works", whole.number, whole.customer_id),
    ]
    assert now_of(whole.number).is_open
    assert merging.split(whole.number, parts, who="eva", now=TUESDAY) == []


def test_a_part_with_a_better_promise_of_its_own_has_that() -> None:
    whole = received("whole", category="pothole")
    (lamp,) = merging.split(whole.number, [Part("lamp", "And a lamp")], who="eva", now=TUESDAY)

    assert lamp.due_at == at("2026-11-26T18:00")  # counted from when it was reported
