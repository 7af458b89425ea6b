"""What comes late, corrected or out of order ends where it would have ended told in order at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import amends.failures.steps
import amends.ledger.queries
import amends.notices.steps
import amends.outbox.steps
import amends.signals.steps
from amends.customers.models import CustomerRow
from amends.failures.models import FailureRow
from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.notices.queries import of_recoveries
from amends.outbox.models import ActRow
from amends.recoveries import approval, queries, steps, stopping
from amends.recoveries.models import FormerRow, MoveRow, RecoveryRow
from amends.recoveries.policy import recounting
from amends.recoveries.records import Goodwill, Recovery, RecoveryState
from amends.remedies import steps as remedies
from amends.remedies.models import RemedyRow
from amends.scenarios.starter import files
from amends.signals.models import SignalRow
from amends.worker import story
from tests.recoveries.given import NOW, Write

LINE = """
policy: line-works
promise: line-works
currency: EUR
inputs:
  off_h: {type: number, unit: hours, default: 0, most: 1000}
versions:
  - from: 2026-01-01
    hit: collect
    stacking: sum
    memory: {days: 90, half_life_days: 30}
    rows:
      - id: long
        when: {off_h: {">=": 2}}
        then:
          - credit: {per_unit: 1.00 EUR, unit: off_h}
            owed: true
      - id: ours
        when: {controllable: true, recurrence: {">=": 1}}
        then: [{coupon: 4.00 EUR}]
      - id: again
        when: {recurrence: {">=": 2}}
        then: [{credit: {per_unit: 2.00 EUR, unit: recurrence}}]
        person: it keeps happening; call them
      - id: always
        when: {}
        then: [apology]
