"""Whether viewings broke a promise, and how badly: columns in, columns out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from amends.promises.records import Version

Floats = npt.NDArray[np.float64]
SEVERITIES = ("", "minor", "major", "severe")


@dataclass(frozen=True)
class Verdicts:
    """One entry per viewing: severity as an index into SEVERITIES (0 is kept), used anyway, and each measure."""

    severity: npt.NDArray[np.int8]
    used_anyway: npt.NDArray[np.bool_]
    parts: Mapping[str, npt.NDArray[np.int8]]


def columns_of(facts: Sequence[Mapping[str, Any]]) -> dict[str, Floats]:
    """Facts of viewings as columns; unknown numbers are NaN, flags 0 or 1."""
    names = ("startup_s", "stall_s", "stall_count", "longest_stall_s", "watched_s", "played_s", "confidence")
    flags = ("failed_start", "playback_failed", "exited_before_start")
    columns = {name: np.array([_number(row.get(name)) for row in facts], np.float64) for name in (*names, *flags)}
    watched = columns["watched_s"]
    share = np.full_like(watched, np.nan)
    columns["stall_share"] = np.divide(columns["stall_s"], watched, out=share, where=watched > 0)
    left = columns["exited_before_start"] == 1
    columns["waited_s"] = np.where(left, watched, np.nan)  # how long they waited before they left
    return columns


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def judge(columns: Mapping[str, Floats], version: Version) -> Verdicts:
    """The severest of all measures and flags; unknown values break nothing, and what is not sure enough is kept."""
    count = len(columns["confidence"])
    parts: dict[str, npt.NDArray[np.int8]] = {}
    for limit in version.limits:
        values = columns[limit.measure]
        found = np.zeros(count, np.int8)
        for rank, least in enumerate((limit.minor, limit.major, limit.severe), 1):
            if least is not None:
                found[values >= least] = rank
        parts[limit.measure] = found
    for flag, severity in version.flags.items():
        parts[flag] = np.where(columns[flag] == 1, SEVERITIES.index(severity), 0).astype(np.int8)
    worst = np.max(list(parts.values()), axis=0) if parts else np.zeros(count, np.int8)
    sure = columns["confidence"] >= version.least_confidence
    played, watched = np.nan_to_num(columns["played_s"]), np.nan_to_num(columns["watched_s"])
    share = np.divide(played, watched, out=np.zeros(count), where=watched > 0)
    used = (share >= version.used_if_played) & (played >= version.used_if_played_s)
    used &= (columns["playback_failed"] != 1) & (columns["failed_start"] != 1)
    return Verdicts(np.where(sure, worst, 0).astype(np.int8), used, parts)
