"""Landing segments changed in place: nothing moves, and a kill at any moment leaves all of it old or all of it new."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amends.signals import rewriting
from amends.signals.landing import Landed, Log, read

CALLS = ("pwrite", "fsync", "fdatasync", "rename", "unlink", "utime")


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    log = Log(tmp_path)
    for number in range(6):
        log.append("lines", b'{"who": "ada", "n": %d}' % number, 1000 + number)
    return next(tmp_path.glob("*.landing"))


def bodies(path: Path) -> list[bytes]:
    return [landed.body.rstrip() for landed in read(path, 0, 2**40)]


def without_ada(landed: Landed) -> bytes:
    return landed.body.replace(b"ada", b"") if landed.received_ms % 2 else landed.body


def rewrite(path: Path) -> None:
    with rewriting.alone(path.parent):
        rewriting.apply(path, rewriting.patches(path, without_ada))


OLD = [b'{"who": "ada", "n": %d}' % number for number in range(6)]
NEW = [b'{"who": "%s", "n": %d}' % (b"" if number % 2 else b"ada", number) for number in range(6)]


def test_records_change_where_they_stand_and_offsets_stay(segment: Path) -> None:
    before = [landed.next_offset for landed in read(segment, 0, 2**40)]
    rewrite(segment)

    assert bodies(segment) == NEW
    assert [landed.next_offset for landed in read(segment, 0, 2**40)] == before
    assert [landed.received_ms for landed in read(segment, 0, 2**40)] == list(range(1000, 1006))


def test_whoever_writes_the_segment_goes_on_behind(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append("lines", OLD[1], 1)
    path = next(tmp_path.glob("*.landing"))
    rewrite(path)
    log.append("lines", b"further", 2)

    assert bodies(path) == [NEW[1], b"further"]


def test_a_record_that_would_become_longer_is_refused_before_anything_is_written(segment: Path) -> None:
    with pytest.raises(ValueError, match="longer"):
        rewriting.patches(segment, lambda landed: landed.body + b"!")

    assert bodies(segment) == OLD


def test_a_kill_at_any_moment_leaves_it_whole_once_somebody_has_come_by(segment: Path) -> None:
    original, moment, ended = segment.read_bytes(), 0, False
    while not ended:
        moment += 1
        segment.write_bytes(original)
        ended = _dies_at(moment, segment)
        with rewriting.alone(segment.parent):
            pass
        assert bodies(segment) in (OLD, NEW), moment
        rewrite(segment)
        assert bodies(segment) == NEW, moment
        assert not rewriting.left_behind(segment.parent)
    assert moment > 8  # every call was a moment to die at


def _dies_at(moment: int, path: Path) -> bool:
    """Rewrite in a process that is killed in the middle of its n-th call that changes a file; whether it lived."""
    child = os.fork()
    if child == 0:
        count = [0]
        for name in CALLS:
            setattr(os, name, _deadly(getattr(os, name), count, moment))
        rewrite(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGKILL
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def _deadly(call: Callable[..., Any], count: list[int], moment: int) -> Callable[..., Any]:
    def maybe(*given: Any, **named: Any) -> Any:
        count[0] += 1
        if count[0] == moment:
            if call is pwrite:
                pwrite(given[0], bytes(given[1])[: len(given[1]) // 2], given[2])  # half of it arrives
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **named)

    return maybe


pwrite = os.pwrite


def test_a_damaged_redo_log_is_not_written_into_a_segment(segment: Path) -> None:
    segment.with_name(segment.name + rewriting.REDO).write_bytes(b"nonsense")

    with pytest.raises(ValueError, match="damaged"), rewriting.alone(segment.parent):
        pass
    assert bodies(segment) == OLD


def test_what_the_writer_has_taken_back_is_not_written_behind_the_end(segment: Path) -> None:
    changes = rewriting.patches(segment, without_ada)
    os.truncate(segment, changes[-1][0] + 3)
    rewriting.apply(segment, changes)

    assert segment.stat().st_size == changes[-1][0] + 3
    assert bodies(segment) == NEW[:5]
