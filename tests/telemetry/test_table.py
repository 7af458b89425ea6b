"""`amends assess video` for people: one line a session at 80 columns, and a sentence where it cannot be written."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import forked

TRACES = sorted((Path(__file__).parent / "traces").glob("*.jsonl"))


def assess(*words: str) -> subprocess.CompletedProcess[str]:
    return forked.run(["assess", "video", *words])


def test_every_session_is_one_line_of_80_columns() -> None:
    done = assess(*map(str, TRACES), "--format", "table")

    head, *rows, caption = done.stdout.rstrip().splitlines()
    assert head.split()[0] == "session"
    assert "seconds" in caption
    assert max(map(len, (head, *rows))) <= 80
    known = assess(*map(str, TRACES)).stdout.splitlines()
    assert len(rows) == len(known)


def test_an_output_that_cannot_be_written_is_told_before_anything_is_read() -> None:
    done = assess(str(TRACES[0]), "--output", "/nope/x")

    assert done.returncode == 2
    assert done.stderr.strip() == "amends assess video: /nope/x cannot be written: there is no such directory"
