"""What is read to the customer of a recovery says how it stands: what waits, was declined or was cut is not given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from typer.testing import CliRunner

import amends.recoveries.steps
from amends.cli.main import app
from amends.failures.records import Evidence
from amends.outbox.models import ActRow
from amends.outbox.records import ActState
from amends.recoveries import approval, queries, revising
from amends.recoveries.policy.recounting import recount
from amends.recoveries.records import Decision, RecoveryState, Remedy
from amends.remedies import reversing, settling
from amends.remedies import steps as remedies
from amends.scenarios.starter import files
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed

pytestmark = pytest.mark.django_db
LADDER = "approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}"


def opened(given: Decision, **more: Any) -> str:
    (recovery_id,) = open_all([(failure(1, **more), given)])
    return recovery_id


def told(recovery_id: str) -> str:
    found = queries.one(recovery_id)
    assert found
    return recount(found.decision, None, (), found).text()


def test_goodwill_that_waits_beside_what_is_owed_is_not_said_to_be_given(limits: Write) -> None:
    limits(LADDER)
    recovery_id = opened(decision(owed(490), goodwill(1500)))

    assert "You get €4.90 as money back (owed to you)." in told(recovery_id)
    assert "€15.00 as a credit is not given yet: a person of ours has to agree first." in told(recovery_id)
    approval.approve(recovery_id, "op", "", NOW)
    assert "You get €4.90 as money back (owed to you) and €15.00 as a credit." in told(recovery_id)


def test_declined_goodwill_is_told_with_the_reason_that_was_written_for_the_customer(limits: Write) -> None:
    limits(LADDER)
    recovery_id = opened(decision(owed(490), goodwill(1500)))
    approval.decline(recovery_id, "op", "The router was switched off.", NOW)

    text = told(recovery_id)
    assert "You get €4.90 as money back (owed to you)." in text
    says = "€15.00 as a credit is not given: a person of ours looked at it and decided against it, for this reason: "
    assert f"{says}The router was switched off.\n" in text


def test_what_is_proposed_waits_and_what_was_approved_or_declined_does_not(limits: Write) -> None:
    limits(LADDER)
    recovery_id = opened(decision(goodwill(1500)))
    assert "You get €15.00 as a credit, once a person has approved it." in told(recovery_id)

    approval.decline(recovery_id, "op", "not ours", NOW)
    assert "Nothing is given: a person of ours looked at it and decided against it, for this reason: not ours." in told(
        recovery_id
    )
    assert "You get" not in told(recovery_id)
    approval.approve(recovery_id, "op", "after all", NOW)
    assert "You get €15.00 as a credit." in told(recovery_id)


@pytest.mark.parametrize(
    ("cap", "says"),
    [
        ("0.00", "nothing is given: {proof}, we give no goodwill."),
        ("2.00", "€2.00 is given: {proof}, we give at most €2.00 of goodwill in all."),
    ],
    ids=["to nothing", "in part"],
)
def test_goodwill_cut_for_want_of_proof_is_told_with_the_reason(limits: Write, cap: str, says: str) -> None:
    limits(f"evidence: {{claimed: {cap} EUR}}")
    given = decision(owed(490), goodwill(600))
    amounts = [{"term": "6.00 EUR", "amount": "EUR 6.00"}]
    text = told(opened(replace(given, trace={"amounts": amounts}), evidence=Evidence.CLAIMED))

    proof = "for what you told us, and nothing else shows"
    assert f"Of the €6.00 as credit, which is goodwill, {says.format(proof=proof)}" in text
    assert "You get €4.90" in text
    assert "evidence" not in text


def explained(recovery_id: str) -> str:
    """As the command tells it."""
    files.write(settings.AMENDS.directory)
    where = ["--dir", str(settings.AMENDS.directory)]
    return CliRunner().invoke(app, ["policy", "explain", recovery_id, *where]).output


def begun(given: Decision) -> str:
    recovery_id = opened(given)
    remedies.provide(NOW)
    return recovery_id


def answered(recovery_id: str, name: str, state: ActState) -> None:
    """The other side, or an operator, has brought an act to this state."""
    assert ActRow.objects.filter(pk=f"{name}:{recovery_id}").update(state=state, changed_at=NOW, ref="r-1")
    settling.forget_place()
    remedies.settle(NOW)


def test_goodwill_taken_back_is_told_as_asked_back_and_then_as_taken_back() -> None:
    recovery_id = begun(decision(goodwill(330, "refund"), Remedy("apology")))
    answered(recovery_id, "refund", ActState.DONE)
    assert "You get €3.30 as money back and an apology." in explained(recovery_id)

    reversing.take_back(f"refund:{recovery_id}", "Meant for another.", "op", NOW)
    says = "€3.30 as money back was given to you by mistake, and"
    text = explained(recovery_id)
    assert f"You get an apology. {says} we have asked for it back." in text
    assert ("You get €3.30" in text, "ask for it: " in text) == (False, False)
    assert ActRow.objects.filter(kind="remedy.reversal").update(state="done", ref="b-1") == 1
    reversing.settle(NOW)
    assert f"{says} has been taken back." in explained(recovery_id)


def test_what_was_stopped_before_it_went_out_is_not_said_to_be_given() -> None:
    recovery_id = begun(decision(owed(490), goodwill(400)))
    answered(recovery_id, "credit", ActState.CANCELLED)
    says = "You get €4.90 as money back (owed to you). €4.00 as a credit was stopped before it went out to you"
    assert f"{says}, and a person of ours is looking at it." in explained(recovery_id)

    answered(recovery_id, "refund", ActState.CANCELLED)
    text = explained(recovery_id)
    assert ("You get" in text, text.count("was stopped before it went out to you, and a person")) == (False, 2)
    amends.recoveries.steps.move([recovery_id], RecoveryState.CLOSED, who="op", why="by phone", now=NOW)
    assert "€4.00 as a credit was stopped before it went out to you." in explained(recovery_id)


@pytest.mark.parametrize("state", [ActState.REFUSED, ActState.PARKED, ActState.IN_DOUBT])
def test_what_stands_before_a_person_is_not_said_to_be_given(state: ActState) -> None:
    recovery_id = begun(decision(owed(330)))
    answered(recovery_id, "refund", state)

    text = explained(recovery_id)
    assert "A person of ours is looking after €3.30 as money back (owed to you)." in text
    assert "You get" not in text


def test_what_a_person_looked_at_first_and_declined_is_not_looked_at_any_more() -> None:
    first = replace(decision(person="two customers claim the same"), needs_approval=True)
    recovery_id = opened(first)
    assert "A person looks at it before anything is given" in told(recovery_id)
    approval.decline(recovery_id, "op", "It was another's parcel.", NOW)

    text = told(recovery_id)
    assert "Nothing is given: a person of ours looked at it and decided against it, for this reason: It was an" in text
    assert "A person looks at it" not in text
    amends.recoveries.steps.move([recovery_id], RecoveryState.REOPENED, who="c", why="no", now=NOW)
    assert "A person looks at it" not in told(recovery_id)


def test_once_it_is_over_a_person_has_looked_at_it() -> None:
    recovery_id = begun(decision(Remedy("apology"), person="it keeps happening"))
    assert "a person looks at it as well" in explained(recovery_id)
    answered(recovery_id, "call", ActState.DONE)

    assert "You get an apology; a person has looked at it as well: it keeps happening." in explained(recovery_id)


def test_what_proved_unfounded_was_declined_by_nobody() -> None:
    recovery_id = opened(decision(owed(490)))
    found = queries.one(recovery_id)
    assert found
    revising.withdraw([found.failure_id], NOW)

    text = explained(recovery_id)
    assert "Nothing is given: by what we know now, the promise to you was kept." in text
    assert "decided against" not in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            [],
            "It is goodwill, and was not given, because we are measuring whether it helps; nothing is owed to you.",
        ),
        (
            [owed(490)],
            "A part that is goodwill was not given, because we are measuring whether it helps; what is owed is.",
        ),
    ],
    ids=["all of it", "a part"],
)
def test_what_is_kept_back_to_measure_is_told_as_it_is(given: list[Remedy], says: str) -> None:
    assert says in told(opened(replace(decision(*given), holdout=True)))


def test_the_command_tells_how_it_stands(limits: Write) -> None:
    limits(LADDER)
    recovery_id = opened(decision(owed(490), goodwill(1500)))
    files.write(settings.AMENDS.directory)

    result = CliRunner().invoke(app, ["policy", "explain", recovery_id, "--dir", str(settings.AMENDS.directory)])
    assert "is not given yet" in result.output
