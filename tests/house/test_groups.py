"""Tests of one group run in one process, so that what they share is made once."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("house")
def test_a_group_is_known_to_whoever_hands_out_the_tests(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ or not request.config.getoption("loadgroup", False):
        pytest.skip("run without -n or without --dist loadgroup")

    assert request.node.nodeid.endswith("@house")
