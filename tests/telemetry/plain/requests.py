"""Sessions judged by their requests, one by one in plain Python: what the columns of the kernel must equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tests.telemetry.plain import arithmetic, segments
from tests.telemetry.plain.arithmetic import Lived
from tests.telemetry.plain.segments import Request

from amends.telemetry.ordered import Bools, Ordered
from amends.telemetry.records import EVENTS, OBJECT_TYPES, STATES
from amends.telemetry.score import R_MIN_KBPS, STALL_WEIGHT, WINDOW_S

BITRATES = ("bitrate_kbps_mean", "bitrate_kbps_min", "switches", "score")
COLUMNS = (
    *BITRATES,
    *("ended", "last_seen_ms", "startup_s", "stall_count", "stall_s", "longest_stall_s", "watched_s", "played_s"),
    *("failed_start", "exited_before_start", "playback_failed", "method", "confidence", "spans"),
)
MEDIA = {OBJECT_TYPES.index("v"): "v", OBJECT_TYPES.index("a"): "a", OBJECT_TYPES.index("av"): "av"}
MANIFEST, INIT = OBJECT_TYPES.index("m"), OBJECT_TYPES.index("i")
ERROR_EVENT, FATAL, PLAYING = EVENTS.index("e"), STATES.index("f"), STATES.index("p")
TRIES_OF_A_FAILING_PLAYER = 3
ENOUGH_SAMPLES = 6


@dataclass
class Seen:
    """What is known of one session besides its media requests; seconds since the attempt."""

    requests: list[Request] = field(default_factory=list)
    last_at: float = 0.0
    error_at: float | None = None
    said_playing: bool = False
    plays_from: float | None = None
    failed_head: bool = False  # manifest or initialisation refused, and nothing after it
    has_status: bool = False


@dataclass
class Outcome:
    """One session as its requests tell it."""

    seen: Seen
    lived: Lived
    numbered: bool
    reached_end: bool = False

    @property
    def more_to_come(self) -> bool:
        return not self.reached_end and any(request.more_to_come for request in self.seen.requests)

    def row(self, began_ms: int) -> dict[str, Any]:
        """The columns of `records.SESSIONS` that requests can fill; None where they cannot tell."""
        lived, played = self.lived, self.lived.played
        flags = _flags(self)
        spans = _clean(lived.spans, self) if played else _waiting(self, flags)
        stalls = [(a, b) for kind, a, b in spans if kind == "stall"]
        total = {kind: sum(b - a for k, a, b in spans if k == kind) for kind in ("startup", "play", "stall", "seek")}
        last_s = max(self.seen.last_at, spans[-1][2] if spans else 0.0)
        return (
            _bitrate_columns(self.seen.requests, stalls, last_s)
            | flags
            | {
                "ended": self.reached_end or bool(flags["failed_start"] or flags["playback_failed"]),
                "last_seen_ms": began_ms + round(self.seen.last_at * 1000),
                "startup_s": _rounded(lived.startup_s) if played else None,
                "stall_count": len(stalls) if played else None,
                "stall_s": _rounded(total["stall"]) if played else None,
                "longest_stall_s": _rounded(max((b - a for a, b in stalls), default=0.0)) if played else None,
                "watched_s": _rounded(sum(total.values())),
                "played_s": _rounded(total["play"]) if played or flags["failed_start"] else None,
                "method": "buffer" if played or self.seen.requests else "none",
                "confidence": _confidence(self, flags),
                "spans": [{"kind": k, "from_s": _rounded(a), "to_s": _rounded(b)} for k, a, b in spans],
            }
        )


def assess_requests(ordered: Ordered, wanted: Bools) -> dict[int, Outcome]:
    """The outcome of each wanted session, by its number."""
    outcomes: dict[int, Outcome] = {}
    if not wanted.any():
        return outcomes
    for session, seen in _gather(ordered, wanted).items():
        seen.requests = _once(seen.requests)
        numbered = segments.place(seen.requests) if seen.requests else False
        lived = arithmetic.live(seen.requests)
        outcomes[session] = Outcome(seen, lived, numbered, lived.reached_end)
    return outcomes


def _once(requests: list[Request]) -> list[Request]:
    """Repeats dropped, and requests of one moment in an order of their own: how they came in decides nothing."""
    by_what = {(r.at, r.kind, r.path, -1.0 if r.buffer is None else r.buffer): r for r in requests}
    return [by_what[what] for what in sorted(by_what)]


def _gather(ordered: Ordered, wanted: Bools) -> dict[int, Seen]:
    """Read the wanted sessions' reports out of the columns, once, in order of time."""
    places = np.flatnonzero(wanted[ordered.session])
    names = (
        "mode",
        "event",
        "state",
        "object_type",
        "duration_ms",
        "buffer_ms",
        "deadline_ms",
        "bitrate_kbps",
        "status",
    )
    columns = [ordered.column(name)[places].tolist() for name in names]
    rows = ordered.order[places]
    rate, path, following = (ordered.reports[n].take(rows).to_pylist() for n in ("rate", "path", "next_path"))
    found: dict[int, Seen] = {}
    sessions, at = ordered.session[places].tolist(), (ordered.at[places] / 1000).tolist()
    for session, moment, mode, event, state, kind, *numbers, pr, where, nor in zip(
        sessions, at, *columns, rate, path, following, strict=True
    ):
        seen = found.setdefault(session, Seen())
        seen.last_at = max(seen.last_at, moment)
        _note_state(seen, moment, event, state)
        if mode == 1:
            _note_request(seen, moment, kind, numbers, pr, where, nor)
    return found


