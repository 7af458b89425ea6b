"""Who must say yes: nobody, one, or two different people; and policies whose new text waits for four eyes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from amends.ground.marked import Mistake
from amends.recoveries import approval, files, queries, steps, stopping, versions
from amends.recoveries.policy import parsing
from amends.recoveries.records import RecoveryState
from amends.scenarios.starter import files as starter
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed

LADDER = "approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}"


def later(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


@pytest.mark.django_db
def test_the_larger_the_goodwill_the_more_people_must_agree(limits: Write) -> None:
    limits(LADDER)
    ids = open_all([(failure(n), decision(goodwill(minor))) for n, minor in enumerate((500, 501, 2000, 2001))])

    found = queries.by_id(ids)
    assert [found[one].signers for one in ids] == [0, 1, 1, 2]
    assert "needs two operators" in found[ids[3]].held


@pytest.mark.django_db
def test_a_large_sum_needs_two_different_operators(limits: Write) -> None:
    limits(LADDER)
    (recovery_id,) = open_all([(failure(1), decision(goodwill(5000)))])

    first = approval.approve(recovery_id, "ada", "seen", NOW)
    again = approval.approve(recovery_id, "ada", "seen", NOW)
    assert (first.taken, first.goes_ahead, again.taken) == (True, False, False)
    assert "somebody else" in again.says
    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.PROPOSED
    assert approval.approve(recovery_id, "bob", "seen too", NOW).goes_ahead
    assert [one.who for one in queries.approvals(recovery_id)] == ["ada", "bob"]


@pytest.mark.django_db
def test_a_no_makes_every_yes_before_it_void(limits: Write) -> None:
    limits(LADDER)
    (recovery_id,) = open_all([(failure(1), decision(goodwill(5000)))])
    approval.approve(recovery_id, "ada", "", NOW)
    approval.decline(recovery_id, "bob", "it was his own router", NOW + later(1))

    assert not approval.approve(recovery_id, "eve", "", NOW + later(2)).goes_ahead
    assert approval.approve(recovery_id, "ada", "", NOW + later(3)).goes_ahead


@pytest.mark.django_db
def test_goodwill_beside_what_is_owed_is_declined_alone_and_its_yes_is_void_too(limits: Write) -> None:
    limits(LADDER)
    (recovery_id,) = open_all([(failure(1), decision(owed(300), goodwill(5000)))])
    approval.approve(recovery_id, "ada", "", NOW)

    assert approval.decline(recovery_id, "bob", "too much", NOW + later(1))
    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.APPROVED
    assert not approval.approve(recovery_id, "eve", "", NOW + later(2)).goes_ahead


@pytest.mark.django_db
@pytest.mark.parametrize("beside", [(), (owed(300),)], ids=["all of it", "beside what is owed"])
def test_each_yes_and_each_no_stands_in_the_history_by_name_and_in_order(limits: Write, beside: tuple[Any]) -> None:
    limits(LADDER)
    (recovery_id,) = open_all([(failure(1), decision(*beside, goodwill(5000)))])
    approval.approve(recovery_id, "ada", "seen", NOW + later(1))
    (only,) = queries.history(recovery_id)[1:]
    assert (only.who, only.before) == ("ada", only.after)
    assert only.why == "approved; another operator must agree as well: seen"

    approval.decline(recovery_id, "bob", "too much", NOW + later(2))
    approval.approve(recovery_id, "eve", "", NOW + later(3))
    approval.approve(recovery_id, "ada", "after all", NOW + later(4))

    told = queries.history(recovery_id)[1:]
    assert [one.who for one in told] == ["ada", "bob", "eve", "ada"]
    for move, words in zip(told, ("seen", "too much", "another operator must agree", "after all"), strict=True):
        assert words in move.why


@pytest.mark.django_db
def test_paying_is_stopped_once_with_a_reason_and_resumed_once() -> None:
    with pytest.raises(ValueError, match="reason"):
        stopping.stop("film-plays", " ", "ada", NOW)

    assert [stopping.stop("film-plays", "wrong amounts", "ada", NOW) for _ in range(2)] == [True, False]
    assert "wrong amounts" in queries.paying_stopped("film-plays")
    assert queries.paying_stopped("other") == ""
    assert [stopping.resume("film-plays", "mended", "bob", NOW) for _ in range(2)] == [True, False]
    assert queries.paying_stopped("film-plays") == ""


@pytest.fixture
def policy() -> Iterator[Path]:
    """The starter's policy in the installation's own directory."""
    starter.write(settings.AMENDS.directory)
    path = settings.AMENDS.directory / "policies/film-plays.yaml"
    before = path.read_text()
    yield path
    path.write_text(before)


def change(path: Path) -> str:
    """Somebody edits the file while workers run; the new text's digest."""
    path.write_text(path.read_text().replace("{percent: 30, of: price}", "{percent: 31, of: price}"))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000))
    return files.read(path).digest


