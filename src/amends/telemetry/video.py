"""`amends assess video`: play sessions from files, without a server or a database."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from amends.ground.counts import counted
from amends.ground.moments import format_moment, from_ms
from amends.telemetry import files
from amends.telemetry.cmcd import CmcdSettings
from amends.telemetry.reading import DEFAULT, BadLine, OnBad
from amends.telemetry.spill import Reports

LINE = (
    *("session_id", "customer_id", "started_at", "startup_s", "stall_count", "stall_s", "watched_s", "played_s"),
    *("bitrate_kbps_mean", "switches", "failed_start", "exited_before_start", "playback_failed", "score", "method"),
    *("confidence", "spans"),
)
SHOWN_BAD = 5
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def assess_files(
    paths: Iterable[str], *, on_bad: OnBad, settings: CmcdSettings = DEFAULT, progress: Progress | None = None
) -> pa.Table:
    """All sessions of all files, a session's reports gathered from wherever they stand."""
    with Reports() as reports:
        for path in paths:
            task = progress.add_task(path, total=None) if progress else None
            for table in files.read_file(path, settings=settings, on_bad=on_bad):
                reports.add(table)
                if progress and task is not None:
                    progress.advance(task, table.num_rows)
        return reports.sessions()


def lines(sessions: pa.Table) -> Iterator[dict[str, Any]]:
    """One record per session, with the fields of the outside contract in their order."""
    for row in sessions.to_pylist():
        row["started_at"] = format_moment(from_ms(row["started_at_ms"]))
        yield {name: row[name] for name in LINE}


def assess_video(paths: list[str], format_: str, output: str | None) -> int:
    """Assess, write, and say on stderr what was set aside; 1 when nothing could be read, 2 on a wrong call."""
    if format_ not in ("jsonl", "table", "parquet"):
        print(f"amends assess video: format {format_!r} is unknown; use jsonl, table or parquet", file=sys.stderr)
        return 2
    missing = [path for path in paths if path != "-" and not Path(path).is_file()]
    if missing:
        print(f"amends assess video: no such file: {', '.join(missing)}", file=sys.stderr)
        return 2
    if output and (wrong := _unwritable(Path(output))):
        print(f"amends assess video: {output} cannot be written: {wrong}", file=sys.stderr)
        return 2
    _keep_memory()
    bad: list[BadLine] = []
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,} reports"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        sessions = assess_files(paths, on_bad=bad.append, progress=progress)
    _tell_bad(bad)
    _write(sessions, format_, output)
    return 0 if sessions.num_rows or not bad else 1


def _unwritable(path: Path) -> str:
    """Why a file cannot be written there, before anything is reckoned; '' when it can."""
    if path.is_dir():
        return "it is a directory"
    if not path.absolute().parent.is_dir():
        return "there is no such directory"
    return "" if os.access(path if path.exists() else path.absolute().parent, os.W_OK) else "no right to"


def _keep_memory() -> None:
    """Let this process keep what it frees: giving pages back and asking for them again cost a sixth of a large log."""
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc has it, musl has not
            for what in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
                libc.mallopt(what, 1 << 30)


def _tell_bad(bad: list[BadLine]) -> None:
    if not bad:
        return
    print(f"{counted(len(bad), 'line')} set aside:", file=sys.stderr)
    for line in bad[:SHOWN_BAD]:
        print(f"  {line.file}:{line.line}: {line.reason}", file=sys.stderr)
    if len(bad) > SHOWN_BAD:
        print(f"  … and {len(bad) - SHOWN_BAD} more", file=sys.stderr)


def _write(sessions: pa.Table, format_: str, output: str | None) -> None:
    if format_ == "parquet":
        _write_parquet(sessions, output)
    elif format_ == "table":
        Console(file=open(output, "w", encoding="utf-8") if output else None).print(_table(sessions))  # noqa: SIM115
    else:
        text = msgspec.json.Encoder().encode_lines(lines(sessions))
        if output:
            Path(output).write_bytes(text)
        else:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()


def _write_parquet(sessions: pa.Table, output: str | None) -> None:
    if output:
        pq.write_table(sessions, output, compression="zstd")
        return
    sink = pa.BufferOutputStream()
    pq.write_table(sessions, sink, compression="zstd")
    sys.stdout.buffer.write(sink.getvalue())


def _table(sessions: pa.Table) -> Table:
    """One line a session, in 80 columns too: what is too long is the id, and of that the beginning tells enough."""
    table = Table(box=None, header_style="bold", pad_edge=False, caption="start, stalled and played in seconds")
    table.add_column("session", min_width=8)
    for name in ("start", "stalls", "stalled", "played", "kbit/s", "verdict", "method", "sure"):
        table.add_column(name, justify="left" if name in ("verdict", "method") else "right", no_wrap=True)
    for row in sessions.to_pylist():
        numbers = ("startup_s", "stall_count", "stall_s", "played_s", "bitrate_kbps_mean")
        shown = ["–" if row[name] is None else f"{row[name]:,.1f}".removesuffix(".0") for name in numbers]
        shown_id = Text(row["session_id"], no_wrap=True, overflow="ellipsis")
        table.add_row(shown_id, *shown, _verdict(row), row["method"], f"{row['confidence']:.0%}")
    return table


def _verdict(row: dict[str, Any]) -> str:
    if row["failed_start"]:
        return "[red]never started[/]"
    if row["playback_failed"]:
        return "[red]broke off[/]"
    if row["exited_before_start"]:
        return "[yellow]left waiting[/]"
    if row["stall_s"]:
        return "[yellow]stalled[/]"
    return "[dim]not known[/]" if row["confidence"] < 0.5 else "played"
