"""What a table could not reckon of a history, and why: in sentences with the failures that they are about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from amends.learning.history import codes_of
from amends.learning.records import Bools, Ints
from amends.learning.telling import Told
from amends.recoveries.policy.column_answers import NO_VERSION, Decided
from amends.recoveries.policy.tree import REQUIRED

MOST_ALIKE = 200  # kinds of failures that are asked why, the largest first
ROOM = 2**62


def of(answers: Decided, told: Told, currency: pa.ChunkedArray, who: str) -> dict[str, Bools]:
    """What a company's policy could not reckon: of failures that are alike, one is asked why."""
    notes: dict[str, Bools] = {}
    early = answers.refused == NO_VERSION
    if early.any():
        notes[f"came before the first version of {who}: a person decides"] = early
    rows = np.flatnonzero((answers.refused != 0) & ~early)
    if len(rows):
        alike = _alike([answers.refused, answers.row, codes_of(currency), *told.unknown.values()], rows)
        for first, mine in _largest(alike, rows):
            row = answers.row_of(first)
            says = (
                f"could not be reckoned in full by row {row.row_id if row else 'none'} of {who}: {answers.why(first)}"
            )
            _add(notes, f"{says}; a person decides", mine, len(answers.refused))
    return notes


def of_rule(answers: Decided, told: Told, title: str) -> dict[str, Bools]:
    """What a published rule could not look at: what it needs is not known, or cannot be."""
    notes: dict[str, Bools] = {}
    for name, unknown in told.unknown.items():
        if answers.table.inputs[name].default is not REQUIRED:
            unknown = told.unusable.get(name, False) & unknown  # asked alone, the rule refuses it too
        if unknown.any():
            notes[f"could not be looked at by {title} ({name} is not known): a person decides"] = unknown
    told_of = np.logical_or.reduce([np.zeros(len(answers.refused), np.bool_), *notes.values()])
    rows = np.flatnonzero((answers.refused != 0) & ~told_of)
    if len(rows):
        for first, mine in _largest(_alike([answers.refused], rows), rows):
            inputs = list(answers.table.inputs)
            field = inputs[answers.refused[first] - 1] if answers.refused[first] > 0 else ""
            why = f"{field} is out of range" if field else answers.why(first)
            _add(notes, f"could not be looked at by {title} ({why}): a person decides", mine, len(answers.refused))
    return notes


def persons(answers: Decided, title: str) -> dict[str, Bools]:
    """Where a published rule leaves it to a person, and why."""
    notes: dict[str, Bools] = {}
    for number, row in enumerate(answers.by_row.rows):
        if row.person and (held := answers.row == number).any():
            says = f"was left to a person by {title}: {row.person}"
            notes[says] = held | notes.get(says, False)
    return notes


def _alike(told: list[Any], rows: Ints) -> Ints:
    """One number for each kind of failure, from all that is told of it as far as there is room."""
    found, room = np.zeros(len(rows), np.int64), 1
    for column in told:
        codes = column[rows].astype(np.int64)
        codes -= codes.min()
        size = int(codes.max()) + 1
        if room * size >= ROOM:
            break
        found, room = found * size + codes, room * size
    return found


def _largest(alike: Ints, rows: Ints) -> list[tuple[int, Ints]]:
    """(the first failure, all of them) of each kind."""
    _, firsts, inverse, counts = np.unique(alike, return_index=True, return_inverse=True, return_counts=True)
    chosen = np.argsort(-counts, kind="stable")[:MOST_ALIKE]
    return [(int(rows[firsts[one]]), rows[inverse == one]) for one in chosen]


def _add(notes: dict[str, Bools], says: str, rows: Ints, size: int) -> None:
    notes.setdefault(says, np.zeros(size, np.bool_))[rows] = True
