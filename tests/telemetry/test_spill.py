from __future__ import annotations

from pathlib import Path

import pytest

from amends.telemetry import spill, video

TRACES = [str(path) for path in sorted((Path(__file__).parent / "traces").glob("*.jsonl"))]


def test_what_was_put_down_on_disk_is_judged_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held = video.assess_files(TRACES, on_bad=lambda bad: None)
    monkeypatch.setattr(spill, "HELD_ROWS", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert video.assess_files(TRACES, on_bad=lambda bad: None).equals(held)
    assert not list(tmp_path.iterdir())
