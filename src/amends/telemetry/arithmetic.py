"""Buffer arithmetic: what viewers lived through, from the requests of their players alone.

Time that passes while the playhead does not move is lost; it was a stall when the playhead stands where the buffered
media end, and a pause when there was still something to play. Measured against the <video> element of three players:
within 1.5 s in 13 of 13 recordings, where the players' own flags were right for one of three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amends.telemetry import groups
from amends.telemetry.ordered import Bools, Floats, Ints
from amends.telemetry.playhead import Samples, Stretches, follow
from amends.telemetry.requests import Requests
from amends.telemetry.segments import Placed
from amends.telemetry.states import PAUSE, PLAY, SEEK, STALL, STARTUP

KNOWN_RATES = np.array((1.25, 1.5, 1.75, 2.0))
AT_THE_END_S = 0.5  # players stop a little before their buffer is empty
SHORTEST_STALL_S = 0.3
SHORTEST_PAUSE_S = 1.0
SHORTEST_LOSS_S = 0.1
ONE_BREAK_S = 0.5  # breaks of a kind that are nearer than this are one
NOISE_S = 1e-6  # of floating point: times are told in milliseconds, so much that is compared is equal
MOVED_S = 0.25  # the playhead has moved: something played
AROUND = 4  # samples on each side that tell the speed of play
FASTER = 1.15  # media clocks were seen up to 5 % slow, mostly 1 to 2 %
LAST = (1 << 20) - 1  # the place of a stretch's last span
Piece = tuple[Ints, Ints, Floats, Floats]  # place (stretch << 20 | which), kind, from, to


@dataclass
class Spans:
    """Pieces of time lines, in order of session and time: index into SPAN_KINDS, from and to in seconds."""

    session: Ints
    kind: Ints
    since: Floats
    until: Floats

    def __getitem__(self, rows: Ints | Bools) -> Spans:
        return Spans(*(values[rows] for values in vars(self).values()))


@dataclass
class Lived:
    """What the arithmetic found of each session; seconds since the attempt, NaN where it is not known."""

    startup_s: Floats
    played: Bools  # the playhead was seen to move
    reached_end: Bools
    spans: Spans


def live(requests: Requests, placed: Placed, sessions: int) -> Lived:
    """Reckon startup, stalls, pauses and seeks of every session from its requests for media."""
    stretches, samples = follow(requests, placed)
    start = _from_media(stretches, samples)
    # a `bl` that lags shows the playhead too far ahead, never too far back: later samples correct earlier ones
    samples.playhead = groups.lowest_from_here(samples.playhead, samples.stretch)
    moving = samples[samples.playhead > start[samples.stretch] + MOVED_S]
    lost, first = _lost(moving), groups.firsts(moving.stretch)
    told = moving.stretch[first]
    began = np.full(len(start), np.nan)
    began[told] = np.maximum(lost[first] + start[told], stretches.began_at[told])
    session, opening = stretches.session[told], stretches.opening[told]
    startup = np.full(sessions, np.nan)
    startup[session[opening]] = began[told][opening]
    played = groups.any_of(np.ones(len(told), np.bool_), session, sessions)
    ending = _ending(stretches, samples, _media_ends(requests, placed, sessions), played)
    spans = _ordered([*_play(moving, lost, began), *_before(stretches, moving, began), ending], stretches.session)
    reached_end = groups.any_of(ending[1] == PLAY, stretches.session[ending[0] >> 20], sessions)
    return Lived(startup, played, reached_end, spans)


def _ordered(pieces: list[Piece], session: Ints) -> Spans:
    place, kind, since, until = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.argsort(place, kind="stable")
    return Spans(session[place[order] >> 20], kind[order], since[order], until[order])


def _from_media(stretches: Stretches, samples: Samples) -> Floats:
    """Media time at which each stretch began: where the playhead stood while something was already buffered."""
    first = groups.firsts(samples.stretch)
    last = groups.lasts(first, len(samples.stretch))
    early = np.minimum.reduce([samples.playhead[np.minimum(first + k, last)] for k in range(3)])
    start, known = stretches.from_media.copy(), samples.stretch[first]
    start[known] = np.maximum(start[known], early)
    return start


def _rates(samples: Samples, index: Ints, first: Ints, last: Ints) -> Floats:
    """Speed of play around samples: as told, else as the playhead moves where it outruns the clock."""
    low, high = np.maximum(index - AROUND, first), np.minimum(index + AROUND, last)
    passed = samples.at[high] - samples.at[low]
    moved = samples.playhead[high] - samples.playhead[low]
    slope = np.divide(moved, passed, out=np.ones(len(index)), where=passed >= 3.0)
    rate = np.ones(len(index))
    fast = np.flatnonzero(slope >= FASTER)
    rate[fast] = KNOWN_RATES[np.abs(KNOWN_RATES[:, None] - slope[fast]).argmin(axis=0)]
    told = samples.rate[index]
    return np.where(np.isnan(told), rate, np.maximum(told, 0.1))


def _lost(samples: Samples) -> Floats:
    """Time on the clock less time played, up to each sample; only ever grows (later samples correct earlier ones)."""
    rows = len(samples.at)
    first = groups.firsts(samples.stretch)
    spread = np.diff(np.append(first, rows))
    begins = np.repeat(first, spread)
    rate = _rates(samples, np.arange(rows), begins, np.repeat(groups.lasts(first, rows), spread))
    raw = np.diff(samples.at, prepend=0.0) - np.diff(samples.playhead, prepend=0.0) / rate
    raw[first] = 0.0
    raw = np.cumsum(raw)
    raw += (samples.at[first] - samples.playhead[first] - raw[first]).repeat(spread)
    return groups.lowest_from_here(raw, samples.stretch)


def _breaks(samples: Samples, lost: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Runs of lost time, as stretch, kind, from and to: a stall where the buffer had run out, else a pause."""
    lost = np.diff(lost, prepend=0.0)
    same = np.diff(samples.stretch, prepend=-1) == 0
    later = np.flatnonzero(same & (lost > SHORTEST_LOSS_S - NOISE_S))
    earlier, gone = later - 1, lost[later]
    playhead, frontier = samples.playhead, samples.frontier[earlier]
    ran_dry = playhead[later] >= frontier - AT_THE_END_S - NOISE_S
    reached = np.where(ran_dry, np.maximum(playhead[earlier], frontier), np.maximum(playhead[earlier], 0.0))
    played_after = np.maximum(0.0, playhead[later] - reached)
    passed = samples.at[later] - samples.at[earlier]
    until = samples.at[later] - np.where(ran_dry, np.minimum(played_after, passed - gone), 0.0)
    since = np.maximum(until - gone, samples.at[earlier])
    stretch, kind = samples.stretch[later], np.where(ran_dry, STALL, PAUSE)
    new = np.ones(len(later), np.bool_)
    new[1:] = (stretch[1:] != stretch[:-1]) | (kind[1:] != kind[:-1]) | (since[1:] - until[:-1] > ONE_BREAK_S - NOISE_S)
    first = np.flatnonzero(new)
    return stretch[first], kind[first], since[first], until[groups.lasts(first, len(later))]


