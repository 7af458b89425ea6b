"""From the previous release to this one while it runs: migrate first, then the web, then the workers; nothing is lost.

The order is what docs/how-to/upgrade.md asks for. The previous release is the newest tag, before the first one the
commit named here.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.campaign import rounds
from tests.campaign.checker import digest, violations
from tests.campaign.field import Field
from tests.campaign.mother import ROOT
from tests.campaign.senders import Senders
from tests.campaign.stack import Installation, Stack
from tests.campaign.world import Parcel, World, rudely

BEFORE_THE_FIRST_TAG = "e8d9748"
BOUNDED_WHAT_IS_OWED = "is more than is paid without a person's approval"

pytestmark = [pytest.mark.campaign, pytest.mark.slow]


def git(*args: str) -> bytes:
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The previous release's code, out of this repository's own history."""
    place = tmp_path_factory.mktemp("previous")
    try:
        tags = git("tag", "--merged", "HEAD", "--sort=-creatordate").decode().split()
        tar = git("archive", tags[0] if tags else BEFORE_THE_FIRST_TAG, "src")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"no history with {BEFORE_THE_FIRST_TAG} here (a shallow clone?): fetch it all to test upgrades")
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        archive.extractall(place, filter="data")
    return place


def send(stack: Stack, parcels: list[Parcel], kept: Senders | None = None) -> Senders:
    senders = Senders(stack.url, stack.home.api_key, parcels)
    senders.join()
    senders.kept |= kept.kept if kept else set()
    senders.trouble += kept.trouble if kept else []
    return senders


def upgraded(home: Installation, world: World) -> tuple[rounds.Aftermath, datetime]:
    """A third is told before, a third between migrating and the new web, a third while one old worker is left.

    What is left, and when the last old worker had ended.
    """
    stack = Stack(home, world.seed, home.mother())
    stack.mood(calm=True)
    parcels = rudely(world, 1, over_s=0.5)
    third = len(parcels) // 3
    try:
        for name in ("web", "worker1", "worker2"):
            stack.start(name)
        stack.wait_for_web()
        told = send(stack, parcels[:third])
        home.code = ROOT
        stack.upgrade(home.mother(stack.ports))
        assert stack.run("migrate") == 0
        told = send(stack, parcels[third : 2 * third], told)
        stack.terminate("web")
        stack.start("web")
        stack.wait_for_web()
        stack.terminate("worker1")
        stack.start("worker1")
        told = send(stack, parcels[2 * third :], told)
        stack.terminate("worker2")
        ended = datetime.now(UTC)
        stack.start("worker2")
        return rounds.look(stack, told), ended
    finally:
        stack.stop()
        stack.mother.end()


def left_to_a_person(after: rounds.Aftermath, ended: datetime) -> set[str]:
    """The release before bounded what is owed as well: what it had put before a person stays there, and nothing else.

    Nobody's approval is undone by an upgrade, and nobody's is given by it.
    """
    return {
        row["recovery_id"]
        for row in after.tables["recoveries"]
        if row["state"] == "proposed"
        and datetime.fromisoformat(row["decided_at"]) < ended
        and any(BOUNDED_WHAT_IS_OWED in reason for reason in row["decision"]["reasons"])
    }


@pytest.mark.parametrize(
    "database",
    [pytest.param(name, marks=pytest.mark.xdist_group(f"campaign-{name}")) for name in ("sqlite", "postgres")],
)
def test_upgraded_while_it_runs_nothing_is_lost_or_doubled(ground: Field, database: str, previous: Path) -> None:
    old = Installation(ground.base / "previous", ground.database, code=previous)

    after, ended = upgraded(old, ground.world)

    left = left_to_a_person(after, ended)
    paid = {effect for effect in digest(ground.calm)["paid"] if effect[0].partition(":")[2] not in left}
    assert violations(after) == []
    assert digest(after)["paid"] == paid
    assert digest(after)["failures"] == digest(ground.calm)["failures"]
