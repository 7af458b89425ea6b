"""Whatever dies, and however the other side behaves: money arrives once, and nothing that was promised is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.campaign.checker import violations
from tests.campaign.field import Field
from tests.campaign.rounds import AT_THE_NTH_CALL, CLOCK_GOES_BACK, ONLY_TIME_PASSES, Aftermath, Storm
from tests.campaign.tracing import can_trace

KILLS = 63
ROUNDS = {"sqlite": 2, "postgres": 2}  # with what is below some 310 kills; `make campaign` goes on
POINTS = ("kill-before", "kill-after", "kill-middle", "freeze-before freeze-after")  # acts take turns between two

pytestmark = [pytest.mark.campaign, pytest.mark.slow]


def on(database: str, *more: object) -> object:
    return pytest.param(database, *more, marks=pytest.mark.xdist_group(f"campaign-{database}"))


def again(ground: Field, storm: Storm) -> str:
    return f"make campaign DATABASE={ground.database.name} SEED={storm.seed} ROUNDS=1 KILLS={storm.kills}"


@pytest.mark.parametrize("database", [on("sqlite"), on("postgres")])
def test_an_undisturbed_evening_pays_mails_and_leaves_the_rest_to_people(ground: Field, database: str) -> None:
    acts = {act["state"] for act in ground.calm.tables["acts"]}
    recoveries = {recovery["state"] for recovery in ground.calm.tables["recoveries"]}

    assert violations(ground.calm) == []
    assert len(ground.calm.effects) >= 25
    assert len(ground.calm.mails) >= 25
    assert {"done", "refused"} <= acts
    assert {"made right", "under way", "proposed"} <= recoveries


@pytest.mark.parametrize(
    ("database", "seed"), [on(database, seed) for database, rounds in ROUNDS.items() for seed in range(rounds)]
)
def test_whatever_dies_it_ends_as_if_nothing_had_happened(ground: Field, database: str, seed: int) -> None:
    storm = Storm(100 + seed, KILLS)

    after, broken = ground.round(storm)

    print(f"{after.ours_killed} of ours killed in {after.seconds:.0f} s: {after.kills}, {dict(after.faults)}")
    assert broken == [], again(ground, storm)
    assert after.ours_killed >= KILLS
    assert after.faults.total() - after.faults["none"] > 5, "a billing side that never fails proves little"


@pytest.mark.parametrize(("database", "points"), [on("postgres", points) for points in POINTS])
def test_dead_or_frozen_on_the_wire_at_every_act(ground: Field, database: str, points: str) -> None:
    """Billing's own hand at each first try: before the effect, after it, and in the middle of its answer."""
    wanted = 8 if points.startswith("kill") else 0
    mood = {"always": points.split(), "bad_tries": 1}

    for seed in (200, 201, 202):  # on a crowded machine a round may be over before eight acts were met
        after, broken = ground.round(Storm(seed, wanted, ONLY_TIME_PASSES, mood=mood))
        assert broken == []
        met = all(after.faults[point] >= 8 and after.kills.get(point, 0) >= wanted for point in points.split())
        if met:
            break
    assert met, (after.faults, after.kills)


@pytest.mark.parametrize("database", [on("sqlite")])
def test_a_clock_that_goes_back_by_hours_loses_nothing(ground: Field, database: str) -> None:
    _, broken = ground.round(Storm(400, 12, CLOCK_GOES_BACK, mood={"calm": True}))

    assert broken == []


@pytest.mark.parametrize("database", [on("sqlite")])
def test_cut_between_two_writes_it_goes_on_where_it_was(ground: Field, database: str) -> None:
    if why := can_trace():
        pytest.skip(why)
    cuts = 0
    for seed in (500, 501, 502):  # on a crowded machine a round may be over before so many calls were met
        after, broken = ground.round(Storm(seed, 12, AT_THE_NTH_CALL, mood={"calm": True}, told_over_s=20.0))
        assert broken == []
        cuts += after.kills.get("strace", 0)
        if cuts >= 12:
            break
    assert cuts >= 12


@pytest.mark.parametrize("database", [on("postgres")])
def test_a_budget_is_not_exceeded_and_what_is_owed_passes(ground: Field, database: str) -> None:
    """Room for half of the goodwill in euros a day; decided again and again by workers that die, on days that jump."""
    wanted = goodwill(ground.calm.effects)
    cap = sum(wanted) / 2 / 100
    budgets = f"budgets:\n  - {{name: tight, per: policy day, policy: film-plays, cap: {cap:.2f} EUR}}\n"

    after, broken = ground.round(Storm(600, 12), budgets)

    assert broken == []
    spent = by_day(after)
    assert spent.total() == sum(goodwill(after.effects)) > 0
    assert all(minor <= cap * 100 for minor in spent.values()), spent
    assert owed(after.effects) == owed(ground.calm.effects)


def goodwill(effects: list[dict[str, Any]]) -> list[int]:
    return [e["amount_minor"] for e in effects if e["kind"] == "remedy.credit" and e["currency"] == "EUR"]


def by_day(after: Aftermath) -> Counter[str]:
    """What billing paid of goodwill in euros, by the day that it was decided on."""
    days = {row["recovery_id"]: row["budgets"].rpartition("|")[2] for row in after.tables["recoveries"]}
    spent: Counter[str] = Counter()
    for effect in after.effects:
        if effect["kind"] == "remedy.credit" and effect["currency"] == "EUR":
            spent[days[effect["key"].partition(":")[2]]] += effect["amount_minor"]
    assert all(spent), f"goodwill that no budget knows: {spent}"
    return spent


def owed(effects: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(e["key"], e["amount_minor"]) for e in effects if e["kind"] == "remedy.refund"}
