"""Access logs read by the block and line by line: the same rows, the same complaints."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest

from amends.telemetry import files
from amends.telemetry.logs import read_combined
from amends.telemetry.reading import BadLine, Rows
from amends.telemetry.records import REPORTS

HOSTS = ("203.0.113.7", "2001:db8::7", "a b", '"', "")
TIMES = (
    "24/Nov/2026:20:15:00 +0000",
    "24/Nov/2026:20:15:00.125 -0330",
    "24-11-2026 20:15",
    "31/Feb/2026:20:15:00 +0000",
    "x",
)
USERS = ("-", "ada", "ada lovelace", "[ada]", '"ada"')
METHODS = ("GET", "POST", "get", "")
PATHS = ("/film/seg-00003.m4s", "/", "/a%20b", "/a b", "/é", "/CMCD=", "/a&CMCD=x")
ARGUMENTS = ("{}", "a=1&{}", "{}&b=2", "a=CMCD=&{}&CMCD=sid%3D%22x%22", "CMCDx=1&{}", "")
PROTOCOLS = ("HTTP/1.1", "HTTP/2.0", "", "HTTP/1.1 x")
STATUSES = ("200", "404", "0", "20", "-", "2000")
SIZES = ("512", "-", "", "x", "99999999999999999999")
RESTS = ("", ' "-" "player/1.0"', ' "https://a.example/?CMCD=" "b c"', " 0.125", ' "sid=\\"s-9\\",ot=v"', " rt=1.500 x")
MEMBERS = (
    'sid="s-{}"',
    "br=2500",
    "ot=v",
    "bl=1200",
    'nor="a,b.m4s"',
    "bs",
    "su",
    "br=(2500;v 128;a)",
    "d=2000",
    "x",
    "bl=-1",
    "sf=d",
)
NEWLINES = ("\n", "\r\n", "\n\n")


def a_line(chance: random.Random) -> str:
    """Mostly an ordinary line; one or two of its parts are odd."""
    odd = {chance.randrange(10) for _ in range(chance.randrange(3))}

    def part(number: int, choices: tuple[str, ...]) -> str:
        return chance.choice(choices) if number in odd else choices[0]

    members = [MEMBERS[0].format(chance.randrange(4)), *chance.sample(MEMBERS[1:], chance.randrange(6))]
    chance.shuffle(members)
    text = ",".join(members) if 9 not in odd else chance.choice(("", "sid", 'sid="a', "%zz", "ot=v"))
    encoded = chance.choice((quote(text, safe=""), quote(text, safe=""), quote(text, safe=",="), quote(text).lower()))
    query = part(0, ARGUMENTS).format("CMCD=" + encoded)
    target = part(1, PATHS) + ("?" + query if query else "")
    request = f"{part(2, METHODS)} {target} {part(3, PROTOCOLS)}".rstrip()
    head = f'{part(4, HOSTS)} - {part(5, USERS)} [{part(6, TIMES)}] "{request}"'
    return f"{head} {part(7, STATUSES)} {part(8, SIZES)}{chance.choice(RESTS)}" + chance.choice(NEWLINES)


def one_by_one(text: bytes) -> tuple[pa.Table, list[int]]:
    rows, bad, found = Rows(), list[BadLine](), []
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            files._add(rows, read_combined, line.decode("utf-8", "surrogateescape"), number, "", bad.append)
            found.append(number)
    return rows.table(), [line.line for line in bad]


def by_the_block(path: Path) -> tuple[pa.Table, list[int]]:
    bad: list[BadLine] = []
    tables = list(files.read_file(str(path), on_bad=bad.append))
    return pa.concat_tables([REPORTS.empty_table(), *tables]), [line.line for line in bad]


def in_order(table: pa.Table) -> list[dict[str, object]]:
    return sorted(table.to_pylist(), key=lambda row: repr(sorted(row.items())))


@pytest.mark.parametrize("seed", range(20))
def test_blocks_say_what_single_lines_say(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    first = '203.0.113.7 - - [24/Nov/2026:20:15:00 +0000] "GET / HTTP/1.1" 200 1\n'
    text = (first + "".join(a_line(chance) for _ in range(400))).encode()
    text += chance.choice(
        (b"", b"\xff\xfe broken\n", b'203.0.113.7 - - [24/Nov/2026:20:15:00 +0000] "GET /?CMCD=sid%3D')
    )
    (tmp_path / "access.log").write_bytes(text)
    (tmp_path / "access.log.gz").write_bytes(gzip.compress(text))

    expected, complaints = one_by_one(text)
    for name in ("access.log", "access.log.gz"):
        found, bad = by_the_block(tmp_path / name)
        assert in_order(found) == in_order(expected)
        assert sorted(bad) == complaints


def test_ordinary_lines_are_all_read_by_the_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    line = '203.0.113.7 - - [24/Nov/2026:20:15:00 +0000] "GET /seg-1.m4s{} HTTP/1.1" 200 512 "-" "player/1.0"\n'
    encoded = quote('br=2500,sid="s-1",ot=v', safe="")
    (tmp_path / "access.log").write_text(line.format("") + line.format("?a=1&CMCD=" + encoded) * 3)
    single: list[str] = []
    monkeypatch.setattr(files, "_add", lambda *given: single.append(given[2]))

    found, _ = by_the_block(tmp_path / "access.log")
    assert found.num_rows == 3
    assert not single
