"""What is kept no longer is taken out of old reports, with proof; what they count for stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from tests.reports.town import ann, at, intake

import amends.customers.queries
from amends.ground.config import Retention
from amends.notices import digests
from amends.outbox.models import ActRow
from amends.reports import following, moderation, queries, scoreboard, steps
from amends.reports.follows import What, Wish
from amends.reports.models import MoveRow, PhotoRow, ReportRow
from amends.reports.records import Privacy, Reporter, State
from amends.reports.scoreboard import Period
from amends.worker import tidying

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")
LATER = NOW + timedelta(days=400)
EVER = Period(date(2020, 1, 1), date(2030, 1, 1))
Policy = Callable[..., None]


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Policy:
    def say(**days: int) -> None:
        monkeypatch.setattr(settings, "AMENDS", replace(settings.AMENDS, retention=Retention(**days)))

    return say


def closed(form: str, **more: Any) -> int:
    report = steps.receive(intake(form, reporter=ann(), privacy=Privacy.NAMED, **more), NOW)
    return steps.move(report.number, State.FIXED, who="x", now=NOW + timedelta(days=1)).number


def test_a_year_after_the_end_nobody_knows_who_reported_it_and_the_words_stay(policy: Policy) -> None:
    number = closed("a")
    steps.me_too(number, "b", Reporter(email="cem@example.org"), NOW)
    other = steps.receive(intake("c"), NOW).number  # open: nothing of it is touched
    policy()

    assert tidying.tidy(NOW + timedelta(days=366)) == {}  # not yet
    assert tidying.tidy(LATER) == {"who reported it": 1, "people with no report left": 2}

    row = ReportRow.objects.get(pk=number)
    assert (row.customer_id, row.privacy, row.cleared_at) == ("", Privacy.ANONYMOUS, LATER)
    assert row.description == "It is dark here"
    people = [steps.resident(Reporter(email=email)) for email in ("ann@example.org", "cem@example.org")]
    assert amends.customers.queries.by_id(people) == {}
    assert ReportRow.objects.get(pk=other).cleared_at is None


def test_the_history_proves_it_and_the_report_is_news_to_nobody(policy: Policy) -> None:
    number = closed("a")
    before = queries.one(number)
    policy()
    tidying.tidy(LATER)

    last = MoveRow.objects.filter(report=number).latest("pk")
    assert (last.kind, last.public, last.who) == ("retention", False, "amends")
    assert last.note == "who reported it: taken out, 365 days after it was closed"
    after = queries.one(number)
    assert before is not None
    assert after is not None
    assert after.updated_at == before.updated_at


def test_who_still_waits_for_another_report_stays_known(policy: Policy) -> None:
    closed("a")
    steps.receive(intake("b", reporter=ann()), NOW + timedelta(days=399))
    policy()

    assert tidying.tidy(LATER) == {"who reported it": 1}
    assert amends.customers.queries.by_id([steps.resident(ann())])[steps.resident(ann())].email == "Ann@example.org"


def test_a_customer_of_the_company_is_left_to_the_company(policy: Policy) -> None:
    known = replace(ann(), customer_id="c-7")
    report = steps.receive(intake("a", reporter=known), NOW)
    steps.move(report.number, State.FIXED, who="x", now=NOW)
    policy()
    tidying.tidy(LATER)

    assert queries.one(report.number).customer_id == ""  # type: ignore[union-attr]
    assert amends.customers.queries.by_id(["c-7"])["c-7"].email == "Ann@example.org"


def test_the_scoreboard_does_not_move_by_one(policy: Policy) -> None:
    for n in range(6):
        number = closed(f"r{n}", lat=48.41, long=15.6)
        if n % 2:
            moderation.hide(number, "spam", who="x", now=NOW)
    scoreboard.keep_up(NOW + timedelta(days=2))
    before = [vars(one) for one in scoreboard.scores(EVER, "category", "area")]
    policy(contact_days=1, photos_days=1, text_days=1, hidden_days=1)

    assert tidying.tidy(LATER)["hidden reports"] == 3
    scoreboard.keep_up(LATER)
    scoreboard.recount(LATER)

    assert [vars(one) for one in scoreboard.scores(EVER, "category", "area")] == before


def test_of_a_hidden_report_nothing_is_left_but_what_is_counted(policy: Policy) -> None:
    number = closed("a", lat=48.41, long=15.6, description="My neighbour Bob did it", address="Ringstraße 4")
    moderation.hide(number, "names Bob", who="x", now=NOW)
    policy(hidden_days=90, contact_days=0)
    tidying.tidy(LATER)

    row = ReportRow.objects.get(pk=number)
    assert (row.description, row.address, row.lat, row.customer_id) == ("", "", None, "")
    assert (row.category, row.kept, row.state) == ("lamp", True, State.FIXED)
    assert "Bob" not in "".join(f"{move.words}{move.note}{move.was}" for move in MoveRow.objects.filter(report=number))
    assert tidying.tidy(LATER) == {}  # once


def test_photos_go_with_their_files(policy: Policy) -> None:
    number = closed("a")
    place = settings.AMENDS.var / "photos"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("p1", "p1.small"):
        (place / f"{name}.jpg").write_bytes(b"x")
    PhotoRow.objects.create(name="p1", report=number, width=1, height=1, at=NOW)
    policy(photos_days=30, contact_days=0)

    assert tidying.preview(LATER) == {"photos": 1}
    assert tidying.tidy(LATER) == {"photos": 1}
    assert list(place.glob("p1*")) == []


def test_what_is_turned_off_stays(policy: Policy) -> None:
    closed("a")
    policy(contact_days=0, hidden_days=-5)

    assert tidying.preview(LATER) == {}
    assert tidying.tidy(LATER) == {}


def test_a_dry_run_changes_nothing_and_says_what_the_real_one_does(policy: Policy) -> None:
    closed("a")
    policy(contact_days=30, text_days=30)

    seen = tidying.preview(LATER)
    assert ReportRow.objects.filter(cleared_at=None).count() == 1
    done = tidying.tidy(LATER)

    assert seen == {kind: done[kind] for kind in seen} == {"who reported it": 1, "words": 1}


def test_the_worker_does_it_once_a_day_in_parts(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amends.reports.retention.BATCH", 2)
    for n in range(5):
        closed(f"r{n}")
    policy()

    turns = 0
    while tidying.go_on(LATER):
        turns += 1
    assert turns == 3
    assert ReportRow.objects.filter(cleared_at=None).count() == 0
    closed("late")
    assert tidying.go_on(LATER) == 0
    assert tidying.go_on(LATER + timedelta(days=1)) > 0


def test_mails_to_who_follows_are_forgotten_after_a_week(policy: Policy) -> None:
    following.ask(Wish(What.CATEGORY, category="lamp"), "bea@example.org", "en", NOW)
    digests.write(NOW)
    ActRow.objects.update(state="done", changed_at=NOW)
    policy()

    assert tidying.tidy(NOW + timedelta(days=6)) == {}
    assert tidying.tidy(NOW + timedelta(days=8)) == {"mails to who follows": 1}
    (row,) = ActRow.objects.all()
    assert "bea" not in str(row.payload)
    assert tidying.tidy(NOW + timedelta(days=9)) == {}
