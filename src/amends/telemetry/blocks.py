"""Access logs by the block: what repeats is parsed once, and lines become columns without a Python loop over lines.

Members such as `br=2500` or `ot=v` are few and repeat by the thousand. So dictionaries are split at their commas, the
pieces are dictionary-encoded, each distinct piece goes through the scalar parser of `cmcd.py`, and the results are laid
out by index. Whatever does not fit that mould (inner lists, commas in strings, odd lines) is handed back to be read one
by one, so both ways give the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from amends.telemetry import cmcd, combined
from amends.telemetry.cmcd import MAX_KBPS, MAX_MS, CmcdSettings, Members, Unreadable
from amends.telemetry.combined import Cut, Lines
from amends.telemetry.logs import clf_time
from amends.telemetry.reading import check_time
from amends.telemetry.records import EVENTS, OBJECT_TYPES, REPORTS, STATES

Bools = npt.NDArray[np.bool_]
_TAKEN = r"(?:^|\s|rt=|request_time=)\d+\.\d{3}(?:\s|$)"  # seconds that a server took, written behind the rest
_ODD = re.compile(r"[({\\\\]")  # inner lists, JSON, escaped characters: read one by one
Reader = Callable[[Members], Any]


def _whole(key: str, highest: float) -> Reader:
    return lambda members: cmcd.whole(members, key, highest)


def _code(key: str, names: tuple[str, ...]) -> Reader:
    numbers = {name: number for number, name in enumerate(names) if name}
    return lambda members: numbers.get(str(members[key]), 0)


def _flag(key: str) -> Reader:
    return lambda members: bool(members[key])


COLUMNS: dict[str, tuple[str, Reader]] = {
    "ts": ("player_ms", _whole("ts", 2**52)),
    "sn": ("sequence", _whole("sn", 2**31 - 1)),
    "v": ("version", _whole("v", 100)),
    "e": ("event", _code("e", EVENTS)),
    "sta": ("state", _code("sta", STATES)),
    "ot": ("object_type", _code("ot", OBJECT_TYPES)),
    "br": ("bitrate_kbps", _whole("br", MAX_KBPS)),
    "tb": ("top_bitrate_kbps", _whole("tb", MAX_KBPS)),
    "bl": ("buffer_ms", _whole("bl", MAX_MS)),
    "dl": ("deadline_ms", _whole("dl", MAX_MS)),
    "d": ("duration_ms", _whole("d", MAX_MS)),
    "mtp": ("throughput_kbps", _whole("mtp", MAX_KBPS)),
    "bs": ("starved", _flag("bs")),
    "bsd": ("starved_ms", _whole("bsd", MAX_MS)),
    "msd": ("startup_ms", _whole("msd", MAX_MS)),
    "pr": ("rate", lambda members: cmcd.number(members, "pr", 100)),
    "pt": ("playhead_ms", _whole("pt", 2**52)),
    "su": ("starting", _flag("su")),
    "bg": ("background", _flag("bg")),
    "ec": ("error_code", cmcd.error_code),
    "cid": ("content_id", lambda members: cmcd.text_of(members, "cid")),
    "st": ("stream_type", lambda members: cmcd.text_of(members, "st", 8)),
    "sf": ("format", lambda members: cmcd.text_of(members, "sf", 8)),
    "nor": ("next_path", cmcd.next_path),
    "sid": ("session_id", lambda members: cmcd.text_of(members, "sid", cmcd.MAX_SESSION_ID)),
}
DEFAULTS = {"version": 1, "event": 0, "state": 0, "object_type": 0}


def read_combined(lines: Lines, settings: CmcdSettings) -> tuple[pa.Table, Bools]:
    """Rows of the lines that fit, and which lines were read; lines without CMCD count as read."""
    cut = combined.cut(lines)
    nothing = ~cut.named & ~pc.match_substring(cut.rest, "sid=").to_numpy(zero_copy_only=False)
    plain = cut.named & ~pc.match_substring_regex(cut.rest, _TAKEN).to_numpy(zero_copy_only=False)
    members, regular = _members(cut, settings)
    times, timed = _times(cut.time)
    status, answered = _numbers(cut.status, pa.int16())
    sent, measured = _numbers(cut.bytes, pa.int64())
    whole = timed & answered & measured
    good = plain & regular & whole
    read = np.zeros(len(lines), np.bool_)
    read[cut.row[(nothing & whole) | good]] = True
    columns = members | {"received_ms": times, "path": cut.path, "status": status, "bytes": sent}
    columns["mode"] = pa.array(np.ones(len(cut.row), np.int8))
    arrays = [columns.get(f.name, pa.nulls(len(cut.row), f.type)).cast(f.type) for f in REPORTS]
    table = pa.Table.from_arrays(arrays, schema=REPORTS)
    return (table if good.all() else table.filter(pa.array(good))), read


def _numbers(texts: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Bools]:
    """Whole numbers, null for `-`, and which could be read."""
    none = pc.equal(texts, "-")
    whole = pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), 4 if kind == pa.int16() else 18))
    found = pc.if_else(whole, texts, None).cast(kind)
    return found, pc.or_(whole, none).to_numpy(zero_copy_only=False)


def _members(cut: Cut, settings: CmcdSettings) -> tuple[dict[str, pa.Array], Bools]:
    """Columns by name from dictionaries, and which rows are regular: whole strings, each key once, a session."""
    encoded, row, count = cut.members.dictionary_encode(), cut.member_of, len(cut.row)
    codes = encoded.indices.to_numpy()
    wanted = COLUMNS | {
        settings.customer_key: ("customer_id", lambda members: cmcd.text_of(members, settings.customer_key, 200)),
        settings.order_key: ("order_id", lambda members: cmcd.text_of(members, settings.order_key, 200)),
    }
    numbers = {key: number for number, key in enumerate(wanted)}
    key_of, value_of, odd = _distinct(encoded.dictionary.to_pylist(), wanted, numbers)
    regular = np.ones(count, np.bool_)
    regular[row[odd[codes]]] = False
    keys, said = key_of[codes], set(key_of.tolist())
    columns = {}
    for key, (name, _) in wanted.items():
        at = np.flatnonzero(keys == numbers[key]) if numbers[key] in said else ()
        if not len(at):
            columns[name] = _unsaid(name, count)
            continue
        values = np.full(count, len(value_of))
        values[row[at]] = codes[at]
        columns[name] = _laid_out(name, values, value_of)
    regular &= pc.is_valid(columns["session_id"]).to_numpy(zero_copy_only=False)
    columns["session"] = _hashed(columns["session_id"])
    return columns, regular


def _distinct(
    texts: list[str], wanted: dict[str, tuple[str, Reader]], numbers: dict[str, int]
) -> tuple[npt.NDArray[np.int64], list[Any], Bools]:
    """Each distinct piece through the scalar parser: its key's number, its value, and whether it is odd."""
    key_of, values, odd = np.full(len(texts), -1), [], np.zeros(len(texts), np.bool_)
    for index, raw in enumerate(texts):
        text, value = unquote(raw), None
        if "+" in raw or text.count('"') % 2 or text != text.strip() or _ODD.search(text):
            odd[index] = True
        else:
            members = cmcd.parse(text)
            key = next(iter(members), "")
            if key in wanted:
                key_of[index], value = numbers[key], wanted[key][1](members)
        values.append(value)
    return key_of, values, odd


