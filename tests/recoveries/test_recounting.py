"""What is read to the customer of a recovery says how it stands: what waits, was declined or was cut is not given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from typer.testing import CliRunner

from amends.cli.main import app
from amends.failures.records import Evidence
from amends.recoveries import approval, queries
from amends.recoveries.policy.recounting import recount
from amends.recoveries.records import Decision
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


def test_the_command_tells_how_it_stands(limits: Write) -> None:
    limits(LADDER)
    recovery_id = opened(decision(owed(490), goodwill(1500)))
    files.write(settings.AMENDS.directory)

    result = CliRunner().invoke(app, ["policy", "explain", recovery_id, "--dir", str(settings.AMENDS.directory)])
    assert "is not given yet" in result.output
