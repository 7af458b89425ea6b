from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amends.signals import ingest, queries, steps

TRACE = Path(__file__).parents[1] / "telemetry/traces/longstall-dash-v1.jsonl"


def run(capsys: pytest.CaptureFixture[str], *paths: Path) -> dict[str, int]:
    assert ingest.ingest_and_tell([str(path) for path in paths], as_json=True) == 0
    steps.absorb(datetime.now(UTC))
    steps.view(datetime.now(UTC))
    found: dict[str, int] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.django_db
def test_a_file_read_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(gzip.compress(TRACE.read_bytes()))

    first, second = run(capsys, path), run(capsys, path)
    assert (first["reports"], second["reports"]) == (68, 0)
    (viewing,) = queries.recent_viewings(5)
    assert viewing.facts["stall_s"] == pytest.approx(21.7, abs=2.2)
    assert viewing.closed


@pytest.mark.django_db
def test_a_bad_line_waits_in_the_quarantine_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(TRACE.read_bytes() + b"{broken\n")

    assert run(capsys, path)["bad"] == 1
    (item,) = queries.quarantined()
    assert item.raw == "{broken"


@pytest.mark.django_db
def test_sessions_that_nobody_claims_are_kept_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, TRACE)

    assert queries.unclaimed_count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        b"dear all,\nplease find attached\n" * 30,
        b"one line that is nothing",
        gzip.compress(b"x" * 4000)[:60],
        b"PAR1" + bytes(100),
        b"<html>\n" * 25,
    ],
    ids=["picture", "letter", "line", "cut gzip", "broken parquet", "page"],
)
def test_a_file_that_is_nothing_for_us_is_refused_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)

    code = ingest.ingest_and_tell([str(path)], as_json=False)
    steps.absorb(datetime.now(UTC))

    said = capsys.readouterr()
    assert code == 1
    assert str(path) in said.err
    assert queries.quarantined() == []
