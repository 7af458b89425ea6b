"""The story loop: each room in turn pulls from the rooms before it; stopping anywhere loses nothing."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event

from django.conf import settings
from django.db import close_old_connections

import amends.closure.steps
import amends.failures.repairs
import amends.failures.steps
import amends.ground.clock
import amends.incidents.steps
import amends.notices.digests
import amends.notices.reporting
import amends.notices.steps
import amends.notices.templates
import amends.promises.files
import amends.recoveries.files
import amends.remedies.reversing
import amends.remedies.steps
import amends.reports.album
import amends.reports.clusters
import amends.reports.forwarding
import amends.reports.risking
import amends.reports.scoreboard
import amends.reports.steps
import amends.signals.steps
from amends.ground import trouble
from amends.notices.records import Finding
from amends.worker import erasing, fetching, news, tidying

log = logging.getLogger("amends.worker")
Step = Callable[[datetime], int]

STORY: Sequence[Step] = (
    erasing.go_on,
    amends.signals.steps.absorb,
    amends.signals.steps.view,
    amends.reports.album.make_waiting,
    amends.reports.steps.accept_pending,
    amends.reports.steps.go_on,
    amends.reports.forwarding.send,
    amends.reports.forwarding.settle,
    fetching.go_on,
    amends.reports.scoreboard.keep_up,
    amends.reports.clusters.follow,
    amends.reports.risking.reckon,
    amends.failures.steps.judge,
    amends.failures.steps.take_observed,
    amends.failures.repairs.take,
    amends.incidents.steps.gather,
    amends.incidents.steps.settle,
    amends.remedies.steps.make_right,
    amends.remedies.steps.settle,
    amends.remedies.reversing.settle,
    amends.notices.steps.compose,
    amends.notices.steps.reconsider,
    amends.notices.digests.write,
    amends.notices.reporting.tell,
    amends.closure.steps.follow_up,
    tidying.go_on,
)
# What landed before a turn began has been read when these come to their turn; of what landed since, nobody is sure.
AS_OF_THE_BEGINNING = (amends.incidents.steps.settle,)
IDLE_MARK = "story-idle"
TROUBLE_S = 2.0


def clock() -> datetime:
    return amends.ground.clock.now()


def turn(now: datetime | None = None) -> int:
    """Let every room do its part once; the number of things that changed."""
    began, changed = now or clock(), 0
    for step in STORY:
        changed += step(began if step in AS_OF_THE_BEGINNING else now or clock())
    return changed


def run(stop: Event, still_held: Callable[[], bool]) -> None:
    """Turn until told to stop or the story is lost; an error in one turn is logged and the next tries again."""
    amends.signals.steps.open_reports.cache_clear()  # another worker may have gone on since we last looked
    var, failing = settings.AMENDS.var, True
    while not stop.is_set() and still_held():
        close_old_connections()
        try:
            look_at_files()
            began, before = time.time(), news.mark()
            changed = turn()
            if failing:
                trouble.note_success(var)
            failing = False
            if not changed:
                _note_idle(var, began)
                news.wait(stop, before)
        except Exception as error:
            log.exception("a turn of the story failed; nothing is lost, it is tried again")
            trouble.note_failure(var, error, clock())
            failing = True
            stop.wait(TROUBLE_S)


def _note_idle(var: Path, began: float) -> None:
    """Leave word that a turn which began at this moment found nothing to do in any room."""
    mark = var / IDLE_MARK
    mark.touch()
    os.utime(mark, (began, began))


def last_idle(var: Path) -> float | None:
    """When the last turn that found nothing to do began; None where no worker beside this directory has told."""
    try:
        return (var / IDLE_MARK).stat().st_mtime
    except FileNotFoundError:
        return None


def look_at_files() -> None:
    """Read promises, policies and notices where they have changed, so that a mistake in them is told at once."""
    directory = settings.AMENDS.directory
    amends.promises.files.in_use(directory)
    amends.recoveries.files.in_use(directory)
    _, findings = amends.notices.templates.read_all(directory)
    _tell_once(tuple(finding for finding in findings if finding.severity == "error"))


_told: list[tuple[Finding, ...]] = [()]


def _tell_once(findings: tuple[Finding, ...]) -> None:
    for finding in findings if findings != _told[0] else ():
        where = {"file": finding.file, "line": finding.line, "hint": finding.hint}
        log.error(f"a notice cannot be used: {finding.rule} {finding.text}".rstrip(), extra=where)
    _told[0] = findings


def run_until_idle(deliver_once: Callable[[datetime], int], deadline: float) -> bool:
    """Turn story and delivery by turns until neither changes anything; False when time ran out first."""
    while time.monotonic() < deadline:
        if not turn() + deliver_once(clock()):
            return True
    return False
