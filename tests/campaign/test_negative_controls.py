"""A campaign that does not catch designs known to be wrong is void: each must fail, and for the right reason."""

from __future__ import annotations

from typing import Any

import pytest
from tests.campaign.field import Field
from tests.campaign.rounds import ONLY_TIME_PASSES, Storm

TWICE, NEVER = "was paid 2 times", "is done and billing never did it"
AFTER = {"always": ["kill-after", "drop-after"], "acts": 8, "bad_tries": 1}
BEFORE = {"always": ["kill-before", "before-500"], "acts": 8, "bad_tries": 1}

pytestmark = [pytest.mark.campaign, pytest.mark.slow, pytest.mark.xdist_group("campaign-sqlite")]


@pytest.mark.parametrize(
    ("broken", "mood", "says"),
    [
        ("new-key-per-try", AFTER, TWICE),
        ("new-key-per-try", AFTER | {"ignore_keys": True}, TWICE),
        ("no-look-up", AFTER | {"key_window_s": 0}, TWICE),
        ("done-before-called", BEFORE, NEVER),
        ("taken-at-its-word", BEFORE, NEVER),
    ],
)
def test_a_broken_design_is_caught(sqlite: Field, broken: str, mood: dict[str, Any], says: str) -> None:
    for seed in (300, 301, 302):  # what is hit need not be where it is wrong
        _, found = sqlite.round(Storm(seed, 0, ONLY_TIME_PASSES, broken, mood, told_over_s=3.0))
        caught = any(says in sentence for sentence in found)
        if caught:
            break
    assert caught, found
