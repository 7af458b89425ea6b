"""Which piece of the film a request asked for: media time from segment numbers, durations and order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amends.telemetry import groups
from amends.telemetry.ordered import Bools, Floats, Ints
from amends.telemetry.requests import AUDIO, Requests

USUAL_S = 2.0  # length of a segment where no request names one
ONE_PATH = 2  # names: as many as one video and one audio file that are asked for by byte ranges


@dataclass
class Placed:
    """Seconds of the film at which each requested segment begins, its length, and which sessions number theirs."""

    start: Floats
    length: Floats
    numbered: Bools


def place(requests: Requests, sessions: int) -> Placed:
    """Give every request its media time; where paths do not count, their order has to stand in for numbers."""
    session, number = requests.session, requests.number
    typical = _typical_durations(requests, sessions)
    length = np.where(np.isnan(requests.duration), typical[session], requests.duration)
    step = _steps(requests, sessions)
    step[session[number < 0]] = np.nan
    lowest = np.full(sessions, np.iinfo(np.int64).max)
    np.minimum.at(lowest, session, number)
    with np.errstate(invalid="ignore", over="ignore"):
        start = (number - lowest[session]) / step[session] * typical[session]
    by_order = np.flatnonzero(np.isnan(start))
    if len(by_order):
        start[by_order] = _by_order(requests, by_order, length[by_order])
    return Placed(start, length, ~np.isnan(step))


def _typical_durations(requests: Requests, sessions: int) -> Floats:
    """The usual segment length; video's where it is known, since audio frames do not divide evenly."""
    known = ~np.isnan(requests.duration)
    found = np.full(sessions, np.nan)
    for wanted in (known & (requests.kind != AUDIO), known & (requests.kind == AUDIO)):
        rows = np.flatnonzero(wanted & np.isnan(found)[requests.session])
        medians = groups.medians(requests.duration[rows], requests.session[rows], sessions)
        found = np.where(np.isnan(found), medians, found)
    return np.where(np.isnan(found), USUAL_S, found)


def _steps(requests: Requests, sessions: int) -> Floats:
    """By how much the number grows from one segment to the next: 1, or ticks where names carry time; NaN unknown."""
    rows = np.flatnonzero(requests.number >= 0)
    session, number, lane = (
        requests.session[rows],
        requests.number[rows],
        requests.session[rows] * 3 + requests.kind[rows],
    )
    order = np.lexsort((number, lane))
    session, number, lane = session[order], number[order], lane[order]
    grown = np.diff(number)
    grows = np.flatnonzero((grown > 0) & (lane[1:] == lane[:-1]))
    owner, by = session[1:][grows], grown[grows].astype(np.float64)
    least = np.full(sessions, np.inf)
    np.minimum.at(least, owner, by)
    many = least[owner] > 1
    found = np.where(least == 1, 1.0, groups.medians(by[many], owner[many], sessions))
    single = np.isinf(least) & _all_one(requests, sessions)
    return np.where(single, 1.0, found)


def _all_one(requests: Requests, sessions: int) -> Bools:
    """Sessions that asked for one number only, under one name for each kind of media."""
    session, number = requests.session, requests.number
    first = np.full(sessions, -1)
    first[session[requests.first]] = number[requests.first]
    one = ~groups.any_of(number != first[session], session, sessions) & (first >= 0)
    rows = np.flatnonzero(one[session])
    names = _distinct(session[rows], requests.path[rows], sessions)
    same: Bools = names == _distinct(session[rows], requests.kind[rows], sessions)
    return one & same


def _distinct(session: Ints, what: Ints, sessions: int) -> Ints:
    """How many different values each session has."""
    pairs = np.unique(session << 32 | what)
    return np.bincount(pairs >> 32, minlength=sessions)


def _by_order(requests: Requests, rows: Ints, length: Floats) -> Floats:
    """Without numbers each new path, or each request of one path, is taken for the next segment."""
    session, kind, path = requests.session[rows], requests.kind[rows], requests.path[rows]
    one_path = _distinct(session, path, int(session[-1]) + 1)[session] <= ONE_PATH
    _, earliest, name = np.unique((session * 3 + kind) << 32 | path, return_index=True, return_inverse=True)
    counts = one_path.copy()
    counts[earliest] = True
    lane = np.argsort(session * 3 + kind, kind="stable")
    until = np.cumsum(np.where(counts, length, 0.0)[lane])
    since = np.append(0.0, until[:-1])
    first = groups.firsts((session * 3 + kind)[lane])
    lane_starts = np.repeat(since[first], np.diff(np.append(first, len(lane))))
    start = np.empty(len(rows))
    start[lane] = since - lane_starts
    start[~counts] = start[earliest[name[~counts]]]
    return start
