"""The kernel: CMCD reports in, one row per play session out. No Django, no clock; the same rows in any order in.

Where the player says its state as it changes, the states decide; where it does not, buffer arithmetic over its
requests does; where neither can tell, the answer is null and the confidence low.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from amends.telemetry import requests as by_requests
from amends.telemetry import states
from amends.telemetry.ordered import Bools, Ints, Ordered, order
from amends.telemetry.records import SESSIONS, SPAN, SPAN_KINDS
from amends.telemetry.requests import Outcome
from amends.telemetry.score import R_MIN_KBPS, score
from amends.telemetry.states import PLAY, SEEK, STALL, STARTUP, Runs, Told

Floats = npt.NDArray[np.float64]
Columns = dict[str, pa.Array]
WORTH_SPLITTING = 1_000_000


def assess(reports: pa.Table) -> pa.Table:
    """One row of `records.SESSIONS` per play session; order, repeats and lateness of reports change nothing.

    A session is judged as if it were over: whoever calls closes it, by its end or by 60 s of silence.
    """
    if reports.num_rows == 0:
        return SESSIONS.empty_table()
    large = reports.num_rows >= WORTH_SPLITTING
    found = pa.concat_tables(_in_halves(reports)) if large else _assess(reports)
    return found.sort_by([("started_at_ms", "ascending"), ("session_id", "ascending")])


def _in_halves(reports: pa.Table) -> list[pa.Table]:
    """Two threads, each with half of the sessions: NumPy works without the interpreter's lock."""
    odd = pc.equal(pc.bit_wise_and(pc.shift_right(reports["session"], 7), 1), 1)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda mask: _assess(reports.filter(mask)), (odd, pc.invert(odd))))


def _assess(reports: pa.Table) -> pa.Table:
    if reports.num_rows == 0:
        return SESSIONS.empty_table()
    ordered = order(reports)
    outcomes = by_requests.assess_requests(ordered, _needs_requests(ordered))
    media_over, more = np.zeros((2, ordered.sessions), np.bool_)
    for session, outcome in outcomes.items():
        media_over[session], more[session] = outcome.reached_end, outcome.more_to_come
    told = states.tell(ordered, media_over, more)
    table = _from_states(ordered, told)
    table = _with_requests(table, ordered, told, outcomes)
    return pa.table([table[field.name] for field in SESSIONS], schema=SESSIONS)


def _needs_requests(ordered: Ordered) -> Bools:
    """Sessions of which requests are known: only these cost a look at their requests one by one."""
    asked = np.zeros(ordered.sessions, np.bool_)
    asked[ordered.session[ordered.column("mode") == 1]] = True
    return asked


def _from_states(ordered: Ordered, told: Told) -> Columns:
    """Every column as the states tell it; sessions without states get nulls."""
    count, runs = ordered.sessions, states.joined(told.runs, told.usable)
    length = (runs.until - runs.since) / 1000
    of_kind = {k: np.bincount(runs.session[runs.kind == k], length[runs.kind == k], count) * 1.0 for k in range(5)}
    stalls = runs.kind == STALL
    longest = np.zeros(count)
    np.maximum.at(longest, runs.session[stalls], length[stalls])
    known, played = told.usable, told.usable & told.played
    startup = np.where(played, told.first_play / 1000, np.nan)
    watched = of_kind[PLAY] + of_kind[STALL] + of_kind[SEEK]
    watched += np.where(played, told.first_play / 1000, of_kind[STARTUP])
    mean, lowest, switches, change = _bitrates(ordered)
    seconds = of_kind[PLAY] + of_kind[STALL]
    logs = np.log(np.maximum(mean, 1.0) / R_MIN_KBPS)
    scores = score(logs.astype(np.float64), change.astype(np.float64), of_kind[STALL], seconds)
    sure = np.where(told.open_wait, 0.45, np.where(known, 0.95, 0.2))
    return {
        "session_id": _taken(ordered, "session_id"),
        "customer_id": _first_said(ordered, "customer_id"),
        "order_id": _first_said(ordered, "order_id"),
        "content_id": _first_said(ordered, "content_id"),
        "started_at_ms": pa.array(ordered.began_ms),
        "last_seen_ms": pa.array(ordered.began_ms + told.last_at),
        "ended": pa.array(told.ended | told.dead),
        "gaps": pa.array(_gaps(ordered), pa.int32()),
        "startup_s": _floats(startup),
        "stall_count": _ints(np.bincount(runs.session[stalls], minlength=count), played),
        "stall_s": _floats(np.where(played, of_kind[STALL], np.nan)),
        "longest_stall_s": _floats(np.where(played, longest, np.nan)),
        "watched_s": _floats(np.where(known, watched, np.nan)),
        "played_s": _floats(np.where(known, of_kind[PLAY], np.nan)),
        "bitrate_kbps_mean": _floats(mean),
        "bitrate_kbps_min": _floats(lowest),
        "switches": _ints(switches, ~np.isnan(mean)),
        "failed_start": _bools(told.dead & ~told.played, known),
        "exited_before_start": _bools(~told.played & ~told.dead, known),
        "playback_failed": _bools(told.dead & told.played, known),
        "score": _floats(np.where(played & (seconds > 0), scores, np.nan)),
        "method": pa.array(np.where(known, "states", "none")),
        "confidence": pa.array(np.where(known & ~told.open_wait & (_gaps(ordered) > 0), 0.8, sure)),
        "spans": _spans(runs, count),
    }


