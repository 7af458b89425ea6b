"""The telemetry-only score: mean log bitrate less switches less stalls.

The log form published with Pensieve (Mao, Netravali and Alizadeh, SIGCOMM 2017): mean ln(R / R_min)
- mean |difference of ln R| - 2.66 * stalled seconds / seconds. On sequences that no model was trained on it tells bad
sessions from good ones as well as the standardised model does (docs/explanation/telemetry.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

R_MIN_KBPS = 150.0  # the lowest rung of the ladders it was validated on; fixed, so that scores can be compared
STALL_WEIGHT = 2.66
WINDOW_S = 300.0  # validated on sequences of at most five minutes: longer sessions are the mean of such windows


def score(log_rate: Floats, log_change: Floats, stall_s: Floats, seconds: Floats) -> Floats:
    """One score per window: mean ln(R/R_min), mean |change of ln R| between segments, stalled and all seconds."""
    share = np.divide(stall_s, seconds, out=np.zeros_like(seconds), where=seconds > 0)
    return log_rate - log_change - STALL_WEIGHT * share


def score_segments(starts_s: Floats, kbps: Floats, stalls: list[tuple[float, float]], total_s: float) -> float | None:
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
