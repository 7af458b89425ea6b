"""Reports put in order: integer session codes, one clock, rows sorted by session and time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from amends.telemetry.records import MODES

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
UNKNOWN = -1
EVENT_MODE = MODES.index("event")
LATEST_MS = 24 * 3_600_000


@dataclass
class Ordered:
    """Sorted reports as arrays; `at` is milliseconds since the session's first sign, on the server's clock."""

    reports: pa.Table
    order: Ints  # row of `reports` that stands at each place
    session: Ints  # 0 … sessions-1, never falling
    first: Ints  # place of each session's first row
    began_ms: Ints  # per session, server clock, Unix ms
    at: Ints
    known: dict[str, Ints] = field(default_factory=dict)

    @property
    def sessions(self) -> int:
        return len(self.first)

    def column(self, name: str) -> Ints:
        """A whole-number or flag column in sorted order, as narrow as it was sent; UNKNOWN where nothing was said."""
        if name not in self.known:
            self.known[name] = self._read(name)
        return self.known[name]

    def _read(self, name: str) -> Ints:
        if name not in self.reports.column_names or self.reports[name].null_count == len(self.order):
            return np.broadcast_to(np.int64(UNKNOWN), len(self.order))
        return _narrow(self.reports[name])[self.order]

    def ends(self) -> Ints:
        """One past each session's last place."""
        return np.append(self.first[1:], len(self.session))


def _narrow(column: pa.ChunkedArray) -> Ints:
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(UNKNOWN, column.type))
    found: Ints = column.to_numpy()
    return found


def _ints(column: pa.ChunkedArray, missing: int) -> Ints:
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(missing, column.type))
    whole: Ints = column.to_numpy().astype(np.int64, copy=False)
    return whole


def order(reports: pa.Table) -> Ordered:
    """Sort by session and time. Players' clocks are moved to the server's by the smallest delay seen in the session."""
    codes = reports["session"].combine_chunks().dictionary_encode()
    session = codes.indices.to_numpy(zero_copy_only=False)
    count = len(codes.dictionary)
    at = _one_clock(reports, session, count)
    began = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(began, session, at)
    relative = at - began[session]
    sequence = _ints(reports["sequence"], 0) if "sequence" in reports.column_names else np.zeros(len(at), np.int64)
    rows = _sorted(session, relative, sequence)
    rows = rows.without(_again(reports, rows))
    first = np.flatnonzero(np.diff(rows.session, prepend=-1))
    return Ordered(reports, rows.place, _renumber(rows.session, first), first, began[rows.session[first]], rows.at)


@dataclass
class _Rows:
    """Sorted rows: where each stood, whose it is, when, and whether it tells the same as the one before may."""

    place: Ints
    session: Ints
    at: Ints
    alike: Bools  # same session, time and sequence number as the row before

    def without(self, rows: Ints) -> _Rows:
        if not len(rows):
            return self
        keep = np.ones(len(self.place), np.bool_)
        keep[rows] = False
        return _Rows(*(values[keep] for values in vars(self).values()))


def _again(reports: pa.Table, rows: _Rows) -> Ints:
    """Events that came twice: the same session, moment, number, event and state."""
    again = np.flatnonzero(rows.alike)
    if not len(again):
        return again
    for name in ("mode", "event", "state", "bitrate_kbps"):
        values = _narrow(reports[name])
        again = again[values[rows.place[again]] == values[rows.place[again - 1]]]
    events: Bools = _narrow(reports["mode"])[rows.place[again]] == EVENT_MODE
    return again[events]


def _renumber(session: Ints, first: Ints) -> Ints:
    lengths = np.diff(np.append(first, len(session)))
    return np.repeat(np.arange(len(first)), lengths)


def _one_clock(reports: pa.Table, session: Ints, count: int) -> Ints:
    """Server time of every report; a player's own `ts` is exact between its reports, so it is used and shifted."""
    received = reports["received_ms"].to_numpy()
    if "player_ms" not in reports.column_names or reports["player_ms"].null_count == len(received):
        return _ints(reports["received_ms"], 0)
    player = _ints(reports["player_ms"], UNKNOWN)
    said = player >= 0
    delay = np.where(said, received - player, np.iinfo(np.int64).max)
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, session, delay)
    shifted = player + np.where(smallest == np.iinfo(np.int64).max, 0, smallest)[session]
    believable = said & (
        received - shifted < LATEST_MS
    )  # reports may be kept and sent late; a clock a day off is not believed
    return np.where(believable, shifted, received)


def _by_number(numbers: Ints) -> Ints:
    """A stable order by small whole numbers, sixteen bits at a time, which NumPy sorts by counting."""
    found = np.argsort(numbers.astype(np.uint16), kind="stable")
    if len(numbers) and numbers.max() >> 16:
        found = found[np.argsort((numbers[found] >> 16).astype(np.uint16), kind="stable")]
    return found


def _sorted(session: Ints, at: Ints, sequence: Ints) -> _Rows:
    """Rows by session, time and sequence number: one sort of packed integers where they fit, else a stable sort."""
    rows = len(session)
    row_bits, session_bits = max(rows - 1, 1).bit_length(), int(session.max(initial=0)).bit_length()
    time_bits, tie_bits = int(at.max(initial=0)).bit_length(), int(sequence.max(initial=0)).bit_length()
    alike = np.zeros(rows, np.bool_)
    if session_bits + time_bits + tie_bits + row_bits > 63:
        place = np.lexsort((sequence, at, session))
        session, at, sequence = session[place], at[place], sequence[place]
        alike[1:] = (session[1:] == session[:-1]) & (at[1:] == at[:-1]) & (sequence[1:] == sequence[:-1])
        return _Rows(place, session, at, alike)
    packed = ((session.astype(np.int64) << time_bits | at) << tie_bits | sequence) << row_bits
    packed |= np.arange(rows)
    if rows > 1 and not (packed[1:] > packed[:-1]).all():
        packed = packed[_by_number(session)]  # what is left to sort is what came late, which merging does fast
        packed.sort(kind="stable")
    place = packed & ((1 << row_bits) - 1)
    packed >>= row_bits
    alike[1:] = packed[1:] == packed[:-1]
    packed >>= tie_bits
    return _Rows(place, packed >> time_bits, packed & ((1 << time_bits) - 1), alike)
