"""Which piece of the film a request asked for: media time from segment numbers, durations and order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_LAST_NUMBER = re.compile(r"(\d+)\D*$")
KNOWN_RATES = (1.25, 1.5, 1.75, 2.0)


@dataclass(slots=True)
class Request:
    """One request for a media segment; times in seconds since the attempt, media times in seconds of the film."""

    at: float
    kind: str  # v, a or av
    path: str
    duration: float | None
    buffer: float | None  # seconds buffered ahead of the playhead when it was sent
    bitrate: int | None
    status: int | None
    rate: float | None
    more_to_come: bool  # it names a next object
    start: float = 0.0  # media time of the segment's first frame
    length: float = 0.0

    @property
    def failed(self) -> bool:
        return self.status is not None and self.status >= 400


def segment_number(path: str) -> int | None:
    """The last number in a file name without its ending: 12 in `chunk-stream2-00012.m4s`."""
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    found = _LAST_NUMBER.search(name)
    return int(found[1]) if found and len(found[1]) < 16 else None


def place(requests: Sequence[Request]) -> bool:
    """Give every request its media time; False when the order of requests had to stand in for numbers."""
    numbers = [segment_number(request.path) for request in requests]
    typical = _typical_duration(requests)
    for request in requests:
        request.length = request.duration or typical
    known = [number for number in numbers if number is not None]
    step = _step(requests, numbers)
    if len(known) < len(requests) or step is None:
        _place_by_order(requests)
        return False
    first = min(known)
    for request, number in zip(requests, known, strict=True):
        request.start = (number - first) / step * typical
    return True


def _typical_duration(requests: Sequence[Request]) -> float:
    """The usual segment length; video's where it is known, since audio frames do not divide evenly."""
    for kinds in (("v", "av"), ("a",)):
        durations = [r.duration for r in requests if r.duration and r.kind in kinds]
        if durations:
            return median(durations)
    return 2.0


def _step(requests: Sequence[Request], numbers: Sequence[int | None]) -> float | None:
    """By how much the number grows from one segment to the next: 1, or ticks where names carry time."""
    by_kind: dict[str, set[int]] = {}
    for request, number in zip(requests, numbers, strict=True):
        if number is not None:
            by_kind.setdefault(request.kind, set()).add(number)
    steps = []
    for found in by_kind.values():
        ordered = sorted(found)
        steps += [later - earlier for earlier, later in pairwise(ordered)]
    if not steps:
        return 1.0 if requests and len(set(numbers)) == 1 and len({r.path for r in requests}) == len(by_kind) else None
    return 1.0 if min(steps) == 1 else float(median(steps))


def _place_by_order(requests: Sequence[Request]) -> None:
    """Without numbers each new path, or each request of one path, is taken for the next segment."""
    reached: dict[str, float] = {}
    seen: dict[tuple[str, str], float] = {}
    one_path = len({request.path for request in requests}) <= 2
    for request in requests:
        key = (request.kind, request.path)
        if not one_path and key in seen:
            request.start = seen[key]
            continue
        request.start = seen[key] = reached.get(request.kind, 0.0)
        reached[request.kind] = request.start + request.length
