"""`amends ingest`: files into the same landing as the doors; resumable, and twice is once."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from amends.ground.counts import counted
from amends.ground.moments import to_ms
from amends.signals import door, steps
from amends.telemetry import files, logs
from amends.telemetry.cmcd import Unreadable
from amends.telemetry.reading import BadLine

PIECE = 2000
HEAD = 20  # lines that show whether a file is of a form that we read
SHOWN = 5  # of what was set aside: enough to see what is wrong with a file
MOST = 200  # characters of a reason
Numbered = tuple[int, dict[str, Any]]  # a record and the line, or row, that it stood in
Line = tuple[Numbered | None, BadLine | None]
PREFIX = "ingest:"


@dataclass
class Summary:
    """What came of it, over all files."""

    files: int = 0
    lines: int = 0
    events: int = 0
    duplicate: int = 0
    reports: int = 0
    skipped: int = 0  # lines read in an earlier run, or without anything for us
    bad: int = 0
    missing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # files of a form that we do not read, and why
    set_aside: list[dict[str, str]] = field(default_factory=list)  # the first of `bad`: position, field and reason

    def show(self, position: str, of: str, reason: str) -> None:
        if len(self.set_aside) < SHOWN:
            self.set_aside.append({"position": position, "field": of, "reason": _on_one_line(reason)})


def ingest_and_tell(paths: list[str], *, as_json: bool) -> int:
    """Ingest and print a summary; 1 when a file is missing or nothing in it could be read."""
    summary = Summary()
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} bytes"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for path in paths:
            if path != "-" and not Path(path).is_file():
                summary.missing.append(path)
                continue
            size = Path(path).stat().st_size if path != "-" else None
            task = progress.add_task(Path(path).name, total=size)
            try:
                _ingest(path, summary, lambda done, task=task: progress.update(task, completed=done))
            except (OSError, pa.ArrowException) as error:
                summary.refused.append(f"{path}: cannot be read: {' '.join(str(error).split())}")
    if as_json:
        print(json.dumps(asdict(summary)))
    else:
        _tell(summary)
    taken = summary.events + summary.reports + summary.skipped
    return int(bool(summary.missing or summary.refused) or (summary.bad > 0 and not taken))


def _tell(summary: Summary) -> None:
    print(
        f"{counted(summary.files, 'file')}, {counted(summary.lines, 'line')}: "
        f"{counted(summary.reports, 'player report')}, "
        f"{counted(summary.events, 'event')} ({summary.duplicate:,} known already), "
        f"{summary.skipped:,} skipped, {summary.bad:,} set aside in the quarantine"
    )
    for path in summary.missing:
        print(f"no such file: {path}", file=sys.stderr)
    for says in summary.refused:
        print(says, file=sys.stderr)
    if summary.set_aside:
        _tell_set_aside(summary)


def _tell_set_aside(summary: Summary) -> None:
    """The first lines that were set aside, and where all of them are."""
    first = f", the first {SHOWN}" if summary.bad > SHOWN else ""
    print(f"set aside{first}:", file=sys.stderr)
    for one in summary.set_aside:
        print(f"  {one['position']}: {one['field']}: {one['reason']}", file=sys.stderr)
    where = "`amends export quarantine`, and at the desk under /desk/quarantine, where they can be mended"
    print(f"All of them, once the worker has taken them in: {where}", file=sys.stderr)


def _on_one_line(text: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return shown if len(shown) <= MOST else f"{shown[:MOST]}…"


def _ingest(path: str, summary: Summary, advance: Any) -> None:
    """One file, a piece at a time; how far it got is kept under a fingerprint of how the file begins."""
    summary.files += 1
    lines = _records(path)
    head = list(islice(lines, HEAD))
    if head and all(wrong is not None for _, wrong in head):
        says = f"{path}: none of its first {counted(len(head), 'line')} can be read, nothing of it was taken"
        summary.refused.append(f"{says}; line {head[0][1].line}: {head[0][1].reason}")  # type: ignore[union-attr]
        return
    name = PREFIX + (_fingerprint(path) if path != "-" else f"stdin-{datetime.now(UTC).timestamp()}")
    read_to = steps.ingested_to(name, datetime.now(UTC))
    pieces = _pieces(chain(head, lines))
    for number, (records, bad, done) in enumerate(pieces, 1):
        summary.lines += done
        if number <= read_to:
            summary.skipped += done
            continue
        _land(path, records, bad, done, summary)
        steps.note_ingested(name, number, datetime.now(UTC))
        advance(number)


def _fingerprint(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.sha256(file.read(1 << 16) + str(Path(path).stat().st_size).encode()).hexdigest()


def _pieces(lines: Iterable[Line]) -> Iterator[tuple[list[Numbered], list[BadLine], int]]:
    """Records and bad lines, about two thousand lines at a time."""
    records: list[Numbered] = []
    bad: list[BadLine] = []
    count = 0
    for record, wrong in lines:
        count += 1
        if wrong is not None:
            bad.append(wrong)
        elif record is not None:
            records.append(record)
        if count >= PIECE:
            yield records, bad, count
            records, bad, count = [], [], 0
    if count:
        yield records, bad, count


def _records(path: str) -> Iterator[Line]:
    if path != "-" and Path(path).open("rb").read(4) == files.PARQUET:  # noqa: SIM115 - four bytes
        for number, row in enumerate(files.parquet_rows(path), 1):
            yield (number, row), None
        return
    reader: logs.LineReader | None = None
    broken: list[BadLine] = []
    with files.opened(path) as file:
        for number, line in files.numbered(path, file, broken.append):
            text = line.decode("utf-8", "replace")
            if not text.strip():
                continue
            reader = reader or (_event_or_log if text.lstrip().startswith("{") else logs.reader_for(text))
            try:
                record = reader(text)
                yield (number, record) if record is not None else None, None
            except json.JSONDecodeError as error:
                reason = f"line: no JSON: {error.msg} at character {error.pos + 1}"
                yield None, BadLine(number, reason, text.rstrip("\n"), path)
            except (Unreadable, ValueError) as error:
                yield None, BadLine(number, str(error), text.rstrip("\n"), path)
    for wrong in broken:
        yield None, wrong


def _event_or_log(line: str) -> dict[str, Any] | None:
    """A CloudEvent, one of our own request lines, or a server's JSON log line."""
    if '"specversion"' in line:
        found: dict[str, Any] = json.loads(line)
        return found
    return logs.read_json(line)


