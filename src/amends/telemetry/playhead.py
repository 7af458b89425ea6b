"""Where each playhead was: samples of it, one per telling request, in stretches of play without a seek.

A player that asks for the segment starting at media time S with `bl` seconds buffered has its playhead at S - bl. All
sessions are walked side by side, request by request.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amends.telemetry import groups
from amends.telemetry.ordered import Bools, Floats, Ints
from amends.telemetry.requests import Requests
from amends.telemetry.segments import Placed

ROUNDING_S = 0.5  # `bl` is sent in steps of 100 ms, and lags by a segment while one is being appended
FASTEST = 2.2  # viewers may watch at twice the speed
NOTHING_YET_S = 0.1  # the first request of a kind with no more than this says only that nothing of it is there


@dataclass
class Stretches:
    """Play without a seek, in order of session and time."""

    session: Ints
    opening: Bools  # it begins with the session
    began_at: Floats
    from_media: Floats


@dataclass
class Samples:
    """The playhead at one moment, and up to where media had been asked for; in order of stretch and time."""

    stretch: Ints
    at: Floats
    playhead: Floats
    frontier: Floats
    rate: Floats  # as told; NaN where it was not

    def __getitem__(self, rows: Ints | Bools) -> Samples:
        return Samples(*(values[rows] for values in vars(self).values()))


class _Walk:
    """What is known of each session at one step of the walk; slices `[:n]` are those that have a request left."""

    def __init__(self, requests: Requests, placed: Placed) -> None:
        self.requests, self.placed = requests, placed
        self.order, self.steps = groups.lanes(requests.first, requests.last)
        lanes, rows = len(self.order), len(requests.session)
        self.frontiers = np.full((3, lanes), np.nan)
        self.from_media = np.full(lanes, np.nan)  # NaN before the first stretch
        self.last_at = np.full(lanes, np.nan)  # of the stretch's last sample
        self.last_playhead = np.full(lanes, np.nan)
        self.born = np.zeros(rows, np.bool_)  # a stretch begins with this request
        self.late = np.zeros(rows, np.bool_)  # … and there was one before it, be it empty
        self.playhead = np.full(rows, np.nan)  # where the request is a sample
        self.frontier = np.full(rows, np.nan)

    def run(self) -> None:
        for alive, rows in self.steps:
            self._step(alive, rows)

    def _step(self, n: int, rows: Ints) -> None:
        requests, lane = self.requests, np.arange(n)
        at, start, kind = requests.at[rows], self.placed.start[rows], requests.kind[rows]
        length, buffer, failed = self.placed.length[rows], requests.buffer[rows], requests.failed[rows]
        ahead = np.where(np.isnan(buffer), 0.0, buffer)
        unborn = np.isnan(self.from_media[:n])
        heard = ~failed | ((ahead > 0) & ~unborn)  # of a failed request only its buffer tells something
        opens = unborn & heard
        self.from_media[:n][opens] = start[opens]
        reached = self.frontiers[kind, lane]
        playhead, jumped = self._placed_playheads(n, at, start, length, buffer, reached)
        jumped &= heard
        self._begin_again(jumped, start)
        playhead[jumped] = (start - ahead)[jumped]
        advanced = np.flatnonzero(heard & ~failed)
        kinds = kind[advanced]
        self.frontiers[kinds, advanced] = np.fmax(self.frontiers[kinds, advanced], start[advanced])
        frontier = np.fmin.reduce(self.frontiers[:, :n])
        empty_yet = (np.isnan(reached) | jumped) & (buffer <= NOTHING_YET_S)
        sample = np.flatnonzero(heard & ~np.isnan(frontier) & ~np.isnan(buffer) & ~empty_yet)
        self.last_at[sample], self.last_playhead[sample] = at[sample], playhead[sample]
        self.born[rows], self.late[rows] = opens | jumped, jumped
        self.playhead[rows[sample]], self.frontier[rows[sample]] = playhead[sample], frontier[sample]

    def _begin_again(self, jumped: Bools, start: Floats) -> None:
        """A seek: nothing is known any more."""
        lanes = np.flatnonzero(jumped)
        self.from_media[lanes] = start[lanes]
        self.frontiers[:, lanes] = np.nan
        self.last_at[lanes] = self.last_playhead[lanes] = np.nan

    def _placed_playheads(
        self, n: int, at: Floats, start: Floats, length: Floats, buffer: Floats, reached: Floats
    ) -> tuple[Floats, Bools]:
        """Where the playheads are as these requests tell it, and where only a seek explains them.

        A request for media that was asked for before is a better copy of what is buffered (then the buffer ends where
        the last new segment ended) or a seek back.
        """
        silent, last = np.isnan(buffer), self.last_playhead[:n]
        ahead = np.where(silent, 0.0, buffer)
        playhead = np.where(silent & ~np.isnan(last), last, start - ahead)
        every = np.arange(n)
        jumped = self._impossible(every, at, length, playhead)
        again = np.flatnonzero(~(np.isnan(reached) | silent | (start >= reached + 0.5 * length)))
        if len(again):
            ends = (start[again], reached[again], reached[again] + length[again])
            candidates = np.stack([end - ahead[again] for end in ends])
            known = ~np.isnan(last[again])
            expected = np.where(known, last[again] + (at - self.last_at[:n])[again], self.from_media[again])
            far = np.abs(candidates - expected)
            for candidate, distance in zip(candidates, far, strict=True):
                distance[self._impossible(again, at[again], length[again], candidate)] = np.inf
            best = far.argmin(axis=0)
            playhead[again] = candidates[best, np.arange(len(again))]
            jumped[again] = np.isinf(far).all(axis=0)
        return playhead, jumped

    def _impossible(self, lanes: Ints, at: Floats, length: Floats, playhead: Floats) -> Bools:
        """Further back, or further ahead, than play can have brought it: more than a segment and rounding."""
        slack = length + ROUNDING_S
        moved, passed = playhead - self.last_playhead[lanes], at - self.last_at[lanes]
        unknown = np.isnan(moved)
        before = unknown & (playhead < self.from_media[lanes] - slack / 2)
        impossible: Bools = before | (moved < -slack) | (moved > FASTEST * passed + slack)
        return impossible


def follow(requests: Requests, placed: Placed) -> tuple[Stretches, Samples]:
    """Cut sessions at seeks, where the playhead is not where time alone would have brought it."""
    walk = _Walk(requests, placed)
    walk.run()
    born = np.flatnonzero(walk.born)
    session = requests.session[born]
    opening = ~walk.late[born] & (np.diff(session, prepend=-1) != 0)
    stretches = Stretches(session, opening, requests.at[born], placed.start[born])
    told = np.flatnonzero(~np.isnan(walk.playhead))
    stretch = np.cumsum(walk.born)[told] - 1
    return stretches, Samples(stretch, requests.at[told], walk.playhead[told], walk.frontier[told], requests.rate[told])
