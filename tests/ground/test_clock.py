"""What time it is: the machine's, unless a story says by how much its own clock is behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amends.ground import clock

A_MOMENT = timedelta(seconds=5)


def test_it_is_the_time_of_the_machine() -> None:
    assert abs(clock.now() - datetime.now(UTC)) < A_MOMENT


@pytest.mark.parametrize(("said", "behind_s"), [("86400", 86400), ("0", 0), ("", 0), ("-500000", 0), ("soon", 0)])
def test_a_story_is_behind_by_what_its_file_says_and_never_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, behind_s: int
) -> None:
    (tmp_path / "clock").write_text(said)
    monkeypatch.setattr(clock, "STORY", str(tmp_path / "clock"))

    assert abs(clock.now() - (datetime.now(UTC) - timedelta(seconds=behind_s))) < A_MOMENT


def test_a_story_whose_file_is_gone_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "STORY", str(tmp_path / "nowhere"))

    assert abs(clock.now() - datetime.now(UTC)) < A_MOMENT