def _with_requests(table: Columns, ordered: Ordered, told: Told, outcomes: dict[int, Outcome]) -> Columns:
    """Lay over what only the requests know: everything where there are no states, bitrates where there are."""
    if not outcomes:
        return table
    columns = {name: table[name].to_pylist() for name in by_requests.COLUMNS}
    gaps = table["gaps"].to_pylist()
    for session, outcome in outcomes.items():
        only = by_requests.BITRATES if told.usable[session] else by_requests.COLUMNS
        row = outcome.row(int(ordered.began_ms[session]))
        if gaps[session] and outcome.lived.played and told.usable[session]:
            columns["startup_s"][session] = min(columns["startup_s"][session] or row["startup_s"], row["startup_s"])
        for name in only:
            if row.get(name) is not None or not told.usable[session]:
                columns[name][session] = row[name]
    for name, values in columns.items():
        table[name] = pa.array(values, SESSIONS.field(name).type)
    return table


def _bitrates(ordered: Ordered) -> tuple[Floats, Floats, Ints, Floats]:
    """Mean, lowest, number of changes and mean |change of ln| of the bitrates that reports name."""
    count, rate = ordered.sessions, ordered.column("bitrate_kbps")
    said = (rate > 0) & (ordered.column("mode") == states.EVENT_MODE) & (ordered.column("state") != states.S)
    session, kbps = ordered.session[said], rate[said]
    times = np.bincount(session, minlength=count)
    mean = np.divide(np.bincount(session, kbps, count), times, out=np.full(count, np.nan), where=times > 0)
    lowest = np.full(count, np.inf)
    places = np.flatnonzero(np.diff(session, prepend=-1))
    if len(places):
        lowest[session[places]] = np.minimum.reduceat(kbps, places)
    changed = np.flatnonzero((kbps[1:] != kbps[:-1]) & (session[1:] == session[:-1])) + 1
    switches = np.bincount(session[changed], minlength=count)
    logs = np.abs(np.log(kbps[changed] / kbps[changed - 1]))
    change = np.bincount(session[changed], logs, count) * 1.0 / np.maximum(times - 1, 1)
    return mean, np.where(np.isinf(lowest), np.nan, lowest), switches, change


def _gaps(ordered: Ordered) -> Ints:
    """Sequence numbers missing, per session; requests and events count apart."""
    sequence, mode = ordered.column("sequence"), ordered.column("mode")
    gaps = np.zeros(ordered.sessions, np.int64)
    for one in (1, 2):
        mask = (sequence >= 0) & (mode == one)
        if not mask.any():
            continue
        everything = bool(mask.all())
        session = ordered.session if everything else ordered.session[mask]
        key = session.astype(np.int64) << 32 | (sequence if everything else sequence[mask])
        if not (key[1:] >= key[:-1]).all():
            key.sort()
        step = np.diff(key)
        missing = np.flatnonzero((step > 1) & (step < 1 << 31) & (key[1:] >> 32 == key[:-1] >> 32))
        np.add.at(gaps, key[missing] >> 32, step[missing] - 1)
    return gaps


def _taken(ordered: Ordered, name: str) -> pa.Array:
    return pc.take(ordered.reports[name], pa.array(ordered.order[ordered.first])).combine_chunks()


def _first_said(ordered: Ordered, name: str) -> pa.Array:
    """The first value that a session's reports give, in order of time."""
    column = ordered.reports[name] if name in ordered.reports.column_names else pa.nulls(0)
    if column.null_count == len(column):
        return pa.nulls(ordered.sessions, pa.string())
    said = np.flatnonzero(pc.is_valid(column).to_numpy()[ordered.order])
    owner = ordered.session[said]
    new = np.diff(owner, prepend=-1) != 0
    rows = np.full(ordered.sessions, -1)
    rows[owner[new]] = ordered.order[said[new]]
    return pc.take(column, pa.array(rows, mask=rows < 0)).combine_chunks()


def _spans(runs: Runs, count: int) -> pa.Array:
    offsets = np.append([0], np.cumsum(np.bincount(runs.session, minlength=count)))
    kinds = pa.DictionaryArray.from_arrays(pa.array(runs.kind, pa.int8()), pa.array(SPAN_KINDS)).cast(pa.string())
    times = [pa.array(np.round(moment / 1000, 3)) for moment in (runs.since, runs.until)]
    items = pa.StructArray.from_arrays([kinds, *times], fields=list(SPAN))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)


def _floats(values: Floats) -> pa.Array:
    return pa.array(np.round(values, 3), pa.float64(), from_pandas=True)


def _ints(values: Ints, known: Bools) -> pa.Array:
    return pa.array(values.astype(np.int32), pa.int32(), mask=~known)


def _bools(values: Bools, known: Bools) -> pa.Array:
    return pa.array(values, pa.bool_(), mask=~known)
