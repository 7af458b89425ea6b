"""A campaign that does not catch designs known to be wrong is void: each must fail, and for the right reason."""

from __future__ import annotations

import pytest
from tests.campaign.field import Field
from tests.campaign.rounds import Storm

KILLS = 12
TWICE, NEVER = "was paid 2 times", "is done and billing never did it"

pytestmark = [pytest.mark.campaign, pytest.mark.slow, pytest.mark.xdist_group("campaign-sqlite")]


@pytest.mark.parametrize(
    ("broken", "mood", "says"),
    [
        ("new-key-per-try", {}, TWICE),
        ("new-key-per-try", {"ignore_keys": True}, TWICE),
        ("no-look-up", {"key_window_s": 0}, TWICE),
        ("done-before-called", {}, NEVER),
        ("taken-at-its-word", {}, NEVER),
    ],
)
def test_a_broken_design_is_caught(sqlite: Field, broken: str, mood: dict[str, int], says: str) -> None:
    for seed in (300, 301, 302):  # a few kills need not hit where it is wrong
        _, found = sqlite.round(Storm(seed, KILLS, broken=broken, mood=mood))
        caught = any(says in sentence for sentence in found)
        if caught:
            break
    assert caught, found