def _land(path: str, records: list[Numbered], bad: list[BadLine], count: int, summary: Summary) -> None:
    now = datetime.now(UTC)
    events = [one for one in records if "specversion" in one[1]]
    lines = [record for _, record in records if "specversion" not in record]
    if events:
        body = "\n".join(json.dumps(event) for _, event in events).encode()
        taken = door.take(body, lines=True, one=False, now=now, door="ingest")
        summary.events += taken.accepted
        summary.duplicate += taken.duplicate
        summary.bad += len(taken.refused)
        for one in taken.refused[:SHOWN]:
            summary.show(f"{path}:{events[one.index][0]}", one.field, one.reason)
    if lines:
        body = "\n".join(json.dumps(line, default=str) for line in lines).encode()
        door.log().append("lines", body, to_ms(now))
        summary.reports += len(lines)
    if bad:
        refused = [_refusal(wrong) for wrong in bad]
        door.log().append("refused", json.dumps(refused).encode(), to_ms(now))
        summary.bad += len(bad)
        for wrong in bad[:SHOWN]:
            of, _, reason = wrong.reason.partition(": ")
            summary.show(f"{wrong.file}:{wrong.line}", of if reason else "line", reason or of)
    summary.skipped += count - len(records) - len(bad)


def _refusal(wrong: BadLine) -> dict[str, str]:
    place = {"door": "ingest", "position": f"{wrong.file}:{wrong.line}", "field": wrong.reason.partition(":")[0]}
    return place | {"reason": wrong.reason, "raw": wrong.raw[:20_000]}
