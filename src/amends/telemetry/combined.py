"""Lines of a combined access log cut into columns by the positions of their spaces, without touching a line in Python.

`host ident user [time zone] "METHOD target PROTOCOL" status bytes rest`. A column is cut by laying its ends beside its
beginnings as the offsets of one Arrow array: of the pieces between, every second one is the column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
NEWLINE, SPACE, QUOTE, OPEN, CLOSE, ASKED, AND, COMMA, PERCENT, TWO, A, Z, C = b'\n "[]?&,%2AZc'
LOWER = 0x20  # the bit that makes a letter small
SPACES = 9  # before: ident, user, [time, zone], "METHOD, target, PROTOCOL", status, bytes
CMCD = b"CMCD="


@dataclass(frozen=True)
class Lines:
    """A block of whole lines: its bytes and where each line begins and ends (its newline, or the end)."""

    buffer: pa.Buffer
    since: Ints
    until: Ints

    @classmethod
    def of(cls, block: bytes) -> Lines:
        ends = np.append(np.flatnonzero(np.frombuffer(block, np.uint8) == NEWLINE), len(block))
        return cls(pa.py_buffer(block), np.append(0, ends[:-1] + 1), ends)

    def __len__(self) -> int:
        return len(self.since)

    def texts(self, rows: Ints) -> list[str]:
        """Lines as they stand; bytes that are not UTF-8 as lone surrogates."""
        whole = memoryview(self.buffer)
        return [str(whole[self.since[row] : self.until[row]], "utf-8", "surrogateescape") for row in rows]


@dataclass(frozen=True)
class Cut:
    """The lines that have the format's shape; `row` says which. What a line does not have is an empty text."""

    row: Ints
    time: pa.Array
    path: pa.Array
    status: pa.Array
    bytes: pa.Array
    rest: pa.Array
    named: Bools  # the request has a CMCD argument, be it empty
    members: pa.Array  # of the CMCD arguments of all lines, as sent, still percent-encoded, in order of line
    member_of: Ints  # whose: place in `row`


def cut(lines: Lines) -> Cut:
    """Cut those lines that are plain: no space or quote inside the request, no quote before it."""
    data = np.frombuffer(lines.buffer, np.uint8)
    row, at = _spaces(data, lines)
    begins = at + 1
    plain = (at[0] > lines.since[row]) & (at[1] - at[0] > 1)
    plain &= (data[at[2] + 1] == OPEN) & (data[at[4] - 1] == CLOSE) & (data[at[4] + 1] == QUOTE)
    plain &= (data[at[7] - 1] == QUOTE) & (at[6] - at[5] > 1) & (at[8] - at[7] == 4)
    plain &= _capital(data[at[4] + 2]) & _capital(data[at[5] - 1])
    quotes = np.append(np.flatnonzero(data == QUOTE), len(data))
    first = np.minimum(np.searchsorted(quotes, lines.since[row]), len(quotes) - 2)
    plain &= (quotes[first] == at[4] + 1) & (quotes[first + 1] == at[7] - 1)
    row, at, begins = row[plain], at[:, plain], begins[:, plain]
    end = lines.until[row]
    after = np.minimum(_next(np.flatnonzero(data == SPACE), begins[8], len(data)), end)
    asked = np.minimum(_next(np.flatnonzero(data == ASKED), begins[5], len(data)), at[6])
    named, since, until = _argument(data, asked, at[6])
    pieces = [(begins[2] + 1, at[4] - 1), (begins[5], asked), (begins[7], at[8]), (begins[8], after), (after, end)]
    time, path, status, sent, rest = _cut(lines.buffer, pieces)
    members, member_of = _members(lines.buffer, data, since, until)
    return Cut(row, time, path, status, sent, rest, named, members, member_of)


def _spaces(data: Bytes, lines: Lines) -> tuple[Ints, Ints]:
    """Of the lines that have them all, the positions of the first SPACES spaces (SPACES × lines)."""
    spaces = np.flatnonzero(data == SPACE)
    first = np.searchsorted(spaces, lines.since)
    last = np.minimum(first + SPACES - 1, len(spaces) - 1)
    enough = (first + SPACES <= len(spaces)) & (spaces[last] < lines.until) if len(spaces) else first < 0
    row = np.flatnonzero(enough)
    return row, spaces[first[row] + np.arange(SPACES)[:, None]]


def _capital(letters: Bytes) -> Bools:
    return (letters >= A) & (letters <= Z)


def _next(places: Ints, since: Ints, none: int) -> Ints:
    return np.append(places, none)[np.searchsorted(places, since)]


def _cut(buffer: pa.Buffer, pieces: list[tuple[Ints, Ints]]) -> list[pa.Array]:
    """Columns from (begin, end) positions that rise within a row and from row to row."""
    rows, width = len(pieces[0][0]), 2 * len(pieces)
    if not rows:
        return [pa.array([], pa.string())] * len(pieces)
    offsets = np.empty((rows, width), np.int32)
    for index, (begin, end) in enumerate(pieces):
        offsets[:, 2 * index], offsets[:, 2 * index + 1] = begin, end
    texts = pa.StringArray.from_buffers(rows * width - 1, pa.py_buffer(offsets), buffer)
    starts = np.arange(0, rows * width, width)
    return [texts.take(pa.array(starts + 2 * index)) for index in range(len(pieces))]


def _argument(data: Bytes, asked: Ints, end: Ints) -> tuple[Bools, Ints, Ints]:
    """Of each query whether it has a CMCD argument, and its value from and to; the end where it has none."""
    marks = np.flatnonzero(data == CMCD[0])
    marks = marks[(marks > 0) & (marks + len(CMCD) <= len(data))]
    for index in range(1, len(CMCD)):
        marks = marks[data[marks + index] == CMCD[index]]
    marks = marks[(data[marks - 1] == ASKED) | (data[marks - 1] == AND)]
    named = np.minimum(_next(marks, asked, len(data)), end)
    since = np.minimum(named + len(CMCD), end)
    until = np.minimum(_next(np.flatnonzero(data == AND), since, len(data)), end)
    return named < end, since, until


def _members(buffer: pa.Buffer, data: Bytes, since: Ints, until: Ints) -> tuple[pa.Array, Ints]:
    """The arguments cut at their commas, written `%2C` or plain."""
    encoded = np.flatnonzero((data | LOWER) == C) - 2
    encoded = encoded[np.searchsorted(encoded, 0) :]
    encoded = encoded[(data[encoded + 1] == TWO) & (data[encoded] == PERCENT)]
    plain = np.flatnonzero(data == COMMA)
    at = np.concatenate([encoded, plain])
    wide = np.concatenate([np.full(len(encoded), 3), np.ones(len(plain), np.int64)])
    if len(plain):
        order = np.argsort(at, kind="stable")
        at, wide = at[order], wide[order]
    some = np.flatnonzero(until > since)
    low, high = np.searchsorted(at, since[some]), np.searchsorted(at, until[some])
    commas = high - low
    within = np.repeat(low - np.cumsum(commas) + commas, commas) + np.arange(commas.sum())
    slot = np.arange(len(within)) + np.repeat(np.arange(len(some)), commas)  # a comma ends the piece at its slot
    first = np.cumsum(commas + 1) - commas - 1
    begin, end = np.empty((2, len(within) + len(some)), np.int64)
    begin[first], begin[slot + 1] = since[some], (at + wide)[within]
    end[first + commas], end[slot] = until[some], at[within]
    return _cut(buffer, [(begin, end)])[0], np.repeat(some, commas + 1)
