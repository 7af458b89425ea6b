from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from amends.telemetry import kernel, reading

TRACES = sorted((Path(__file__).parent / "traces").glob("*.jsonl"))


def test_parts_say_what_the_whole_says(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.concat_tables(reading.from_lines(trace.read_bytes().splitlines())[0] for trace in TRACES)
    alone = kernel.assess(table)
    monkeypatch.setattr(kernel, "PART_ROWS", table.num_rows // 5)

    assert kernel.assess(table).equals(alone)
