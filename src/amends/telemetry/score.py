"""The telemetry-only score: mean log bitrate less switches less stalls.

The log form published with Pensieve (Mao, Netravali and Alizadeh, SIGCOMM 2017): mean ln(R / R_min)
- mean |difference of ln R| - 2.66 * stalled seconds / seconds. On sequences that no model was trained on it tells bad
sessions from good ones as well as the standardised model does (docs/explanation/telemetry.md).
"""

from __future__ import annotations

import numpy as np

from amends.telemetry import groups
from amends.telemetry.ordered import Floats, Ints

R_MIN_KBPS = 150.0  # the lowest rung of the ladders it was validated on; fixed, so that scores can be compared
STALL_WEIGHT = 2.66
WINDOW_BITS = 24
WINDOW_S = 300.0  # validated on sequences of at most five minutes: longer sessions are the mean of such windows


def score(log_rate: Floats, log_change: Floats, stall_s: Floats, seconds: Floats) -> Floats:
    """One score per window: mean ln(R/R_min), mean |change of ln R| between segments, stalled and all seconds."""
    share = np.divide(stall_s, seconds, out=np.zeros_like(seconds), where=seconds > 0)
    return log_rate - log_change - STALL_WEIGHT * share


def of_sessions(
    session: Ints, at_s: Floats, kbps: Floats, stalls: tuple[Ints, Floats, Floats], total_s: Floats
) -> Floats:
    """The score of each session: the mean over its windows of five minutes, each weighted by its length; NaN unknown.

    Segments in order of the film: whose, when asked for, of which bitrate. `stalls` are (whose, from, to); `total_s` is
    each session's length.
    """
    inside = at_s < total_s[session]
    session, window, kbps = session[inside], (at_s[inside] // WINDOW_S).astype(np.int64), kbps[inside]
    if not len(session):
        return np.full(len(total_s), np.nan)
    key = session << WINDOW_BITS | window
    if not (key[1:] >= key[:-1]).all():
        order = np.argsort(key, kind="stable")
        key, kbps = key[order], kbps[order]
    logs = np.log(np.maximum(kbps, 1.0) / R_MIN_KBPS)
    new = np.diff(key, prepend=-1) != 0
    first, group = np.flatnonzero(new), np.cumsum(new) - 1
    pieces = np.bincount(group)
    change = groups.sums(np.where(new[1:], 0.0, np.abs(np.diff(logs))), group[1:], len(first))
    change /= np.maximum(pieces - 1, 1)
    whose = key[first] >> WINDOW_BITS
    since = ((key[first] & (1 << WINDOW_BITS) - 1) * WINDOW_S).astype(np.float64)
    seconds: Floats = np.minimum(since + WINDOW_S, total_s[whose]) - since
    stalled = _stalled(key[first], stalls, since, seconds)
    values = score(groups.sums(logs, group, len(first)) / pieces, change, stalled, seconds)
    weight = groups.sums(seconds, whose, len(total_s))
    whole = groups.sums(values * seconds, whose, len(total_s))
    mean: Floats = np.divide(whole, weight, out=np.full(len(total_s), np.nan), where=weight > 0)
    return mean


def _stalled(key: Ints, stalls: tuple[Ints, Floats, Floats], since: Floats, seconds: Floats) -> Floats:
    """Stalled seconds within each window (session << WINDOW_BITS | window, ascending)."""
    session, begins, ends = stalls
    low, high = (begins // WINDOW_S).astype(np.int64), (ends // WINDOW_S).astype(np.int64)
    many = high - low + 1
    stall = np.repeat(np.arange(len(session)), many)
    window = low[stall] + np.arange(len(stall)) - np.repeat(np.cumsum(many) - many, many)
    wanted = session[stall] << WINDOW_BITS | window
    place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    overlap = np.minimum(ends[stall], (since + seconds)[place]) - np.maximum(begins[stall], since[place])
    return groups.sums(np.where(key[place] == wanted, np.maximum(overlap, 0.0), 0.0), place, len(key))
