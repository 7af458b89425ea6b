"""Reports put in order: integer session codes, one clock, rows sorted by session and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
UNKNOWN = -1
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

    @property
    def sessions(self) -> int:
        return len(self.first)

    def column(self, name: str, missing: int = UNKNOWN) -> Ints:
        """A whole-number or flag column in sorted order; `missing` where the report does not say."""
        return _ints(self.reports[name], missing)[self.order]

    def ends(self) -> Ints:
        """One past each session's last place."""
        return np.append(self.first[1:], len(self.session))


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
    session = codes.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    count = len(codes.dictionary)
    at = _one_clock(reports, session, count)
    began = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(began, session, at)
    relative = at - began[session]
    places = _sorted_places(session, relative, _ints(reports["sequence"], 0))
    session = session[places]
    first = np.flatnonzero(np.diff(session, prepend=-1))
    return Ordered(reports, places, _renumber(session, first), first, began[session[first]], relative[places])


def _renumber(session: Ints, first: Ints) -> Ints:
    lengths = np.diff(np.append(first, len(session)))
    return np.repeat(np.arange(len(first)), lengths)


def _one_clock(reports: pa.Table, session: Ints, count: int) -> Ints:
    """Server time of every report; a player's own `ts` is exact between its reports, so it is used and shifted."""
    received = reports["received_ms"].to_numpy()
    if reports["player_ms"].null_count == len(received):
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


def _sorted_places(session: Ints, at: Ints, sequence: Ints) -> Ints:
    """Places by session, time and sequence number: one sort of packed integers where they fit, else a stable sort."""
    rows = len(session)
    row_bits, session_bits = max(rows - 1, 1).bit_length(), int(session.max(initial=0)).bit_length()
    time_bits = int(at.max(initial=0)).bit_length()
    ties = len(sequence) and bool((sequence > 0).any())
    if session_bits + time_bits + row_bits <= 63 and not ties:
        packed = (session << (time_bits + row_bits)) | (at << row_bits) | np.arange(rows)
        packed.sort()
        return packed & ((1 << row_bits) - 1)
    if session_bits + time_bits + 16 + row_bits <= 63:
        packed = (((session << time_bits) | at) << 16) | (sequence & 0xFFFF)
        packed = (packed << row_bits) | np.arange(rows)
        packed.sort()
        return packed & ((1 << row_bits) - 1)
    return np.lexsort((sequence, at, session))
