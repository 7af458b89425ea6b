"""Buffer arithmetic: what a viewer lived through, from the requests of the player alone.

A player that asks for the segment starting at media time S with `bl` seconds buffered has its playhead at S - bl.
Time that passes while the playhead does not move is lost; it was a stall when the playhead stands where the buffered
media end, and a pause when there was still something to play. Measured against the <video> element of three players:
within 1.5 s in 13 of 13 recordings, where the players' own flags were right for one of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.telemetry.plain.segments import KNOWN_RATES, Request

ROUNDING_S = 0.5  # `bl` is sent in steps of 100 ms, and lags by a segment while one is being appended
FASTEST = 2.2  # viewers may watch at twice the speed
AT_THE_END_S = 0.5  # players stop a little before their buffer is empty
SHORTEST_STALL_S = 0.3
SHORTEST_PAUSE_S = 1.0
NOISE_SHARE = 0.03  # media clocks were seen up to 5 % slow, mostly 1 to 2 %
MOVED_S = 0.25  # the playhead has moved: something played


@dataclass(slots=True)
class Sample:
    """The playhead at one moment, and up to where media had been asked for."""

    at: float
    playhead: float
    frontier: float
    rate: float | None


@dataclass(slots=True)
class Stretch:
    """Play without a seek: samples of the playhead, from the request that began it."""

    began_at: float
    from_media: float
    samples: list[Sample] = field(default_factory=list)
    frontiers: dict[str, float] = field(default_factory=dict)


@dataclass
class Lived:
    """What the arithmetic found; seconds since the attempt."""

    startup_s: float | None = None
    spans: list[tuple[str, float, float]] = field(default_factory=list)
    played: bool = False  # the playhead was seen to move
    reached_end: bool = False
    last_at: float = 0.0
    precise: bool = True


def live(requests: Sequence[Request]) -> Lived:
    """Reckon startup, stalls, pauses and seeks of one session from its media requests in order of time."""
    lived = Lived()
    stretches = _stretches(requests)
    end = _media_end(requests)
    for index, stretch in enumerate(stretches):
        _tell(lived, stretch, first=index == 0)
    if not stretches:
        return lived
    _finish(lived, stretches[-1], end)
    return lived


def _stretches(requests: Sequence[Request]) -> list[Stretch]:
    """Cut the session at seeks: where the playhead is not where time alone would have brought it."""
    stretches: list[Stretch] = []
    current: Stretch | None = None
    for request in requests:
        if request.failed and not (request.buffer and current):
            continue  # nothing came in and nothing is said of the playhead
        if current is None:
            current = Stretch(request.at, request.start)
            stretches.append(current)
        new_kind = request.kind not in current.frontiers
        playhead = _playhead(current, request, new_kind)
        if playhead is None or _impossible(current, request, playhead):
            current = Stretch(request.at, request.start)
            stretches.append(current)
            new_kind, playhead = True, request.start - (request.buffer or 0.0)
        if not request.failed:
            current.frontiers[request.kind] = max(current.frontiers.get(request.kind, request.start), request.start)
        if current.frontiers and request.buffer is not None and not (new_kind and request.buffer <= 0.1):
            frontier = min(current.frontiers.values())
            current.samples.append(Sample(request.at, playhead, frontier, request.rate))
    return stretches


def _playhead(stretch: Stretch, request: Request, new_kind: bool) -> float | None:
    """Where the playhead is as this request tells it; None when only a seek explains it.

    A request for media that was asked for before is a better copy of what is buffered (then the buffer ends where the
    last new segment ended) or a seek back.
    """
    buffer = request.buffer or 0.0
    reached = stretch.frontiers.get(request.kind)
    if new_kind or reached is None or request.buffer is None or request.start >= reached + 0.5 * request.length:
        if request.buffer is None and stretch.samples:
            return stretch.samples[-1].playhead
        return request.start - buffer
    candidates = [request.start - buffer, reached - buffer, reached + request.length - buffer]
    possible = [value for value in candidates if not _impossible(stretch, request, value)]
    if not possible:
        return None
    expected = _expected(stretch, request.at)
    return min(possible, key=lambda value: abs(value - expected))


def _expected(stretch: Stretch, at: float) -> float:
    if not stretch.samples:
        return stretch.from_media
    last = stretch.samples[-1]
    return last.playhead + (at - last.at)


def _impossible(stretch: Stretch, request: Request, playhead: float) -> bool:
    """Further back, or further ahead, than play can have brought it: more than a segment and rounding."""
    slack = request.length + ROUNDING_S
    if not stretch.samples:
        return playhead < stretch.from_media - slack / 2
    last = stretch.samples[-1]
    moved, passed = playhead - last.playhead, request.at - last.at
    return moved < -slack or moved > FASTEST * passed + slack


def _tell(lived: Lived, stretch: Stretch, *, first: bool) -> None:
    """Turn one stretch into spans: waiting until the playhead moves, then play, stalls and pauses."""
    start = _from_media(stretch)
    _never_back(stretch.samples)
    moving = [sample for sample in stretch.samples if sample.playhead > start + MOVED_S]
    if not moving:
        return
    lost = _lost(moving)
    began = max(lost[0] + start, stretch.began_at)
    kind = "startup" if first else "seek"
    since = 0.0 if first else _seek_began(lived, stretch)
    if first:
        lived.startup_s = began
    lived.played = True
    lived.spans.append((kind, since, began))
    _spans_of_play(lived, moving, lost, began)


def _never_back(samples: Sequence[Sample]) -> None:
    """A `bl` that lags shows the playhead too far ahead, never too far back: later samples correct earlier ones."""
    for index in range(len(samples) - 2, -1, -1):
        samples[index].playhead = min(samples[index].playhead, samples[index + 1].playhead)


def _seek_began(lived: Lived, stretch: Stretch) -> float:
    """Until the first request after a seek the film is taken to have played on, as it was buffered."""
    last = lived.spans[-1][2] if lived.spans else 0.0
    since = max(last, stretch.began_at)
    if lived.spans and lived.spans[-1][0] == "play":
        lived.spans.append(("play", last, since))
    return since


def _from_media(stretch: Stretch) -> float:
    """Media time at which this stretch began: where the playhead stood while something was already buffered."""
    early = [sample.playhead for sample in stretch.samples[:3]]
    return max(stretch.from_media, min(early)) if early else stretch.from_media


def _rate(samples: Sequence[Sample], index: int) -> float:
    """Speed of play around a sample: as told, else as the playhead moves where it outruns the clock."""
    told = samples[index].rate
    if told:
        return max(told, 0.1)
    low, high = max(0, index - 4), min(len(samples) - 1, index + 4)
    passed = samples[high].at - samples[low].at
    if passed < 3.0:
        return 1.0
    slope = (samples[high].playhead - samples[low].playhead) / passed
    return 1.0 if slope < 1.15 else min(KNOWN_RATES, key=lambda rate: abs(rate - slope))


def _lost(samples: Sequence[Sample]) -> list[float]:
    """Time on the clock less time played, up to each sample; only ever grows (later samples correct earlier ones)."""
    raw = [samples[0].at - samples[0].playhead]
    for index in range(1, len(samples)):
        earlier, later = samples[index - 1], samples[index]
        passed, rate = later.at - earlier.at, _rate(samples, index)
        raw.append(raw[-1] + passed - (later.playhead - earlier.playhead) / rate)
    lowest = raw[-1]
    for index in range(len(raw) - 1, -1, -1):
        lowest = raw[index] = min(lowest, raw[index])
    return raw


def _spans_of_play(lived: Lived, samples: Sequence[Sample], lost: Sequence[float], began: float) -> None:
    """Play, broken where time was lost: a stall where the buffer had run out, a pause where it had not."""
    cursor = began
    for kind, since, until in _breaks(samples, lost):
        since = max(since, cursor)
        if until - since <= (SHORTEST_STALL_S if kind == "stall" else SHORTEST_PAUSE_S) - 1e-6:
            continue
        lived.spans.append(("play", cursor, since))
        lived.spans.append((kind, since, until))
        cursor = until
    lived.spans.append(("play", cursor, max(cursor, samples[-1].at)))
    lived.last_at = samples[-1].at


def _breaks(samples: Sequence[Sample], lost: Sequence[float]) -> list[tuple[str, float, float]]:
    """Runs of lost time as (kind, from, to)."""
    found: list[tuple[str, float, float]] = []
    for index in range(1, len(samples)):
        gone = lost[index] - lost[index - 1]
        if gone <= 0.1 - 1e-6:
            continue
        earlier, later = samples[index - 1], samples[index]
        ran_dry = later.playhead >= earlier.frontier - AT_THE_END_S - 1e-6
        played_after = max(0.0, later.playhead - max(earlier.playhead, earlier.frontier if ran_dry else 0.0))
        until = later.at - (min(played_after, later.at - earlier.at - gone) if ran_dry else 0.0)
        kind = "stall" if ran_dry else "pause"
        since = max(until - gone, earlier.at)
        if found and found[-1][0] == kind and since - found[-1][2] <= 0.5 - 1e-6:
            found[-1] = (kind, found[-1][1], until)
        else:
            found.append((kind, since, until))
    return found


def _media_end(requests: Sequence[Request]) -> float | None:
    """Where the film ends, once the last segment has been asked for: it names no next one."""
    told = {r.kind for r in requests if r.more_to_come}
    ends = []
    for kind in told:
        last = max((r for r in requests if r.kind == kind), key=lambda r: (r.start, r.at))
        if last.more_to_come or last.failed:
            return None
        ends.append(last.start + min(last.length, (last.duration or last.length)))
    return max(ends) if ends else None


def _finish(lived: Lived, stretch: Stretch, end: float | None) -> None:
    """When the end of the film had been asked for, what was buffered is taken to have played."""
    if end is None or not stretch.samples or not lived.played:
        return
    last = stretch.samples[-1]
    left = max(0.0, end - last.playhead) / _rate(stretch.samples, len(stretch.samples) - 1)
    lived.reached_end = True
    lived.spans.append(("play", last.at, last.at + left))
    lived.last_at = last.at + left
