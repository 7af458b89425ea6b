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


GOOD = '{"specversion": "1.0", "id": "%d", "source": "t", "type": "com.amends.customer.upserted", "data": %s}'


def some_bad(path: Path, wrong: int) -> Path:
    """Two events that can be taken, so many that cannot, and a line that is no JSON."""
    events = [GOOD % (n, '{"customer_id": "ada"}') for n in range(2)] + [GOOD % (n, "{}") for n in range(9, 9 + wrong)]
    path.write_text("\n".join([events[0], "", *events[1:], '{"specversion": broken']))
    return path


@pytest.mark.django_db
def test_what_was_set_aside_is_told_with_line_field_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = some_bad(tmp_path / "events.ndjson", 1)

    assert ingest.ingest_and_tell([str(path)], as_json=False) == 0
    said = capsys.readouterr()
    assert "2 set aside in the quarantine" in said.out
    told = said.err.splitlines()
    assert told[0] == "set aside:"
    assert told[1].startswith(f"  {path}:4: data.customer_id: ")
    assert told[2].startswith(f"  {path}:5: line: no JSON: Expecting value at character 17")
    assert "amends export quarantine" in told[3]


@pytest.mark.django_db
def test_of_many_the_first_five_are_told_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = some_bad(tmp_path / "events.ndjson", 9)

    assert ingest.ingest_and_tell([str(path)], as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["bad"], found["refused"]) == (10, [])
    assert [one["position"] for one in found["set_aside"]] == [f"{path}:{line}" for line in range(4, 9)]
    ingest.ingest_and_tell([str(some_bad(tmp_path / "more.ndjson", 10))], as_json=False)
    assert "set aside, the first 5:" in capsys.readouterr().err


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
