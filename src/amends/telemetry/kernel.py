"""The kernel: CMCD reports in, one row per play session out. No Django, no clock; the same rows in any order in.

Where the player says its state as it changes, the states decide; where it does not, buffer arithmetic over its
requests does; where neither can tell, the answer is null and the confidence low.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.telemetry import attempts, groups, states, verdicts
from amends.telemetry.arithmetic import Spans
from amends.telemetry.ordered import Bools, Floats, Ints, Ordered, order
from amends.telemetry.records import SESSIONS, SPAN, SPAN_KINDS
from amends.telemetry.requests import REQUEST_MODE
from amends.telemetry.score import R_MIN_KBPS, score
from amends.telemetry.states import PLAY, SEEK, STALL, STARTUP, Runs, Told
from amends.telemetry.verdicts import Verdicts

Columns = dict[str, pa.Array]
ORDER = [("started_at_ms", "ascending"), ("session_id", "ascending")]
PART_ROWS = 500_000
USED = (
    *("session", "session_id", "customer_id", "order_id", "content_id", "received_ms", "player_ms", "sequence"),
    *("mode", "event", "state", "object_type", "bitrate_kbps", "buffer_ms", "deadline_ms", "duration_ms", "rate"),
    *("path", "next_path", "status", "starting"),
)


def assess(reports: pa.Table) -> pa.Table:
    """One row of `records.SESSIONS` per play session; order, repeats and lateness of reports change nothing.

    A session is judged as if it were over: whoever calls closes it, by its end or by 60 s of silence.
    """
    if reports.num_rows == 0:
        return SESSIONS.empty_table()
    parts = reports.num_rows // PART_ROWS
    found = pa.concat_tables(_in_parts(reports, parts)) if parts > 1 else _assess(reports)
    return found.sort_by(ORDER)


def _in_parts(reports: pa.Table, parts: int) -> list[pa.Table]:
    """Whole sessions in parts that the processor's cache can hold, on two threads: NumPy works without the lock."""
    used = reports.select([name for name in USED if name in reports.column_names]).combine_chunks()
    part = ((used["session"].to_numpy() >> np.uint64(7)) % np.uint64(parts)).astype(np.uint16)
    rows = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=parts))
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: _assess(used.take(pa.array(one))), np.split(rows, ends[:-1])))


def _assess(reports: pa.Table) -> pa.Table:
    if reports.num_rows == 0:
        return SESSIONS.empty_table()
    ordered, broken = attempts.last_of_each(order(reports))
    asked = np.zeros(ordered.sessions, np.bool_)
    asked[ordered.session[ordered.column("mode") == REQUEST_MODE]] = True
    found = verdicts.judge(ordered, asked) if asked.any() else None
    media_over = found.lived.reached_end if found else asked
    told = states.tell(ordered, media_over, found.more_to_come & asked if found else asked)
    runs = attempts.begun_at_once(states.joined(told.runs, told.usable), told.first_play, told.played)
    table = _from_states(ordered, told, runs)
    if found:
        _lay_requests_over(table, ordered, told, runs, found)
    if broken.any():
        _doubt(table, broken)
    return pa.table([table[field.name] for field in SESSIONS], schema=SESSIONS)


def _from_states(ordered: Ordered, told: Told, runs: Runs) -> Columns:
    """Every column as the states tell it; sessions without states get nulls."""
    count = ordered.sessions
    length = (runs.until - runs.since) / 1000
    of_kind = {k: groups.sums(length[runs.kind == k], runs.session[runs.kind == k], count) for k in range(5)}
    stalls = runs.kind == STALL
    longest = np.zeros(count)
    np.maximum.at(longest, runs.session[stalls], length[stalls])
    known, played = told.usable, told.usable & told.played
    startup = np.where(played, of_kind[STARTUP], np.nan)
    watched = of_kind[PLAY] + of_kind[STALL] + of_kind[SEEK] + of_kind[STARTUP]
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
        "spans": _spans(_in_seconds(runs), count),
    }


