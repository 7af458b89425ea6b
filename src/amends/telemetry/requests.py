"""What players asked for, as an origin, a CDN or a beacon sees it: columns over all sessions at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.telemetry import groups
from amends.telemetry.ordered import Bools, Floats, Ints, Ordered
from amends.telemetry.records import EVENTS, OBJECT_TYPES, STATES

AUDIO, BOTH, VIDEO = range(3)
KINDS = {OBJECT_TYPES.index("a"): AUDIO, OBJECT_TYPES.index("av"): BOTH, OBJECT_TYPES.index("v"): VIDEO}
MANIFEST, INIT = OBJECT_TYPES.index("m"), OBJECT_TYPES.index("i")
REQUEST_MODE = 1
ERROR_EVENT, FATAL, PLAYING = EVENTS.index("e"), STATES.index("f"), STATES.index("p")
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass
class Requests:
    """Requests for media, by session and time; seconds since the attempt, NaN where nothing was said."""

    session: Ints
    first: Ints  # first row of each session that has any
    at: Floats
    kind: Ints  # AUDIO, BOTH or VIDEO
    path: Ints  # its number among the paths
    number: Ints  # of the segment, as its path names it; -1 where it names none
    duration: Floats
    buffer: Floats  # seconds buffered ahead of the playhead when it was sent
    bitrate: Floats
    failed: Bools
    rate: Floats
    more_to_come: Bools  # it names a next object

    @property
    def last(self) -> Ints:
        return groups.lasts(self.first, len(self.session))


@dataclass
class Seen:
    """What is known of each session besides its requests for media; seconds since the attempt."""

    last_at: Floats
    error_at: Floats  # NaN without an error
    said_playing: Bools
    failed_head: Bools  # manifest or initialisation refused, and nothing after it
    has_status: Bools


def gather(ordered: Ordered) -> tuple[Requests, Seen]:
    """The requests for media of all sessions, and what else was seen of them."""
    asked = ordered.column("mode") == REQUEST_MODE
    everything = bool(asked.all())
    rows = np.arange(len(asked)) if everything else np.flatnonzero(asked)
    object_type, duration = ordered.column("object_type")[rows], ordered.column("duration_ms")[rows]
    kind = np.full(len(OBJECT_TYPES), -1)
    kind[list(KINDS)] = list(KINDS.values())
    of_kind = np.where((object_type == 0) & (duration > 0), BOTH, kind[object_type])
    media = of_kind >= 0
    return _once(_requests(ordered, rows[media], of_kind[media])), _seen(ordered, rows, object_type, media)


def _requests(ordered: Ordered, rows: Ints, kind: Ints) -> Requests:
    def milliseconds(name: str) -> Floats:
        values = ordered.column(name)[rows]
        return np.where(values >= 0, values / 1000, np.nan)

    session, duration, buffer = ordered.session[rows], milliseconds("duration_ms"), milliseconds("buffer_ms")
    deadline, rate = milliseconds("deadline_ms"), _rates(ordered, rows)
    buffer = np.where(np.isnan(buffer) & (deadline > 0), deadline, buffer)  # `dl` is the buffer in time to play
    path, number = _paths(ordered, rows)
    return Requests(
        session=session,
        first=groups.firsts(session),
        at=ordered.at[rows] / 1000,
        kind=kind,
        path=path,
        number=number,
        duration=np.where(duration > 0, duration, np.nan),
        buffer=buffer,
        bitrate=np.maximum(ordered.column("bitrate_kbps")[rows], 0).astype(np.float64),
        failed=ordered.column("status")[rows] >= 400,
        rate=np.where(rate > 0, rate, np.nan),
        more_to_come=_said(ordered, "next_path")[rows],
    )


def _rates(ordered: Ordered, rows: Ints) -> Floats:
    column = ordered.reports["rate"]
    if column.null_count == len(column):
        return np.full(len(rows), np.nan)
    values: Floats = column.to_numpy().astype(np.float64)
    return values[ordered.order[rows]]


def _said(ordered: Ordered, name: str) -> Bools:
    column = ordered.reports[name]
    if column.null_count == len(column):
        return np.zeros(len(column), np.bool_)
    said: Bools = pc.fill_null(pc.greater(pc.binary_length(column), 0), False).to_numpy()
    return said[ordered.order]


def _paths(ordered: Ordered, rows: Ints) -> tuple[Ints, Ints]:
    """Of each row its path's place in alphabetical order, and the segment number that the path names."""
    column = ordered.reports["path"].combine_chunks()
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes: Ints = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy()
    texts: list[str] = [*encoded.dictionary.to_pylist(), ""]
    rank = {text: place for place, text in enumerate(sorted(set(texts)))}
    ranks = np.array([rank[text] for text in texts])
    numbers = np.array([segment_number(text) for text in texts])
    codes = codes[ordered.order[rows]]
    return ranks[codes], numbers[codes]


def segment_number(path: str) -> int:
    """The last number in a file name without its ending: 12 in `chunk-stream2-00012.m4s`; -1 where there is none."""
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    found = _LAST_NUMBER.search(name)
    return int(found[1]) if found and len(found[1]) < 16 else -1


def _once(requests: Requests) -> Requests:
    """Repeats dropped, and requests of one moment in an order of their own: how they came in decides nothing."""
    session, at = requests.session, requests.at
    tied = np.zeros(len(session), np.bool_)
    tied[1:] = (session[1:] == session[:-1]) & (at[1:] == at[:-1])
    if not tied.any():
        return requests
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    buffer = np.where(np.isnan(requests.buffer), -1.0, requests.buffer)
    keys = (buffer, requests.path, requests.kind, at, session)
    order = np.arange(len(session))
    order[places] = places[np.lexsort(tuple(key[places] for key in keys))]
    again = np.zeros(len(order), np.bool_)
    again[:-1] = np.logical_and.reduce([key[order[1:]] == key[order[:-1]] for key in keys])
    order = order[~again]
    columns = {name: values[order] for name, values in vars(requests).items() if name != "first"}
    return Requests(**columns, first=groups.firsts(columns["session"]))


def _seen(ordered: Ordered, rows: Ints, object_type: Ints, media: Bools) -> Seen:
    count, session = ordered.sessions, ordered.session
    state = ordered.column("state")
    error = np.flatnonzero((ordered.column("event") == ERROR_EVENT) | (state == FATAL))
    error_at = np.full(count, np.inf)
    np.minimum.at(error_at, session[error], ordered.at[error] / 1000)
    status, asking = ordered.column("status")[rows], session[rows]
    head = (object_type == MANIFEST) | (object_type == INIT)
    failed_head = np.zeros(count, np.bool_)
    telling = np.flatnonzero(head | media)
    if len(telling):
        final = telling[groups.lasts(groups.firsts(asking[telling]), len(telling))]
        failed_head[asking[final]] = head[final] & (status[final] >= 400)
    return Seen(
        last_at=np.maximum.reduceat(ordered.at, ordered.first) / 1000 if count else np.zeros(0),
        error_at=np.where(np.isinf(error_at), np.nan, error_at),
        said_playing=groups.any_of(state == PLAYING, session, count),
        failed_head=failed_head,
        has_status=groups.any_of(status >= 0, asking, count),
    )
