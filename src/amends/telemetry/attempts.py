"""One session id used for more than one attempt: a long silence, and then a start anew. The last attempt is judged."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from amends.telemetry.ordered import Bools, Floats, Ints, Ordered, order
from amends.telemetry.states import PLAY, STARTUP, Runs, S

BREAK_MS = 30 * 60_000
AROUND = 8  # reports after a silence that are looked at for a start
FIRST_NUMBERS = 1


def last_of_each(ordered: Ordered) -> tuple[Ordered, Bools]:
    """The reports of each session's last attempt, and the sessions whose reports break off for longer all the same."""
    places = _breaks(ordered)
    if not len(places):
        return ordered, np.zeros(ordered.sessions, np.bool_)
    begins = np.zeros(ordered.sessions, np.int64)
    anew = places[_starts_anew(ordered, places)]
    np.maximum.at(begins, ordered.session[anew], anew)
    keep = np.arange(len(ordered.session)) >= begins[ordered.session]
    if not keep.all():
        rows = np.sort(ordered.order[keep])
        ordered = order(ordered.reports.take(pa.array(rows)))
        places = _breaks(ordered)
    broken = np.zeros(ordered.sessions, np.bool_)
    broken[ordered.session[places]] = True
    return ordered, broken


def _breaks(ordered: Ordered) -> Ints:
    """Places of reports that come after a long silence of their session."""
    late = np.flatnonzero(np.diff(ordered.at) > BREAK_MS) + 1
    places: Ints = late[ordered.session[late] == ordered.session[late - 1]]
    return places


def _starts_anew(ordered: Ordered, places: Ints) -> Bools:
    """Whether what follows is a start: its state, a request that names itself one, or numbers that begin again."""
    rows = places[:, None] + np.arange(AROUND)
    there = rows < len(ordered.session)
    rows = np.minimum(rows, len(ordered.session) - 1)
    there &= ordered.session[rows] == ordered.session[places][:, None]
    there &= ordered.at[rows] - ordered.at[places][:, None] < BREAK_MS
    starting = (ordered.column("state")[rows] == S) | (ordered.column("starting")[rows] == 1)
    number = ordered.column("sequence")[rows]
    again = (
        (number >= 0) & (number <= FIRST_NUMBERS) & (ordered.column("sequence")[places - 1] > FIRST_NUMBERS)[:, None]
    )
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