def _laid_out(name: str, codes: npt.NDArray[np.int64], values: list[Any]) -> pa.Array:
    """Values by code as a column; a code past the last means the row does not say."""
    used = np.unique(codes)
    default = DEFAULTS.get(name)
    given = [default if code == len(values) else values[code] for code in used.tolist()]
    if default is not None:
        given = [default if value is None or (name == "version" and value == 0) else value for value in given]
    places = np.searchsorted(used, codes)
    return pa.array(given, REPORTS.field(name).type).take(pa.array(places))


def _unsaid(name: str, count: int) -> pa.Array:
    kind = REPORTS.field(name).type
    return pa.array(np.full(count, DEFAULTS[name]), kind) if name in DEFAULTS else pa.nulls(count, kind)


def _hashed(session_ids: pa.Array) -> pa.Array:
    encoded = session_ids.dictionary_encode()
    numbers = [0 if text is None else cmcd.hash_session(text) for text in encoded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(numbers, pa.uint64()).take(encoded.indices), 0)


def _times(times: pa.Array) -> tuple[pa.Array, Bools]:
    """Unix milliseconds of distinct times, and which could be read and are possible."""
    encoded = times.dictionary_encode()
    known = [_time(text) for text in encoded.dictionary.to_pylist()]
    found = pa.array(known, pa.int64()).take(encoded.indices)
    return pc.fill_null(found, 0), pc.is_valid(found).to_numpy(zero_copy_only=False)


def _time(text: str) -> int | None:
    try:
        milliseconds = round(clf_time(text) * 1000)
        check_time(milliseconds)
    except Unreadable:
        return None
    return milliseconds
