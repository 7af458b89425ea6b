"""What was decided anew is explained so that before and now do not contradict each other."""

from __future__ import annotations

from amends.recoveries import queries, steps, texts
from amends.recoveries.policy import recounting
from tests.recoveries.given import NOW
from tests.recoveries.test_revising import Telling, drain, recovery, site, tell

__all__ = ["site"]


def recounted(subject: str) -> str:
    found = recovery(subject)
    table = texts.table(found.decision.policy_hash)
    assert table
    return recounting.recount(found.decision, table, queries.formers(found.recovery_id), found).text()


def test_told_anew_lower_it_is_explained_that_what_was_given_stays(site: None) -> None:
    tell(Telling("a", 1, off_h=9))
    drain()
    assert "stays" not in recounted("a")
    tell(Telling("a", 2, off_h=2))
    drain()

    says = "By what is known now it would be €2.00; what was given as credit by the decision before stays."
    assert f"You get €9.00 as a credit (owed to you) and an apology. {says}" in recounted("a")
    assert "That comes to €2.00." in recounted("a")


def test_told_anew_with_another_remedy_it_is_explained_which_part_is_of_the_decision_before(site: None) -> None:
    tell(Telling("b", 1, day=1), Telling("a", 1, day=9, controllable=True))
    drain()
    assert ("You get €4.00 as a coupon" in recounted("a"), "before" in recounted("a")) == (True, False)
    tell(Telling("a", 2, day=9, off_h=3))
    drain()

    assert "You get €4.00 as a coupon, an apology and €3.00 as a credit (owed to you). " in recounted("a")
    assert "€4.00 as coupon was given by the decision before, and stays." in recounted("a")
    assert "as credit was given by" not in recounted("a")


def test_what_was_not_begun_is_not_explained_as_given_before(site: None) -> None:
    tell(Telling("a", 1, off_h=9))
    steps.decide(NOW)
    tell(Telling("a", 2, off_h=2))
    drain()

    assert "You get €2.00 as a credit" in recounted("a")
    assert ("stays" in recounted("a"), "before, it was: €9.00" in recounted("a")) == (False, True)
