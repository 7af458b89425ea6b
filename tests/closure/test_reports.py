"""An answer counts once and only for what was asked; anybody may open a report again who says why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.reports.town import ann, at, intake

from amends.closure import reports as closure
from amends.reports import asking, queries, steps
from amends.reports.records import Refused, Report, Reporter, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")
DUE = at("2026-11-26T18:00:00")
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
CY = Reporter(email="cy@example.org")


def mended() -> Report:
    report = steps.receive(intake("a", reporter=ann()), NOW)
    return steps.move(report.number, State.FIXED, who="north", now=DUE - AN_HOUR)


def round_of(report: Report) -> int:
    closing = asking.closing_of(report.number)
    assert closing is not None
    return closing.number


def now_of(report: Report) -> Report:
    found = queries.one(report.number)
    assert found is not None
    return found


def test_yes_leaves_it_mended_and_is_kept_with_its_words() -> None:
    report = mended()

    assert closure.answer(report.number, "", round_of(report), "yes", "Bright again!", DUE)

    assert now_of(report).state is State.FIXED
    answer = asking.answer_of(report.number, "", round_of(report))
    assert answer is not None
    assert (answer.answer, answer.words) == ("yes", "Bright again!")


@pytest.mark.parametrize(("said", "reason"), [("no", "It is not mended."), ("partly", "It is mended in part only.")])
def test_no_and_partly_open_it_again_with_a_reason_for_all_to_read(said: str, reason: str) -> None:
    report = mended()
    closure.answer(report.number, "", round_of(report), said, "", DUE + A_DAY)

    after = now_of(report)

    assert (after.state, after.reopened, after.status_notes) == (State.REOPENED, 1, reason)
    last = queries.history([report.number])[report.number][-1]
    assert (last.words, last.public, last.who) == (reason, True, "who reported it")
    assert after.due_at is not None
    assert after.due_at > DUE + A_DAY  # a new promise
    assert after.kept is False  # and the old one is not kept any more


def test_the_same_answer_again_opens_nothing_again_and_one_to_an_earlier_closing_opens_nothing() -> None:
    report = mended()
    first = round_of(report)
    answers = [closure.answer(report.number, "", first, "no", "Dark.", DUE + n * AN_HOUR) for n in range(3)]
    steps.move(report.number, State.FIXED, who="north", now=DUE + A_DAY)

    assert answers == [True, False, False]
    assert not closure.answer(report.number, "", first, "no", "Dark.", DUE + 2 * A_DAY)  # a form left open
    assert (now_of(report).state, now_of(report).reopened) == (State.FIXED, 1)


def test_somebody_affected_may_answer_too_and_is_not_taken_for_who_reported_it() -> None:
    report = steps.receive(intake("a", reporter=ann()), NOW)
    steps.me_too(report.number, "m", CY, NOW)
    steps.move(report.number, State.FIXED, who="north", now=DUE - AN_HOUR)
    who = asking.mark(steps.resident(CY))
    closure.answer(report.number, who, round_of(report), "no", "Not at my door.", DUE)

    assert asking.behind(report.number, who) == steps.resident(CY)
    assert asking.behind(report.number, "somebodyelse") is None
    assert queries.history([report.number])[report.number][-1].who == "somebody who is affected"


def test_an_answer_that_is_none_is_refused() -> None:
    report = mended()

    with pytest.raises(ValueError, match="yes, partly or no"):
        closure.answer(report.number, "", round_of(report), "maybe", "", DUE)


def test_opening_again_needs_a_reason_a_closed_report_and_comes_in_time() -> None:
    report = mended()

    with pytest.raises(Refused, match="say why"):
        closure.reopen(report.number, " \0 ", "somebody who passed by", DUE)
    with pytest.raises(closure.TooLate):
        closure.reopen(report.number, "Dark.", "somebody who passed by", DUE + 61 * A_DAY)
    opened = [closure.reopen(report.number, "Dark.", "somebody who passed by", DUE + A_DAY) for _ in range(2)]
    assert [(one.state, one.reopened) for one in opened] == [(State.REOPENED, 1)] * 2
    steps.move(report.number, State.SCHEDULED, who="op", now=DUE + 2 * A_DAY)
    with pytest.raises(Refused, match="not closed"):
        closure.reopen(report.number, "Dark.", "somebody who passed by", DUE + 2 * A_DAY)


def test_a_reply_to_our_question_sets_the_clock_going() -> None:
    report = steps.receive(intake("a", reporter=ann()), NOW)
    steps.move(report.number, State.WAITING, who="op", now=NOW + AN_HOUR, words="Which lamp?")

    assert closure.reply(report.number, "The third.", "", NOW + 2 * AN_HOUR)
    assert not closure.reply(report.number, "The third.", "", NOW + 3 * AN_HOUR)

    after = now_of(report)
    assert (after.state, after.paused_at) == (State.INVESTIGATING, None)
    assert queries.history([report.number])[report.number][-1].words == "The third."