def _lay_requests_over(table: Columns, ordered: Ordered, told: Told, runs: Runs, found: Verdicts) -> None:
    """Lay over what only the requests know: everything where there are no states, bitrates where there are."""
    over = found.asked & ~told.usable
    played = found.lived.played
    columns: Columns = {name: _floats(values) for name, values in found.seconds.items()}
    columns |= {name: _bools(flag.value, flag.known) for name, flag in found.flags.items()}
    columns["stall_count"] = _ints(found.stall_count, played)
    columns["ended"] = pa.array(found.ended)
    columns["last_seen_ms"] = pa.array(ordered.began_ms + np.rint(found.last_seen_s * 1000).astype(np.int64))
    columns["method"] = pa.array(np.where(found.by_buffer, "buffer", "none"))
    columns["confidence"] = pa.array(found.confidence)
    for name, values in found.bitrates.items():
        known = ~np.isnan(values)
        counted = _ints(np.nan_to_num(values), known) if name == "switches" else _floats(values)
        table[name] = pc.if_else(pa.array(over | (found.asked & known)), counted, table[name])
    for name, column in columns.items():
        table[name] = pc.if_else(pa.array(over), column, table[name])
    lossy = pa.array(found.asked & told.usable & played & (_gaps(ordered) > 0))
    sooner = pc.min_element_wise(table["startup_s"], columns["startup_s"])
    table["startup_s"] = pc.if_else(lossy, sooner, table["startup_s"])
    runs = attempts.cut_startup(runs, lossy.to_numpy(zero_copy_only=False), table["startup_s"].to_numpy(False) * 1000)
    table["spans"] = _spans(_together(_in_seconds(runs), found.spans[over[found.spans.session]]), ordered.sessions)


def _doubt(table: Columns, broken: Bools) -> None:
    """A wait through half an hour of silence may have been a closed lid: it is not claimed, and the row is not sure."""
    longest = pc.fill_null(pc.max_element_wise(table["startup_s"], table["longest_stall_s"]), 0.0)
    doubtful = pc.and_(pa.array(broken), pc.greater(longest, attempts.BREAK_MS / 1000))
    for name in ("startup_s", "stall_count", "stall_s", "longest_stall_s", "score"):
        table[name] = pc.if_else(doubtful, pa.scalar(None, table[name].type), table[name])
    table["confidence"] = pc.if_else(
        doubtful, pc.min_element_wise(table["confidence"], pa.scalar(0.4)), table["confidence"]
    )


def _in_seconds(runs: Runs) -> Spans:
    return Spans(runs.session, runs.kind, runs.since / 1000, runs.until / 1000)


def _together(some: Spans, others: Spans) -> Spans:
    order = np.argsort(np.concatenate([some.session, others.session]), kind="stable")
    columns = zip(vars(some).values(), vars(others).values(), strict=True)
    return Spans(*(np.concatenate(pair)[order] for pair in columns))


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


def _spans(spans: Spans, count: int) -> pa.Array:
    offsets = np.append([0], np.cumsum(np.bincount(spans.session, minlength=count)))
    kinds = pa.DictionaryArray.from_arrays(pa.array(spans.kind, pa.int8()), pa.array(SPAN_KINDS)).cast(pa.string())
    times = [pa.array(np.round(moment, 3)) for moment in (spans.since, spans.until)]
    items = pa.StructArray.from_arrays([kinds, *times], fields=list(SPAN))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)


def _floats(values: Floats) -> pa.Array:
    return pa.array(np.round(values, 3), pa.float64(), from_pandas=True)


def _ints(values: Ints, known: Bools) -> pa.Array:
    return pa.array(values.astype(np.int32), pa.int32(), mask=~known)


def _bools(values: Bools, known: Bools) -> pa.Array:
    return pa.array(values, pa.bool_(), mask=~known)
