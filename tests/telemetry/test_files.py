from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import zstandard

from amends.telemetry import video
from amends.telemetry.reading import BadLine

TRACE = Path(__file__).parent / "traces" / "shaka-v1-query.jsonl"


def rows(path: Path) -> tuple[list[dict[str, Any]], list[BadLine]]:
    bad: list[BadLine] = []
    return video.assess_files([str(path)], on_bad=bad.append).to_pylist(), bad


def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in TRACE.read_text().splitlines()]


def combined(record: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(record["t"], UTC)
    seconds = f"{record['t'] % 60:06.3f}"
    moment = at.strftime("%d/%b/%Y:%H:%M:") + seconds + " +0000"
    target = f"{record['path']}?CMCD={quote(record['query'])}"
    return f'203.0.113.7 - - [{moment}] "GET {target} HTTP/1.1" 200 512 "-" "player"\n'


def json_log(record: dict[str, Any]) -> str:
    target = f"{record['path']}?CMCD={quote(record['query'])}"
    return json.dumps({"time": record["t"], "request_uri": target, "status": 200}) + "\n"


def w3c(record: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(record["t"], UTC)
    moment = at.strftime("%H:%M:") + f"{record['t'] % 60:06.3f}"
    return f"{at:%Y-%m-%d} {moment} {record['path']} CMCD={quote(record['query'])} 200\n"


@pytest.mark.parametrize("form", ["combined", "json", "w3c"])
def test_every_log_form_tells_the_same_story(form: str, tmp_path: Path) -> None:
    writers = {"combined": combined, "json": json_log, "w3c": w3c}
    head = "#Fields: date time cs-uri-stem cs-uri-query sc-status\n" if form == "w3c" else ""
    path = tmp_path / "access.log"
    path.write_text(head + "".join(writers[form](record) for record in records()))

    (row,), bad = rows(path)
    (straight,), _ = rows(TRACE)
    assert not bad
    assert row["stall_s"] == pytest.approx(straight["stall_s"], abs=0.1)
    assert row["startup_s"] == pytest.approx(straight["startup_s"], abs=0.1)


def test_compressed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(TRACE.read_bytes()))
    (tmp_path / "a.zst").write_bytes(zstandard.compress(TRACE.read_bytes()))

    assert rows(tmp_path / "a.gz") == rows(tmp_path / "a.zst") == rows(TRACE)


def test_a_gzip_cut_in_the_middle_gives_what_was_there_and_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(TRACE.read_bytes())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) * 3 // 4])

    found, bad = rows(tmp_path / "cut.gz")
    assert found
    assert "breaks off" in bad[-1].reason


def test_the_command_prints_the_contracts_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert video.assess_video([str(TRACE)], "jsonl", None) == 0

    line = json.loads(capsys.readouterr().out)
    assert list(line) == list(video.LINE)
    assert line["spans"][0]["kind"] == "startup"


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert video.assess_video(["nowhere.jsonl"], "jsonl", None) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