def _play(samples: Samples, lost: Floats, began: Floats) -> list[Piece]:
    """Play from its beginning to the last sample, broken where time was lost."""
    stretch, kind, since, until = _breaks(samples, lost)
    since = np.maximum(since, began[stretch])
    long = until - since > np.where(kind == STALL, SHORTEST_STALL_S, SHORTEST_PAUSE_S) - NOISE_S
    stretch, kind, since, until = stretch[long], kind[long], since[long], until[long]
    first = np.diff(stretch, prepend=-1) != 0
    index = np.arange(len(stretch)) - np.flatnonzero(first).repeat(
        np.diff(np.append(np.flatnonzero(first), len(stretch)))
    )
    place = stretch << 20 | 2 + 2 * index
    cursor = np.where(first, began[stretch], np.roll(until, 1))
    told = samples.stretch[groups.firsts(samples.stretch)]
    resumed = began.copy()
    resumed[stretch] = until  # the last one of each stretch stays
    ends = samples.at[groups.lasts(groups.firsts(samples.stretch), len(samples.at))]
    resumed = resumed[told]
    return [
        (place, np.full(len(place), PLAY), cursor, since),
        (place + 1, kind, since, until),
        (told << 20 | LAST - 1, np.full(len(told), PLAY), resumed, np.maximum(resumed, ends)),
    ]


def _before(stretches: Stretches, samples: Samples, began: Floats) -> list[Piece]:
    """What came before play: startup, or a seek, until whose first request the film is taken to have played on."""
    first = groups.firsts(samples.stretch)
    told = samples.stretch[first]
    session, opening, begins = stretches.session[told], stretches.opening[told], stretches.began_at[told]
    again = np.diff(session, prepend=-1) == 0  # there was play before
    ends = np.maximum(samples.at[groups.lasts(first, len(samples.at))], began[told])
    before = np.where(again, np.roll(ends, 1), 0.0)
    since = np.where(opening, 0.0, np.maximum(before, begins))
    kind = np.where(opening, STARTUP, SEEK)
    on = told[again]
    return [
        (on << 20, np.full(len(on), PLAY), before[again], since[again]),
        (told << 20 | 1, kind, since, began[told]),
    ]


def _media_ends(requests: Requests, placed: Placed, sessions: int) -> Floats:
    """Where each film ends, once its last segment has been asked for (it names no next one); NaN where it was not."""
    lane = requests.session * 3 + requests.kind
    naming = groups.any_of(requests.more_to_come, lane, sessions * 3)
    rows = np.flatnonzero(naming[lane])
    rows = rows[placed.start[rows] == groups.highest(placed.start[rows], lane[rows], sessions * 3, -np.inf)[lane[rows]]]
    rows = rows[requests.at[rows] == groups.highest(requests.at[rows], lane[rows], sessions * 3, -np.inf)[lane[rows]]]
    _, first = np.unique(lane[rows], return_index=True)
    rows = rows[first]
    session = requests.session[rows]
    ends = groups.highest(placed.start[rows] + placed.length[rows], session, sessions, -np.inf)
    open_ended = groups.any_of(requests.more_to_come[rows] | requests.failed[rows], session, sessions)
    return np.where(open_ended | np.isinf(ends), np.nan, ends)


def _ending(stretches: Stretches, samples: Samples, media_ends: Floats, played: Bools) -> Piece:
    """When the end of the film had been asked for, what was buffered is taken to have played."""
    first = groups.firsts(samples.stretch)
    last = groups.lasts(first, len(samples.at))
    stretch = samples.stretch[last]
    session = stretches.session[stretch]
    final = np.append(np.diff(stretches.session) != 0, True)[stretch] & played[session] & ~np.isnan(media_ends[session])
    first, last, stretch, session = first[final], last[final], stretch[final], session[final]
    left = np.maximum(0.0, media_ends[session] - samples.playhead[last]) / _rates(samples, last, first, last)
    at = samples.at[last]
    return stretch << 20 | LAST, np.full(len(last), PLAY), at, at + left