"""


class Telling(NamedTuple):
    """What was said of one failure: which, when by their clock, on which day it was, for how long, whose fault."""

    subject: str
    told: int
    day: int = 0
    off_h: int = 0
    controllable: bool = False


@pytest.fixture
def site(db: None, settings: Any) -> Iterator[None]:
    files.write(settings.AMENDS.directory)
    path = settings.AMENDS.directory / "policies" / "line-works.yaml"
    path.write_text(LINE)
    said = {"name": "Ada", "email": "ada@example.org", "told_at": NOW}
    CustomerRow.objects.create(customer_id="ada", **said)
    yield
    path.unlink()


def tell(*told: Telling, now: datetime = NOW) -> None:
    for number, one in enumerate(told, SignalRow.objects.count()):
        began = NOW - timedelta(days=40 - one.day)
        data = {"customer_id": "ada", "promise": "line-works", "subject": one.subject, "started_at": began.isoformat()}
        data |= {"facts": {"off_h": one.off_h}, "controllable": one.controllable}
        kind, time = amends.failures.steps.OBSERVED, NOW + timedelta(minutes=one.told)
        SignalRow.objects.create(source="t", event_id=str(number), type=kind, data=data, received_at=now, time=time)
    amends.failures.steps.take_observed(now)


def drain(now: datetime = NOW, *, pay: bool = True) -> None:
    """All that the rooms do of themselves; with `pay` the provider does what it is asked for."""
    steps.decide(now)
    if pay:
        remedies.provide(now)
        for act in ActRow.objects.filter(state="due", kind__startswith="remedy."):
            amends.outbox.steps.settle_by_person(act.key, f"ref-{act.key.split(':')[0]}", "provider", now)
        remedies.settle(now)
        amends.notices.steps.compose(now)


def recovery(subject: str = "a") -> Recovery:
    found = queries.one(derive("rec", derive("fail", "line-works", "ada", subject)))
    assert found
    return found


def keys(subject: str = "a") -> dict[str, int | None]:
    """What was started of a recovery, with its minor units."""
    rows = RemedyRow.objects.filter(recovery_id=recovery(subject).recovery_id)
    return {row.act_key.split(":")[0] or row.kind: row.amount_minor for row in rows}


def granted() -> dict[tuple[str, bool], int]:
    rows = RemedyRow.objects.filter(amount_minor__gt=0).values_list("kind", "owed").annotate(Sum("amount_minor"))
    return {(kind, owed): minor for kind, owed, minor in rows.order_by()}


def ended() -> tuple[Any, ...]:
    """All that the order of tellings must not bear on."""
    rows = RecoveryRow.objects.order_by("failure_id").values_list("failure_id", "row", "person", "amount_minor")
    calls = set(RemedyRow.objects.filter(kind="call").values_list("recovery_id", flat=True))
    assert not list(amends.ledger.queries.flaws())
    assert queries.budget_flaws() == []
    return list(rows), granted(), calls, amends.ledger.queries.paid()


@st.composite
def stories(draw: st.DrawFn, rising: bool = True) -> tuple[list[Telling], list[list[Telling]], list[bool]]:
    """Tellings in order; the same shuffled, some repeated, in parts; and after which parts money moves."""
    told = []
    for subject in "abcd"[: draw(st.integers(1, 4))]:
        day, fault = draw(st.integers(0, 30)), draw(st.booleans())
        hours = draw(st.lists(st.integers(0, 9), min_size=1, max_size=3))
        hours = sorted(hours) if rising else hours
        told += [Telling(subject, at, day, off_h, fault) for at, off_h in enumerate(hours)]
    mixed = draw(st.permutations([*told, *draw(st.lists(st.sampled_from(told), max_size=4))]))
    parts, left = [], list(mixed)
    while left:
        size = draw(st.integers(1, len(left)))
        parts, left = [*parts, left[:size]], left[size:]
    return (
        sorted(told, key=lambda one: (one.day, one.subject, one.told)),
        parts,
        draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts))),
    )


def lived_through(parts: Sequence[Sequence[Telling]], pays: Sequence[bool]) -> tuple[Any, ...]:
    with transaction.atomic():
        for number, (part, pay) in enumerate(zip(parts, pays, strict=True)):
            tell(*part, now=NOW + timedelta(hours=number))
            drain(NOW + timedelta(hours=number), pay=pay)
        drain(NOW + timedelta(days=2))
        found = ended()
        transaction.set_rollback(True)
    return found


EXAMPLES = 20 if os.environ.get("AMENDS_TEST_POSTGRES") else 40  # on both databases it is one search


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
def test_whatever_the_order_of_tellings_the_end_is_the_same(site: None, story: Any) -> None:
    told, parts, pays = story

    assert lived_through(parts, pays) == lived_through([told], [True])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(rising=False))
def test_where_a_corrected_amount_is_lower_nobody_has_less_than_told_in_order_at_once(site: None, story: Any) -> None:
    told, parts, pays = story
    late, at_once = lived_through(parts, pays), lived_through([told], [True])

    assert [row[:2] for row in late[0]] == [row[:2] for row in at_once[0]]
    assert all(mine[3] >= theirs[3] for mine, theirs in zip(late[0], at_once[0], strict=True))
    assert sum(late[1].values()) >= sum(at_once[1].values())
    assert late[2] >= at_once[2]


def test_a_longer_outage_pays_what_is_more_and_the_customer_is_told_again(site: None) -> None:
    tell(Telling("a", 1, off_h=5))
    drain()
    tell(Telling("a", 2, off_h=8))
    drain(NOW + timedelta(days=1))

    assert keys() == {"credit": 500, "credit-2": 300, "apology": None}
    assert [one.minor for one in (r.amount for r in recovery().decision.remedies) if one] == [500, 300]
    first, second = of_recoveries([recovery().recovery_id])[recovery().recovery_id]
    assert ("€5.00" in first.text, "€3.00" in second.text, "€8.00" in second.text) == (True, True, False)
    assert (second.state, second.about) == (
        "enqueued",
        {"tells": [f"credit-2:{recovery().recovery_id}"], "kind": "addition"},
    )
    assert "off_h 5 → 8): credit of EUR 3.00 (owed) more" in queries.history(recovery().recovery_id)[-1].why
    assert [one.decision.inputs["off_h"] for one in queries.formers(recovery().recovery_id)] == [5]


def test_a_closed_recovery_is_added_to_and_told_too(site: None) -> None:
    tell(Telling("a", 1, off_h=5))
    drain()
    steps.move([recovery().recovery_id], RecoveryState.CLOSED, who="ada", why="thanks", now=NOW)
    tell(Telling("a", 2, off_h=8))
    drain(NOW + timedelta(days=1))

    assert (recovery().state, len(of_recoveries([recovery().recovery_id])[recovery().recovery_id])) == ("closed", 2)


def test_told_again_nothing_is_written(site: None) -> None:
    tell(Telling("a", 1, off_h=5))
    drain()
    before = (MoveRow.objects.count(), RecoveryRow.objects.get().changed_at)
    tell(Telling("a", 1, off_h=5), Telling("a", 2, off_h=5), Telling("a", 0, off_h=9))
    drain(NOW + timedelta(days=1))

    assert (MoveRow.objects.count(), RecoveryRow.objects.get().changed_at) == before
    assert FormerRow.objects.count() == 0


def test_less_takes_nothing_back_and_the_history_says_so(site: None) -> None:
    tell(Telling("a", 1, off_h=8))
    drain()
    tell(Telling("a", 2, off_h=5))
    drain()
    assert (
        "nothing more; credit of EUR 8.00 (owed) and apology stays as it is"
        in queries.history(recovery().recovery_id)[-1].why
    )
    tell(Telling("a", 3, off_h=9))
    drain()

    assert keys() == {"credit": 800, "credit-2": 100, "apology": None}


def test_an_earlier_failure_told_late_changes_what_follows_for_the_later_ones(site: None) -> None:
    tell(Telling("c", 1, day=20, controllable=True))
    drain()
    assert keys("c") == {"apology": None}
    tell(Telling("a", 1, day=1), Telling("b", 1, day=2))
    drain()

    assert keys("c") == {"apology": None, "coupon": 400, "credit": 400, "call": None}
    assert recovery("c").state is RecoveryState.CALL_OPEN
    assert recovery("c").decision.inputs["recurrence"] == 2
    assert recovery("b").decision.inputs["recurrence"] == 1


def test_what_lies_outside_the_memory_is_not_looked_at_again(site: None) -> None:
    tell(Telling("c", 1, day=95))
    drain()
    tell(Telling("a", 1, day=1))
    steps.decide(NOW)
    assert FailureRow.objects.filter(undecided=True).count() == 0

    assert MoveRow.objects.filter(recovery_id=recovery("c").recovery_id).count() == 3


def test_what_was_not_begun_is_replaced_and_its_budget_reserved_anew(site: None, limits: Write) -> None:
    limits(
        "budgets: [{name: day, per: policy day, cap: 10.00 EUR}]\napproval: {nobody_up_to: 3 EUR, one_up_to: 90 EUR}"
    )
    tell(Telling("c", 1, day=20, controllable=True), Telling("b", 1, day=2))
    steps.decide(NOW)
    assert (recovery("c").state, queries.budgets(9)[0].spent.minor) == (RecoveryState.PROPOSED, 400)
    tell(Telling("a", 1, day=1))
    steps.decide(NOW)

    assert (recovery("c").state, recovery("c").signers) == (RecoveryState.PROPOSED, 1)
    assert [r.revision for r in recovery("c").decision.remedies] == [0, 0, 0]
    assert (queries.budgets(9)[0].spent.minor, queries.budget_flaws()) == (800, [])
    (former,) = queries.formers(recovery("c").recovery_id)
    assert [one.kind for one in former.decision.remedies] == ["coupon", "apology"]


def test_goodwill_that_is_added_waits_for_its_budget_and_what_is_owed_does_not(site: None, limits: Write) -> None:
    limits("budgets: [{name: all, per: policy day, cap: 5.00 EUR}]")
    tell(Telling("c", 1, day=20, controllable=True, off_h=3), Telling("b", 1, day=2))
    drain()
    tell(Telling("a", 1, day=1), Telling("c", 2, day=20, controllable=True, off_h=4))
    drain()

    assert keys("c") == {"credit": 300, "coupon": 400, "apology": None, "credit-2": 100, "call": None}
    assert recovery("c").goodwill is Goodwill.WAITING
    assert "EUR 1.00 left, EUR 4.00 needed" in recovery("c").held
    limits("budgets: [{name: all, per: policy day, cap: 50.00 EUR}]")
    assert approval.approve(recovery("c").recovery_id, "op", "", NOW).goes_ahead
    drain()
    assert keys("c")["credit-goodwill"] == 400
    assert (queries.budgets(9)[0].spent.minor, queries.budget_flaws()) == (800, [])


def test_declining_what_was_added_gives_back_only_that(site: None, limits: Write) -> None:
    limits(
        "budgets: [{name: all, per: policy day, cap: 50.00 EUR}]\napproval: {nobody_up_to: 5 EUR, one_up_to: 90 EUR}"
    )
    tell(Telling("c", 1, day=20, controllable=True, off_h=3), Telling("b", 1, day=2))
    drain()
    tell(Telling("a", 1, day=1))
    drain()
    assert (recovery("c").goodwill, queries.budgets(9)[0].spent.minor) == (Goodwill.WAITING, 800)
    approval.decline(recovery("c").recovery_id, "op", "enough", NOW)

    assert (queries.budgets(9)[0].spent.minor, queries.budget_flaws()) == (400, [])
    tell(Telling("c", 2, day=20, controllable=True, off_h=4))
    drain()
    assert (recovery("c").goodwill, keys("c")["credit-2"]) == (Goodwill.DECLINED, 100)


def test_a_persons_word_stays_and_what_is_owed_since_goes_ahead(site: None, limits: Write) -> None:
    limits("approval: {nobody_up_to: 3 EUR, one_up_to: 90 EUR}")
    tell(Telling("c", 1, day=20, controllable=True), Telling("b", 1, day=2))
    steps.decide(NOW)
    approval.decline(recovery("c").recovery_id, "op", "not this time", NOW)
    tell(Telling("c", 2, day=20, controllable=True, off_h=3))
    drain()

    assert keys("c") == {"credit": 300, "apology": None}
    assert (recovery("c").goodwill, "declined by op: not this time" in recovery("c").held) == (Goodwill.WAITING, True)


def test_an_approved_recovery_keeps_what_was_approved_and_gets_what_is_more(site: None, limits: Write) -> None:
    limits("approval: {nobody_up_to: 3 EUR, one_up_to: 90 EUR}")
    tell(Telling("c", 1, day=20, controllable=True), Telling("b", 1, day=2))
    steps.decide(NOW)
    approval.approve(recovery("c").recovery_id, "op", "", NOW)
    tell(Telling("a", 1, day=1), Telling("c", 2, day=20, controllable=True, off_h=3))
    drain()

    assert keys("c") == {"coupon": 400, "apology": None, "credit": 300, "call": None}
    assert recovery("c").goodwill is Goodwill.WAITING


def test_goodwill_keeps_its_name_when_something_of_its_kind_is_owed_later(site: None) -> None:
    tell(Telling("a", 1, day=1), Telling("b", 1, day=2), Telling("c", 1, day=20))
    drain()
    tell(Telling("c", 2, day=20, off_h=3))
    drain()

    assert keys("c") == {"credit": 400, "apology": None, "call": None, "credit-2": 300}
    assert granted() == {("credit", False): 400, ("credit", True): 300}


def test_what_is_added_waits_while_paying_is_stopped_and_is_counted_once(site: None) -> None:
    tell(Telling("a", 1, off_h=3))
    drain()
    stopping.stop("", "wrong amounts", "op", NOW)
    for told, off_h in ((2, 5), (3, 7), (4, 6)):
        tell(Telling("a", told, off_h=off_h))
        drain()
    assert keys() == {"credit": 300, "apology": None}
    stopping.resume("", "", "op", NOW)
    drain()

    assert keys() == {"credit": 300, "apology": None, "credit-2": 300}
    assert (remedies.provide(NOW), len(queries.formers(recovery().recovery_id))) == (0, 3)


def test_what_was_added_and_not_started_is_left_out_when_it_proved_unfounded(site: None) -> None:
    tell(Telling("a", 1, off_h=3))
    drain()
    stopping.stop("", "wrong amounts", "op", NOW)
    tell(Telling("a", 2, off_h=5))
    drain()
    withdraw()
    stopping.resume("", "", "op", NOW)
    drain()

    assert (keys(), RecoveryRow.objects.get().amount_minor) == ({"credit": 300, "apology": None}, 300)


def test_it_can_be_read_what_was_decided_before_and_since(site: None, client: Client) -> None:
    tell(Telling("a", 1, off_h=3))
    drain()
    tell(Telling("a", 2, off_h=5))
    drain()
    (row,) = queries.export_rows()
    assert [one["decision"]["inputs"]["off_h"] for one in row["formers"]] == [3]
    told = recounting.recount(recovery().decision, None, queries.formers(row["recovery_id"])).text()
    assert "€5.00 as a credit (owed to you)" in told
    assert "It was decided anew on 24 November 2026; before, it was: €3.00 as a credit (owed to you)" in told
    client.force_login(User.objects.create_superuser("op"))
    page = client.get(f"/desk/recoveries/{row['recovery_id']}").content.decode()
    assert ("Decided anew" in page, "off_h 3 → 5" in page) == (True, True)


def test_a_holdout_gets_no_goodwill_by_a_revision_either(site: None, settings: Any) -> None:
    from dataclasses import replace

    config = settings.AMENDS
    settings.AMENDS = replace(config, holdout=replace(config.holdout, salt="s", share=1.0))
    tell(Telling("c", 1, day=20, controllable=True, off_h=3))
    drain()
    tell(Telling("a", 1, day=1), Telling("c", 2, day=20, controllable=True, off_h=4))
    drain()

    assert keys("c") == {"credit": 300, "apology": None, "credit-2": 100}
    assert recovery("c").decision.holdout


def withdraw(subject: str = "a") -> None:
    rows = FailureRow.objects.filter(pk=derive("fail", "line-works", "ada", subject))
    amends.failures.steps._withdraw(rows, NOW)


def test_what_proved_unfounded_is_declined_before_it_is_begun_and_noted_afterwards(site: None) -> None:
    tell(Telling("a", 1, off_h=5), Telling("b", 1, day=3, off_h=5, controllable=True))
    steps.decide(NOW)
    assert [one.kind for one in recovery("b").decision.remedies] == ["credit", "coupon", "apology"]
    withdraw("a")
    drain()
    assert (recovery().state, "proved unfounded" in recovery().declined_reason) == (RecoveryState.DECLINED, True)
    assert keys("b") == {"credit": 500, "apology": None}
    withdraw("b")
    drain()

    assert (recovery("b").state, keys("b")["credit"]) == (RecoveryState.MADE_RIGHT, 500)
    assert "what was begun stays" in queries.history(recovery("b").recovery_id)[-1].why
    tell(Telling("a", 2, off_h=6))
    drain()
    assert keys("a") == {"credit": 600, "apology": None}


def test_a_thousand_that_are_revised_are_no_query_each(site: None, django_assert_max_num_queries: Any) -> None:
    tell(Telling("a", 1, off_h=5))
    row = FailureRow.objects.get()
    for number in range(300):
        row.pk, row.customer_id = f"fail_{number:026}", f"c{number}"
        row.save(force_insert=True)
    drain()
    FailureRow.objects.update(facts={"off_h": 8}, undecided=True)

    with django_assert_max_num_queries(40):
        steps.decide(NOW)
    assert FormerRow.objects.count() == 301
    remedies.provide(NOW)
    assert granted() == {("credit", True): 301 * 800}


def post(*told: Telling) -> None:
    """Through the door, all in one request."""
    key = amends.signals.steps.create_key("k", ["signals:write"], NOW)
    events = []
    for one in told:
        data = {"customer_id": "ada", "promise": "line-works", "subject": one.subject, "facts": {"off_h": one.off_h}}
        data["started_at"] = format_moment(datetime.now(UTC) - timedelta(days=40 - one.day))
        time = format_moment(datetime.now(UTC) - timedelta(minutes=99 - one.told))
        said = {"id": f"{one.subject}-{one.told}", "source": "/grid", "type": "com.amends.failure.observed"}
        events.append(said | {"specversion": "1.0", "time": time, "data": data})
    head = {"Authorization": f"Bearer {key}"}
    assert (
        Client().post("/v1/signals", json.dumps(events), content_type="application/json", headers=head).status_code
        == 202
    )


def do_all() -> None:
    """The worker's story until nothing moves, with a provider that does what it is asked for."""
    while story.turn():
        for act in ActRow.objects.filter(state="due", kind__startswith="remedy."):
            amends.outbox.steps.settle_by_person(act.key, f"ref-{act.key}", "provider", datetime.now(UTC))


@pytest.mark.parametrize(
    "parts",
    [
        [[Telling("c", 1, 20, 3), Telling("a", 1, 1, 2), Telling("b", 1, 2, 2), Telling("c", 2, 20, 6)]],
        [[Telling("c", 2, 20, 6)], [Telling("a", 1, 1, 2), Telling("c", 1, 20, 3)], [Telling("b", 1, 2, 2)]],
        [[Telling("c", 1, 20, 3)], [Telling("b", 1, 2, 2), Telling("c", 2, 20, 6)], [Telling("a", 1, 1, 2)]],
    ],
)
def test_through_the_door_and_the_whole_story_the_end_is_the_same(site: None, parts: list[list[Telling]]) -> None:
    for part in parts:
        post(*part)
        do_all()

    assert granted() == {("credit", True): 1000, ("credit", False): 400, ("coupon", False): 800}
    assert amends.ledger.queries.paid() == {"EUR": 2200}
    assert not list(amends.ledger.queries.flaws())
    assert RemedyRow.objects.get(kind="call").recovery_id == recovery("c").recovery_id