def _note_state(seen: Seen, moment: float, event: int, state: int) -> None:
    if (event == ERROR_EVENT or state == FATAL) and seen.error_at is None:
        seen.error_at = moment
    if state == PLAYING and not seen.said_playing:
        seen.said_playing, seen.plays_from = True, moment


def _note_request(
    seen: Seen, moment: float, kind: int, numbers: list[int], rate: float | None, path: str | None, nor: str | None
) -> None:
    duration, buffer, deadline, bitrate, status = (None if value < 0 else value for value in numbers)
    seen.has_status |= status is not None
    if kind in (MANIFEST, INIT):
        seen.failed_head = status is not None and status >= 400
        return
    name = MEDIA.get(kind) or ("av" if duration and kind == 0 else "")
    if not name:
        return
    seen.failed_head = False
    if buffer is None and deadline:
        buffer = deadline  # `dl` is the buffer in time to play
    length = duration / 1000 if duration else None
    ahead = None if buffer is None else buffer / 1000
    seen.requests.append(Request(moment, name, path or "", length, ahead, bitrate, status, rate, bool(nor)))


def _flags(outcome: Outcome) -> dict[str, bool | None]:
    """Failed start, exit before start, playback failure; None where requests cannot tell."""
    seen, played = outcome.seen, outcome.lived.played
    fatal = _fatal(outcome)
    if played:
        return {"failed_start": False, "exited_before_start": False, "playback_failed": fatal}
    if fatal and (seen.requests or seen.failed_head):
        return {"failed_start": True, "exited_before_start": False, "playback_failed": False}
    if fatal is None or not seen.requests or not _never_started(seen):
        return {"failed_start": None, "exited_before_start": None, "playback_failed": None}
    return {"failed_start": False, "exited_before_start": True, "playback_failed": False}


def _never_started(seen: Seen) -> bool:
    """Whether it is known that nothing can have played: the first pieces of video never came in."""
    video = [r for r in seen.requests if r.kind in ("v", "av")] or seen.requests
    return not seen.said_playing and len({r.start for r in video}) <= 1 and not any(r.buffer for r in video)


def _fatal(outcome: Outcome) -> bool | None:
    """An error after which nothing came in any more; None when a silent log shows only that a player kept trying."""
    seen = outcome.seen
    if outcome.reached_end:
        return False
    if seen.failed_head and not any(not r.failed for r in seen.requests):
        return True
    for kind in ("v", "av", "a"):
        of_kind = [request for request in seen.requests if request.kind == kind]
        if of_kind and of_kind[-1].failed:
            return True
    if seen.error_at is not None:
        return not _went_on(outcome, seen.error_at)
    last = [request.start for request in seen.requests[-2 * TRIES_OF_A_FAILING_PLAYER :]]
    stuck = len(last) >= TRIES_OF_A_FAILING_PLAYER and last.count(last[-1]) >= TRIES_OF_A_FAILING_PLAYER
    return None if stuck and not seen.has_status else False