@pytest.mark.django_db
def test_a_changed_policy_waits_for_two_operators_and_the_old_text_holds_meanwhile(policy: Path) -> None:
    old = versions.in_force(steps.policies(), True, NOW)["film-plays"].digest
    new = change(policy)
    held = versions.in_force(steps.policies(), True, NOW + later(1))["film-plays"]
    assert (held.digest, held.versions[-1].rows[4].row_id) == (old, "watched-anyway")

    assert versions.approve(new, "ada", "as agreed", NOW)[0]
    assert not versions.approve(new, "ada", "as agreed", NOW)[0]
    assert versions.in_force(steps.policies(), True, NOW)["film-plays"].digest == old
    assert "goes by this text" in versions.approve(new, "bob", "", NOW + later(2))[1]
    assert versions.in_force(steps.policies(), True, NOW)["film-plays"].digest == new
    assert not versions.approve(new, "eve", "", NOW)[0]


@pytest.mark.django_db
def test_who_only_asks_gets_the_approved_text_and_writes_nothing(policy: Path) -> None:
    first = steps.policies()["film-plays"]
    assert versions.standing(first, True).digest == first.digest  # nothing else to go by
    versions.see(steps.policies(), True, NOW)
    new = change(policy)

    changed = steps.policies()["film-plays"]
    assert versions.standing(changed, True).digest == first.digest  # not seen by the worker yet
    assert new not in {text.digest for text in queries.policy_texts(9)}
    versions.see(steps.policies(), True, NOW)
    assert versions.standing(changed, True).digest == first.digest
    assert versions.standing(changed, False).digest == new
    versions.approve(new, "ada", "", NOW)
    versions.approve(new, "bob", "", NOW + later(1))
    assert versions.standing(changed, True).digest == new


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("{fixed: 1.00 EUR, cap: 5.00 USD}", "EUR and USD"),
        ("{percent: 30, of: price, cap: 1.00 EUR, floor: 5.00 EUR}", "floor"),
    ],
)
def test_an_approved_text_holds_though_such_a_one_would_be_refused_today(policy: Path, amount: str, says: str) -> None:
    parsed, good = parsing.read(policy, files.INPUTS), policy.read_text("utf-8")
    policy.write_text(good.replace("{percent: 30, of: price}", amount), "utf-8")
    with pytest.raises(Mistake, match=says):
        files.read(policy)
    mixed = parsing.read_text(policy.read_text("utf-8"), str(policy), files.INPUTS)
    versions.see({"film-plays": mixed}, True, NOW)
    policy.write_text(good, "utf-8")

    assert versions.in_force({"film-plays": parsed}, True, NOW)["film-plays"].digest == mixed.digest


@pytest.mark.django_db
def test_without_four_eyes_a_changed_policy_holds_at_once_and_is_on_record(policy: Path) -> None:
    versions.in_force(steps.policies(), False, NOW)
    new = change(policy)

    assert versions.in_force(steps.policies(), False, NOW + later(1))["film-plays"].digest == new
    seen = [text for text in queries.policy_texts(9) if text.name == "film-plays"]
    assert [(text.digest == new, text.seen_by) for text in seen] == [(True, "file"), (False, "file")]
    assert queries.policy_texts(9, waiting=True) == []
