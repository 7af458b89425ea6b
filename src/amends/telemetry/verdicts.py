"""What the requests of a player say about its session: the columns of `records.SESSIONS` that they can fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amends.telemetry import arithmetic, groups, score, segments
from amends.telemetry.arithmetic import Lived, Spans
from amends.telemetry.ordered import Bools, Floats, Ints, Ordered
from amends.telemetry.requests import AUDIO, Requests, Seen, gather
from amends.telemetry.segments import Placed
from amends.telemetry.states import PAUSE, PLAY, STALL, STARTUP

TRIES_OF_A_FAILING_PLAYER = 3
ENOUGH_SAMPLES = 6
SHORTEST_SPAN_S, ONE_SPAN_S = 0.01, 0.05  # shorter is rounding; nearer ones of a kind are one


@dataclass
class Flag:
    """True, false or not known, per session."""

    value: Bools
    known: Bools


@dataclass
class Verdicts:
    """One entry per session; NaN where requests cannot tell. `asked`: there were requests or beacons at all."""

    asked: Bools
    lived: Lived
    spans: Spans
    more_to_come: Bools
    ended: Bools
    last_seen_s: Floats
    seconds: dict[str, Floats]  # startup_s, stall_s, longest_stall_s, watched_s, played_s
    stall_count: Ints  # where it played
    flags: dict[str, Flag]
    bitrates: dict[str, Floats]  # bitrate_kbps_mean, bitrate_kbps_min, switches, score
    by_buffer: Bools  # there were requests for media to reckon with
    confidence: Floats


def judge(ordered: Ordered, asked: Bools) -> Verdicts:
    """Judge every session by its requests; `asked` are those of which requests are known."""
    count = ordered.sessions
    requests, seen = gather(ordered)
    placed = segments.place(requests, count)
    lived = arithmetic.live(requests, placed, count)
    flags = _flags(requests, seen, placed, lived)
    spans = _spans(lived, seen, flags["failed_start"], asked)
    seconds = _seconds(spans, lived, count, flags["failed_start"])
    last_s = seen.last_at.copy()
    np.maximum.at(last_s, spans.session, spans.until)
    any_request = groups.any_of(np.ones(len(requests.session), np.bool_), requests.session, count)
    over = lived.reached_end
    for name in ("failed_start", "playback_failed"):
        over = over | (flags[name].value & flags[name].known)
    return Verdicts(
        asked=asked,
        lived=lived,
        spans=spans,
        more_to_come=~lived.reached_end & groups.any_of(requests.more_to_come, requests.session, count),
        ended=over,
        last_seen_s=seen.last_at,
        seconds=seconds,
        stall_count=np.bincount(spans.session[spans.kind == STALL], minlength=count),
        flags=flags,
        bitrates=_bitrates(requests, placed, spans[spans.kind == STALL], last_s),
        by_buffer=any_request,
        confidence=_confidence(requests, placed, lived, flags, count),
    )


def _flags(requests: Requests, seen: Seen, placed: Placed, lived: Lived) -> dict[str, Flag]:
    """Failed start, exit before start, playback failure; unknown where requests cannot tell."""
    count, played = len(lived.played), lived.played
    fatal = _fatal(requests, seen, placed, lived)
    some = groups.any_of(np.ones(len(requests.session), np.bool_), requests.session, count)
    failed_start = ~played & fatal.value & fatal.known & (some | seen.failed_head)
    left = ~played & ~failed_start & fatal.known & some & _never_started(requests, seen, placed)
    known = played | failed_start | left
    return {
        "failed_start": Flag(failed_start, known),
        "exited_before_start": Flag(left, known),
        "playback_failed": Flag(played & fatal.value, np.where(played, fatal.known, known)),
    }


def _never_started(requests: Requests, seen: Seen, placed: Placed) -> Bools:
    """Whether it is known that nothing can have played: the first pieces of video never came in."""
    count, session = len(seen.said_playing), requests.session
    video = requests.kind != AUDIO
    shown = np.where(groups.any_of(video, session, count)[session], video, True)
    rows = np.flatnonzero(shown)
    owner, start = session[rows], placed.start[rows]
    moved = groups.any_of(start[1:] != start[:-1], np.where(owner[1:] == owner[:-1], owner[1:], count), count + 1)[
        :count
    ]
    return ~seen.said_playing & ~moved & ~groups.any_of(requests.buffer[rows] > 0, owner, count)


def _fatal(requests: Requests, seen: Seen, placed: Placed, lived: Lived) -> Flag:
    """An error after which nothing came in any more; unknown when a silent log shows only that a player kept trying."""
    count, session = len(lived.played), requests.session
    came_in = groups.any_of(~requests.failed, session, count)
    dead = seen.failed_head & ~came_in
    last_of_kind = np.full(count * 3, -1)
    last_of_kind[session * 3 + requests.kind] = np.arange(len(session))  # the last one stays
    failed = last_of_kind[(last_of_kind >= 0) & np.append(requests.failed, False)[last_of_kind]]
    dead[session[failed]] = True
    error = ~np.isnan(seen.error_at)
    dead |= error & ~_went_on(requests, seen, placed, lived)
    stuck = _stuck(requests, placed, count) & ~seen.has_status & ~error & ~dead
    return Flag(dead & ~lived.reached_end, ~stuck | lived.reached_end)


def _stuck(requests: Requests, placed: Placed, count: int) -> Bools:
    """The last requests ask for the same piece again and again."""
    found = np.zeros(count, np.bool_)
    first, last = requests.first, requests.last
    same = np.zeros(len(first), np.int64)
    for back in range(2 * TRIES_OF_A_FAILING_PLAYER):
        there = last - back >= first
        same += there & (placed.start[np.maximum(last - back, 0)] == placed.start[last])
    found[requests.session[first]] = same >= TRIES_OF_A_FAILING_PLAYER
    return found


def _went_on(requests: Requests, seen: Seen, placed: Placed, lived: Lived) -> Bools:
    """Whether new pieces of the film came in after an error; asking again for the same ones is no sign of that."""
    count, session = len(lived.played), requests.session
    error_at = seen.error_at[session]
    earlier = requests.at <= error_at
    before = groups.highest(placed.start[earlier], session[earlier], count, 0.0)
    new = (requests.at > error_at) & ~requests.failed & (placed.start > before[session])
    return lived.played & groups.any_of(new, session, count)


def _spans(lived: Lived, seen: Seen, failed_start: Flag, asked: Bools) -> Spans:
    """The whole time line: as it played, or all of it waiting to start, up to the error or the last sign."""
    until = np.where(failed_start.value & ~np.isnan(seen.error_at), seen.error_at, seen.last_at)
    waiting = np.flatnonzero(~lived.played & asked & (until > 0))
    played = _clean(lived.spans[lived.played[lived.spans.session]])
    nothing = np.zeros(len(waiting))
    session = np.concatenate([played.session, waiting])
    order = np.argsort(session, kind="stable")
    return Spans(
        session[order],
        np.concatenate([played.kind, np.full(len(waiting), STARTUP)])[order],
        np.concatenate([played.since, nothing])[order],
        np.concatenate([played.until, until[waiting]])[order],
    )


def _clean(spans: Spans) -> Spans:
    """Equal neighbours joined, empty pieces dropped, times in order."""
    first = groups.firsts(spans.session)
    lanes, steps = groups.lanes(first, groups.lasts(first, len(spans.session)))
    kind, reached, row = np.full(len(lanes), -1), np.full(len(lanes), -np.inf), np.full(len(lanes), -1)
    keep = np.zeros(len(spans.session), np.bool_)
    since, until = spans.since.copy(), spans.until.copy()
    for n, rows in steps:
        begins = np.maximum(since[rows], reached[:n])
        long = until[rows] - begins >= SHORTEST_SPAN_S
        joins = long & (spans.kind[rows] == kind[:n]) & (begins - reached[:n] < ONE_SPAN_S)
        since[rows] = begins
        until[row[:n][joins]] = until[rows[joins]]
        new = long & ~joins
        keep[rows[new]] = True
        row[:n][new], kind[:n][new] = rows[new], spans.kind[rows[new]]
        reached[:n][long] = until[rows[long]]
    return Spans(spans.session, spans.kind, since, until)[keep]


def _seconds(spans: Spans, lived: Lived, count: int, failed_start: Flag) -> dict[str, Floats]:
    length = spans.until - spans.since
    watched = groups.sums(np.where(spans.kind == PAUSE, 0.0, length), spans.session, count)
    played = groups.sums(np.where(spans.kind == PLAY, length, 0.0), spans.session, count)
    stalled = groups.sums(np.where(spans.kind == STALL, length, 0.0), spans.session, count)
    stalls = spans.kind == STALL
    longest = groups.highest(length[stalls], spans.session[stalls], count, 0.0)
    return {
        "startup_s": np.where(lived.played, np.nan_to_num(lived.startup_s), np.nan),
        "stall_s": np.where(lived.played, stalled, np.nan),
        "longest_stall_s": np.where(lived.played, longest, np.nan),
        "watched_s": watched,
        "played_s": np.where(lived.played | failed_start.value, played, np.nan),
    }


def _bitrates(requests: Requests, placed: Placed, stalls: Spans, last_s: Floats) -> dict[str, Floats]:
    """Bitrates by media time: of each segment the copy that was asked for last."""
    count = len(last_s)
    rows = np.flatnonzero((requests.kind != AUDIO) & (requests.bitrate > 0) & ~requests.failed)
    rows = rows[np.lexsort((placed.start[rows], requests.session[rows]))]
    session, start = requests.session[rows], placed.start[rows]
    final = np.ones(len(rows), np.bool_)
    final[:-1] = (session[1:] != session[:-1]) | (start[1:] != start[:-1])
    rows, session = rows[final], session[final]
    kbps, length = requests.bitrate[rows], placed.length[rows]
    length = np.where(length > 0, length, 1.0)
    weight = np.bincount(session, length, count)
    some = weight > 0
    lowest = np.full(count, np.inf)
    np.minimum.at(lowest, session, kbps)
    changed = np.flatnonzero((kbps[1:] != kbps[:-1]) & (session[1:] == session[:-1])) + 1
    switches = np.bincount(session[changed], minlength=count).astype(np.float64)
    sessions = score.of_sessions(session, requests.at[rows], kbps, (stalls.session, stalls.since, stalls.until), last_s)
    return {
        "bitrate_kbps_mean": np.divide(
            np.bincount(session, kbps * length, count), weight, out=np.full(count, np.nan), where=some
        ),
        "bitrate_kbps_min": np.where(some, lowest, np.nan),
        "switches": np.where(some, switches, np.nan),
        "score": sessions,
    }


def _confidence(requests: Requests, placed: Placed, lived: Lived, flags: dict[str, Flag], count: int) -> Floats:
    """How sure the row is: many placed samples of the playhead are good evidence, a guess at order is not."""
    asked = np.bincount(requests.session, minlength=count)
    sure = np.where(asked >= ENOUGH_SAMPLES, 0.85, 0.6)
    sure = np.where(placed.numbered, sure, np.minimum(sure, 0.5))
    sure = np.where(lived.played, sure, np.where(flags["failed_start"].value, 0.8, 0.6))
    unknown = ~np.logical_and.reduce([flag.known for flag in flags.values()])
    return np.where(unknown, np.where(lived.played, 0.3, 0.2), sure)
