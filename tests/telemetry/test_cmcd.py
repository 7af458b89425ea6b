from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.telemetry import cmcd, reading
from amends.telemetry.cmcd import CmcdSettings, Envelope, Unreadable

TRACES = sorted((Path(__file__).parent / "traces").glob("*.jsonl"))
NOW_MS = 1_795_312_309_000


def row_of(text: str) -> dict[str, Any]:
    from amends.telemetry.records import REPORTS

    row = cmcd.to_row(cmcd.parse(text), Envelope(NOW_MS, "event"), CmcdSettings())
    return dict(zip(REPORTS.names, row, strict=True))


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_numbers_are_read_as_an_independent_parser_reads_them(trace: Path) -> None:
    for line in trace.read_text().splitlines():
        text = json.loads(line).get("query")
        if text:
            theirs = http_sf.parse(text.encode(), tltype="dictionary")
            ours = cmcd.parse(text)
            for key in ("bl", "d", "dl", "sn", "ts", "msd"):
                if key in theirs and isinstance(theirs[key][0], int):
                    assert ours[key] == theirs[key][0]


def test_an_inner_list_gives_the_object_types_own_number() -> None:
    assert row_of('br=(2500;v 96;a),ot=v,sid="s"')["bitrate_kbps"] == 2500
    assert row_of('br=(2500;v 96;a),ot=a,sid="s"')["bitrate_kbps"] == 96


def test_custom_keys_say_whose_session_it_is() -> None:
    assert row_of('com.amends-customer="ada",sid="s"')["customer_id"] == "ada"


@pytest.mark.parametrize(
    "text", ['bl=-5,sid="s"', 'bl=NaN,sid="s"', 'bl=1e999,sid="s"', 'bl=99999999999,sid="s"', 'bl="x",sid="s"']
)
def test_a_number_that_cannot_be_is_dropped_and_the_rest_survives(text: str) -> None:
    row = row_of(text + ",br=900")

    assert row["buffer_ms"] is None
    assert row["bitrate_kbps"] == 900


@pytest.mark.parametrize("text", ["bl=1900", 'sid=""', f'sid="{"x" * 65}"', 'sid="a\x00b"'])
def test_a_report_without_a_session_is_refused_by_name(text: str) -> None:
    with pytest.raises(Unreadable, match="sid"):
        row_of(text)


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    with suppress(Unreadable):
        row_of(text)


@pytest.mark.parametrize("t", [0, 5e11, -1, float("nan"), "soon", None, True])
def test_an_impossible_time_is_refused(t: Any) -> None:
    line = json.dumps({"t": t, "kind": "request", "query": 'sid="s",bl=1'}).encode()

    table, bad = reading.from_lines([line])
    assert table.num_rows == 0
    assert bad[0].reason.startswith("t:")


def test_a_bad_line_leaves_the_others_alone() -> None:
    good = json.dumps({"t": NOW_MS / 1000, "kind": "request", "query": 'sid="s",bl=1'}).encode()

    table, bad = reading.from_lines([b"{not json", good, b"\xff\xfe", good])
    assert (table.num_rows, [line.line for line in bad]) == (2, [1, 3])


def test_percent_encoded_cmcd_is_read() -> None:
    assert cmcd.parse("bl%3D1900%2Csid%3D%22a%22") == {"bl": 1900, "sid": "a"}