def _went_on(outcome: Outcome, error_at: float) -> bool:
    """Whether new pieces of the film came in after an error; asking again for the same ones is no sign of that."""
    before = max((r.start for r in outcome.seen.requests if r.at <= error_at), default=0.0)
    after = [r for r in outcome.seen.requests if r.at > error_at and not r.failed]
    return outcome.lived.played and any(r.start > before for r in after)


def _clean(spans: list[tuple[str, float, float]], outcome: Outcome) -> list[tuple[str, float, float]]:
    """Equal neighbours joined, empty pieces dropped, times in order."""
    joined: list[tuple[str, float, float]] = []
    for kind, since, until in spans:
        if joined:
            since = max(since, joined[-1][2])
        if until - since < 0.01:
            continue
        if joined and joined[-1][0] == kind and since - joined[-1][2] < 0.05:
            joined[-1] = (kind, joined[-1][1], until)
        else:
            joined.append((kind, since, until))
    return joined


def _waiting(outcome: Outcome, flags: dict[str, bool | None]) -> list[tuple[str, float, float]]:
    """Nothing played: all of it was waiting to start, up to the error or the last sign."""
    seen = outcome.seen
    until = seen.error_at if flags["failed_start"] and seen.error_at is not None else seen.last_at
    return [("startup", 0.0, until)] if until > 0 else []


def _bitrate_columns(requests: list[Request], stalls: list[tuple[float, float]], total_s: float) -> dict[str, Any]:
    """Bitrates by media time: of each segment the copy that was asked for last."""
    video = [r for r in requests if r.kind in ("v", "av") and r.bitrate and not r.failed]
    shown = {request.start: request for request in video}
    pieces = [shown[start] for start in sorted(shown)]
    if not pieces:
        return dict.fromkeys(BITRATES)
    kbps = np.array([float(r.bitrate or 0) for r in pieces])
    lengths = np.array([r.length or 1.0 for r in pieces])
    starts = np.array([r.at for r in pieces])
    value = score_segments(starts, kbps, stalls, total_s)
    return {
        "bitrate_kbps_mean": _rounded(float(np.average(kbps, weights=lengths))),
        "bitrate_kbps_min": float(kbps.min()),
        "switches": int((np.diff(kbps) != 0).sum()),
        "score": None if value is None else _rounded(value),
    }


def _confidence(outcome: Outcome, flags: dict[str, bool | None]) -> float:
    """How sure the row is: many placed samples of the playhead are good evidence, a guess at order is not."""
    if any(value is None for value in flags.values()):
        return 0.3 if outcome.lived.played else 0.2
    if not outcome.lived.played:
        return 0.8 if flags["failed_start"] else 0.6
    sure = 0.85 if len(outcome.seen.requests) >= ENOUGH_SAMPLES else 0.6
    return sure if outcome.numbered else min(sure, 0.5)


def _rounded(value: float | None) -> float:
    return round(value or 0.0, 3)


def score_segments(starts_s: Any, kbps: Any, stalls: list[tuple[float, float]], total_s: float) -> float | None:
    """The score of one session: the mean over windows of five minutes, each weighted by its length.

    `starts_s` and `kbps` are the moments at which segments of that bitrate were asked for; `stalls` are (from, to).
    """
    good = kbps > 0
    if not good.any() or total_s <= 0:
        return None
    logs, starts = np.log(np.maximum(kbps[good], 1.0) / R_MIN_KBPS), starts_s[good]
    edges = np.arange(0.0, max(total_s, 1e-9), WINDOW_S)
    values, weights = [], []
    for edge in edges:
        until = min(edge + WINDOW_S, total_s)
        inside = logs[(starts >= edge) & (starts < until)]
        if not inside.size:
            continue
        stalled = sum(max(0.0, min(b, until) - max(a, edge)) for a, b in stalls)
        change = np.abs(np.diff(inside)).mean() if inside.size > 1 else 0.0
        values.append(inside.mean() - change - STALL_WEIGHT * stalled / (until - edge))
        weights.append(until - edge)
    return float(np.average(values, weights=weights)) if values else None
