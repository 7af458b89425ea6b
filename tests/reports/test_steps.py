"""Reports are taken in once, promised at once, and keep the earlier promise; only a repair in time keeps it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections
from tests.reports.town import PROMISES, ann, at, intake, town

import amends.customers.queries
from amends.reports import queries, steps
from amends.reports.models import DueRow, PhotoRow, ReportRow
from amends.reports.records import Filter, NotAllowed, Privacy, Refused, Report, Reporter, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
MONDAY = at("2026-11-23T09:00")
THURSDAY_EVENING = at("2026-11-26T18:00")
DARK = replace(intake("dark"), reporter=ann(), lat=48.41, long=15.6)


def received(form: str = "f", category: str = "lamp", now: datetime = MONDAY, **more: object) -> Report:
    return steps.receive(intake(form, category, **more), now)


def moved(report: Report, to: State, when: str, words: str = "") -> Report:
    return steps.move(report.number, to, who="eva", now=at(when), words=words)


# Taking in


def test_a_report_is_promised_at_once_and_the_promise_is_on_record() -> None:
    report = received()

    assert (report.state, report.body, report.due_at) == (State.RECEIVED, "works", THURSDAY_EVENING)
    assert [row["why"] for row in queries.promises_of(report.number)] == ["as received"]
    assert [move.kind for move in queries.history([report.number])[report.number]] == ["state"]


@pytest.mark.parametrize(
    ("received_at", "due_at"),
    [
        ("2026-11-20T17:59", "2026-11-25T18:00"),  # Friday before closing counts as Friday
        ("2026-11-20T18:01", "2026-11-26T18:00"),  # after it, as Monday
        ("2026-11-21T12:00", "2026-11-26T18:00"),  # Saturday too
        ("2026-12-07T12:00", "2026-12-11T18:00"),  # the eighth is a holiday
        ("2026-12-31T12:00", "2027-01-07T18:00"),  # New Year and Epiphany
        ("2026-10-23T12:00", "2026-10-29T18:00"),  # the clocks go back; the 26th is a holiday
        ("2026-03-27T12:00", "2026-04-01T18:00"),  # the clocks go forward
    ],
)
def test_three_working_days_are_counted_by_the_towns_calendar(received_at: str, due_at: str) -> None:
    assert received(now=at(received_at)).due_at == at(due_at)


def test_what_has_no_target_is_honestly_promised_nothing() -> None:
    report = received(category="tree")

    assert (report.due_at, report.due) == (None, None)
    assert queries.promises_of(report.number)[0]["due_at"] is None


def test_the_same_form_is_the_same_report() -> None:
    first, again = received("once"), received("once", now=MONDAY + timedelta(minutes=1))

    assert first.number == again.number
    assert queries.count(Filter()) == 1


def test_forms_that_differ_after_eighty_letters_are_two_and_no_form_is_its_own() -> None:
    numbers = {received(form).number for form in ("x" * 90 + "1", "x" * 90 + "2", "x" * 90 + "1", "", "")}

    assert len(numbers) == 4


@pytest.mark.django_db(transaction=True)
def test_twenty_impatient_taps_at_once_are_one_report() -> None:
    numbers: list[int] = []

    def tap() -> None:
        numbers.append(steps.receive(DARK, MONDAY).number)
        connections.close_all()

    taps = [threading.Thread(target=tap) for _ in range(1 if _in_memory() else 20)]
    for one in taps:
        one.start()
    for one in taps:
        one.join()

    assert len(set(numbers)) == 1
    assert len(numbers) == len(taps)


def _in_memory() -> bool:
    """SQLite in memory is one connection: threads would take turns in one transaction."""
    return connection.vendor == "sqlite"


def test_who_gives_an_address_is_known_and_the_anonymous_are_nobody() -> None:
    named = steps.receive(DARK, MONDAY)
    nobody = received("2", reporter=ann(), privacy=Privacy.ANONYMOUS)

    assert amends.customers.queries.by_id([named.customer_id])[named.customer_id].name == "Ann"
    assert nobody.customer_id == ""
    assert steps.resident(Reporter(email=" ann@EXAMPLE.org")) == named.customer_id
    assert steps.resident(Reporter(phone="+43 660 1")) == steps.resident(Reporter(phone="+43-660/1"))


def test_an_unknown_category_or_severity_is_refused() -> None:
    with pytest.raises(Refused, match="no category"):
        received(category="moon")
    with pytest.raises(Refused, match="no severity"):
        received(severity="huge")


def test_texts_lose_what_no_list_could_carry() -> None:
    report = received(description="dark\x00\x1b here\r\n" + "x" * 10_000, address="a\nb\x00", locale="de\x00")

    assert report.description.startswith("dark here\nxxx")
    assert (len(report.description), report.address, report.locale) == (4000, "a b", "de")


def test_a_report_from_the_future_is_from_now() -> None:
    assert received(requested_at=MONDAY + timedelta(days=2)).requested_at == MONDAY


def test_a_batch_report_gets_its_number_later_and_a_hidden_one_stays_hidden() -> None:
    plain, hidden = received("1", "batch"), received("2", "batch", hidden=True)
    assert (plain.state, plain.visible, bool(plain.token)) == (State.PENDING, False, True)

    assert steps.accept_pending(MONDAY) == 2
    assert steps.accept_pending(MONDAY) == 0
    found = queries.by_numbers([plain.number, hidden.number])
    assert [found[n].visible for n in (plain.number, hidden.number)] == [True, False]
    assert found[hidden.number].state is State.RECEIVED


def test_a_category_that_wants_a_look_first_is_hidden_until_then() -> None:
    report = received(category="graffiti")

    assert (report.state, report.visible) == (State.PENDING, False)
    assert steps.accept_pending(MONDAY) == 0


def test_photos_go_with_the_first_report_that_names_them() -> None:
    PhotoRow.objects.create(name="p1", width=1, height=1, at=MONDAY)
    first, second = received("1", photos=["p1", "nope"]), received("2", photos=["p1"])

    assert [photo.name for photo in queries.photos_of([first.number])[first.number]] == ["p1"]
    assert queries.photos_of([second.number]) == {}


def test_a_mistake_in_a_calendar_takes_the_report_all_the_same() -> None:
    with town(calendars__works="calendar: other\nzone: Europe/Vienna\nhours: {mon: 08:00-09:00}\n"):
        assert received().due_at is None


# The promises of the issue


def test_another_category_keeps_the_earlier_promise() -> None:
    report = steps.change(received().number, who="eva", now=at("2026-11-24T09:00"), category="pothole")

    assert (report.category, report.body, report.due_at) == ("pothole", "roads", THURSDAY_EVENING)


def test_another_category_brings_the_better_promise() -> None:
    pothole = received(category="pothole")
    report = steps.change(pothole.number, who="eva", now=at("2026-11-24T09:00"), category="lamp", words="it is a lamp")

    assert pothole.due_at == at("2026-12-07T18:00")
    assert report.due_at == at("2026-11-27T18:00")
    assert queries.history([report.number])[report.number][-1].was["category"] == "pothole"
    assert len(queries.promises_of(report.number)) == 2


def test_raised_severity_brings_the_promise_forward_and_lowered_keeps_it() -> None:
    raised = steps.change(received().number, who="eva", now=at("2026-11-23T12:00"), severity="severe")
    assert raised.due_at == at("2026-11-24T18:00")

    lowered = steps.change(raised.number, who="eva", now=at("2026-11-23T13:00"), severity="minor")
    assert lowered.due_at == at("2026-11-24T18:00")


def test_a_policy_changed_later_moves_no_earlier_promise() -> None:
    report = received()
    later = PROMISES + "  - {from: 2026-11-24, rows: [{within: {working_days: 9}}]}\n"
    with town(promises__mended=later):
        steps.change(report.number, who="eva", now=at("2026-11-24T10:00"), severity="minor")

        assert queries.one(report.number).due_at == THURSDAY_EVENING  # type: ignore[union-attr]
        assert received("new", now=at("2026-11-24T10:00")).due_at == at("2026-12-07T18:00")


def test_while_the_resident_is_asked_the_clock_stands_still() -> None:
    report = received()
    waiting = moved(report, State.WAITING, "2026-11-24T10:00", "Which of the two lamps?")
    assert waiting.paused_at == at("2026-11-24T10:00")
    assert waiting.due_at == THURSDAY_EVENING

    goes_on = moved(report, State.RECEIVED, "2026-11-25T12:00")
    assert goes_on.due_at == at("2026-11-30T10:00")  # eight hours on Tuesday and four on Wednesday
    assert goes_on.paused_at is None


def test_a_clock_does_not_wait_for_ever_for_an_answer() -> None:
    report = received()
    moved(report, State.WAITING, "2026-11-24T10:00", "Which of the two lamps?")
    assert steps.go_on(at("2026-12-08T09:59")) == 0
    assert (steps.go_on(at("2026-12-08T10:00")), steps.go_on(at("2026-12-08T10:01"))) == (1, 0)

    found = queries.by_numbers([report.number])[report.number]
    assert (found.state, found.paused_at) == (State.INVESTIGATING, None)


def test_a_pause_for_the_weather_is_said_and_moves_the_date() -> None:
    report = received()
    steps.pause(report.number, "weather", "A storm: nobody may climb", who="eva", now=at("2026-11-24T08:00"))
    with pytest.raises(Refused, match="already"):
        steps.pause(report.number, "other", "Again", who="eva", now=at("2026-11-24T09:00"))
    resumed = steps.resume(report.number, who="eva", now=at("2026-11-25T08:00"))

    assert resumed.due_at == at("2026-11-27T18:00")
    assert queries.pauses_of(report.number)[0][:2] == ("weather", "A storm: nobody may climb")
    assert "A storm" in queries.history([report.number])[report.number][1].words


def test_a_better_promise_is_compared_with_its_pauses() -> None:
    report = received()
    steps.pause(report.number, "weather", "A storm", who="eva", now=at("2026-11-23T10:00"))
    steps.resume(report.number, who="eva", now=at("2026-11-30T10:00"))
    changed = steps.change(report.number, who="eva", now=at("2026-11-30T11:00"), severity="severe")

    assert changed.due_at == at("2026-12-01T18:00")


def test_only_a_repair_in_time_is_kept() -> None:
    for form, (to, when, kept) in enumerate(
        [
            (State.FIXED, "2026-11-26T18:00", True),
            (State.FIXED, "2026-11-26T18:01", False),
            (State.NOT_FIXED, "2026-11-24T10:00", False),
            (State.NOT_OURS, "2026-11-24T10:00", False),
        ]
    ):
        report = moved(received(str(form)), to, when, "because")
        assert (report.kept, report.is_open, report.closed_at) == (kept, False, at(when))


def test_reopened_within_its_days_the_promise_was_not_kept_whatever_comes_after() -> None:
    report = moved(received(), State.FIXED, "2026-11-26T10:00")
    assert report.kept is True

    again = moved(report, State.REOPENED, "2026-12-09T10:00", "It is dark again")
    assert (again.kept, again.reopened, again.is_open) == (False, 1, True)
    assert again.due_at == at("2026-12-14T18:00")  # promised anew
    assert moved(again, State.FIXED, "2026-12-10T10:00").kept is False


def test_reopened_while_the_promise_still_runs_it_can_be_kept_yet() -> None:
    report = moved(received(), State.FIXED, "2026-11-24T10:00")
    again = moved(report, State.REOPENED, "2026-11-25T10:00", "Dark again")

    assert (again.kept, again.due_at) == (None, THURSDAY_EVENING)
    assert moved(again, State.FIXED, "2026-11-26T17:00").kept is True


def test_reopened_long_after_is_a_new_matter_with_its_own_promise() -> None:
    report = moved(received(), State.FIXED, "2026-11-26T10:00")
    again = moved(report, State.REOPENED, "2027-01-20T10:00", "Dark again")
    assert (again.kept, again.due_at) == (True, at("2027-01-25T18:00"))

    assert moved(again, State.FIXED, "2027-02-20T10:00").kept is False


def test_a_new_date_is_told_and_the_old_one_is_what_counts() -> None:
    report = received()
    slipped = steps.promise_anew(report.number, at("2026-11-30T18:00"), "A part is late", who="eva", now=MONDAY)

    assert (slipped.due_at, slipped.new_due_at) == (THURSDAY_EVENING, at("2026-11-30T18:00"))
    assert moved(report, State.FIXED, "2026-11-27T10:00").kept is False
    assert DueRow.objects.filter(report=report.number).count() == 2


def test_a_new_date_before_the_promised_one_or_without_a_reason_is_refused() -> None:
    number = received().number
    for due_at, why in ((at("2026-11-25T18:00"), "sooner"), (at("2026-12-25T18:00"), " ")):
        with pytest.raises(Refused):
            steps.promise_anew(number, due_at, why, who="eva", now=MONDAY)


# Moving and changing


def test_a_move_that_cannot_be_names_what_can() -> None:
    fixed = moved(received(), State.FIXED, "2026-11-24T10:00")
    with pytest.raises(NotAllowed, match="possible: reopened"):
        moved(fixed, State.SCHEDULED, "2026-11-24T11:00")
    with pytest.raises(Refused, match="say in words"):
        moved(fixed, State.REOPENED, "2026-11-24T11:00", "  ")
    with pytest.raises(NotAllowed, match="merge"):
        moved(received("2"), State.DUPLICATE, "2026-11-24T11:00", "the same")


def test_the_same_state_again_says_its_words_or_nothing() -> None:
    report = received()
    moved(report, State.RECEIVED, "2026-11-24T10:00")
    said = moved(report, State.RECEIVED, "2026-11-24T10:00", "We have it on the list")

    assert said.status_notes == "We have it on the list"
    assert [move.kind for move in queries.history([report.number])[report.number]] == ["state", "words"]


def test_a_note_is_for_staff_only() -> None:
    report = received()
    steps.move(report.number, State.RECEIVED, who="eva", now=MONDAY, note="He calls often", public=False)

    assert len(queries.history([report.number])[report.number]) == 1
    assert queries.history([report.number], public_only=False)[report.number][1].note == "He calls often"


def test_an_update_from_outside_is_taken_once() -> None:
    number = received().number
    for _ in range(2):
        steps.move(number, State.SCHEDULED, who="roads", now=MONDAY, words="soon", external_update="u1")

    assert len(queries.history([number])[number]) == 2


def test_what_is_no_field_of_a_report_cannot_be_changed() -> None:
    with pytest.raises(Refused, match="kept"):
        steps.change(received().number, who="eva", now=MONDAY, kept=True)


def test_a_report_is_found_in_the_box_where_it_stands_now() -> None:
    report = steps.receive(DARK, MONDAY)
    here, there = (15.59, 48.40, 15.61, 48.42), (15.69, 48.40, 15.71, 48.42)
    assert queries.count(Filter(bbox=here)) == 1

    steps.change(report.number, who="eva", now=MONDAY, long=15.7)
    assert (queries.count(Filter(bbox=here)), queries.count(Filter(bbox=there))) == (0, 1)
    ReportRow.objects.all().delete()
    assert queries.count(Filter(bbox=there)) == 0


def test_me_too_counts_a_person_once() -> None:
    number = steps.receive(DARK, MONDAY).number
    ben = Reporter(email="ben@example.org")
    for who, form in ((ben, "a"), (ben, "b"), (ann(), "c"), (Reporter(), "d"), (Reporter(), "d")):
        report = steps.me_too(number, form, who, MONDAY)

    assert report.affected == 3  # Ann who reported it, Ben, and somebody


def test_a_step_on_no_report_says_so() -> None:
    with pytest.raises(Refused, match="no report 404"):
        steps.resume(404, who="eva", now=MONDAY)
