"""One session id used for more than one attempt: a silence, and then a start anew. The last attempt is judged."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from amends.telemetry.ordered import Bools, Floats, Ints, Ordered, order
from amends.telemetry.states import PLAY, STARTUP, Runs, S

QUIET_MS = 2 * 60_000  # a session closes after a minute of silence; a start behind this one is another attempt
BREAK_MS = 30 * 60_000  # a wait through so long a silence is not believed
AROUND = 8  # reports after a silence that are looked at for a start
FIRST_NUMBERS = 1


def last_of_each(ordered: Ordered) -> tuple[Ordered, Bools]:
    """The reports of each session's last attempt, and the sessions whose reports break off for long all the same."""
    places = _after_silence(ordered, QUIET_MS)
    broken = np.zeros(ordered.sessions, np.bool_)
    if not len(places):
        return ordered, broken
    begins = np.zeros(ordered.sessions, np.int64)
    anew = places[_starts_anew(ordered, places)]
    np.maximum.at(begins, ordered.session[anew], anew)
    keep = np.arange(len(ordered.session)) >= begins[ordered.session]
    if not keep.all():
        rows = np.sort(ordered.order[keep])
        ordered = order(ordered.reports.take(pa.array(rows)))
    broken[ordered.session[_after_silence(ordered, BREAK_MS)]] = True
    return ordered, broken


def _after_silence(ordered: Ordered, longer_ms: int) -> Ints:
    """Places of reports that come after so long a silence of their session."""
    late = np.flatnonzero(np.diff(ordered.at) > longer_ms) + 1
    places: Ints = late[ordered.session[late] == ordered.session[late - 1]]
    return places


def _starts_anew(ordered: Ordered, places: Ints) -> Bools:
    """Whether what follows is a start: its state, or numbers that begin again; after very long also `su`.

    `su` alone is no start: players send it after seeks and stalls as well.
    """
    rows = places[:, None] + np.arange(AROUND)
    there = rows < len(ordered.session)
    rows = np.minimum(rows, len(ordered.session) - 1)
    there &= ordered.session[rows] == ordered.session[places][:, None]
    there &= ordered.at[rows] - ordered.at[places][:, None] < QUIET_MS
    long = ordered.at[places] - ordered.at[places - 1] > BREAK_MS
    starting = (ordered.column("state")[rows] == S) | ((ordered.column("starting")[rows] == 1) & long[:, None])
    number, before = ordered.column("sequence")[rows], ordered.column("sequence")[places - 1]
    again = (number >= 0) & (number <= FIRST_NUMBERS) & ((before < 0) | (before > FIRST_NUMBERS))[:, None]
    found: Bools = (there & (starting | again)).any(axis=1)
    return found


def begun_at_once(runs: Runs, first_play: Ints, played: Bools) -> Runs:
    """Runs whose time line begins with the attempt: what came before the first word of a state was startup."""
    first = np.flatnonzero(np.diff(runs.session, prepend=-1))
    late = first[(runs.since[first] > 0) & played[runs.session[first]]]
    since = runs.since.copy()
    since[late[runs.kind[late] == STARTUP]] = 0
    silent = late[(runs.kind[late] == PLAY) & (runs.since[late] == first_play[runs.session[late]])]
    columns = (runs.session, runs.kind, since, runs.until)
    added = (runs.session[silent], np.full(len(silent), STARTUP), np.zeros(len(silent), np.int64), since[silent])
    return Runs(*(np.insert(column, silent, new) for column, new in zip(columns, added, strict=True)))


def cut_startup(runs: Runs, session: Bools, startup_ms: Floats) -> Runs:
    """Runs of these sessions with no more startup than is claimed."""
    shorter = session[runs.session] & (runs.kind == STARTUP)
    if not shorter.any():
        return runs
    until = np.where(shorter, np.minimum(runs.until, np.nan_to_num(startup_ms)[runs.session]), runs.until)
    keep = until > runs.since
    return Runs(runs.session[keep], runs.kind[keep], runs.since[keep], until[keep].astype(np.int64))
