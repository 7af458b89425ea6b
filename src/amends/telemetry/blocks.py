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

from amends.telemetry import cmcd
from amends.telemetry.cmcd import MAX_KBPS, MAX_MS, CmcdSettings, Members, Unreadable
from amends.telemetry.logs import clf_time
from amends.telemetry.reading import check_time
from amends.telemetry.records import EVENTS, OBJECT_TYPES, REPORTS, STATES

Bools = npt.NDArray[np.bool_]
COMBINED = (
    r'^\S+ \S+ \S+ \[(?P<time>[^\]]+)\] "[A-Z]+ (?P<path>[^ ?"]*)\?(?P<query>[^ "]*) [^"]*" '
    r"(?P<status>\d{3}) (?P<bytes>\d+|-)(?P<rest>.*)$"
)
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


def read_combined(lines: pa.Array, settings: CmcdSettings) -> tuple[pa.Table, Bools]:
    """Rows of the lines that fit, and which lines were read; lines without CMCD count as read."""
    found = pc.extract_regex(lines, COMBINED)
    fits = pc.is_valid(found).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(fits)
    parts = {
        name: pc.struct_field(found, [name]).take(pa.array(places))
        for name in ("time", "path", "query", "status", "bytes", "rest")
    }
    with_cmcd = pc.match_substring(parts["query"], "CMCD=").to_numpy(zero_copy_only=False)
    nothing = ~with_cmcd & ~pc.match_substring(parts["rest"], "sid=").to_numpy(zero_copy_only=False)
    plain = with_cmcd & ~pc.match_substring_regex(
        parts["rest"], r"(?:^|\s|rt=|request_time=)\d+\.\d{3}(?:\s|$)"
    ).to_numpy(zero_copy_only=False)
    members, regular = _members(_dictionaries(parts["query"]), settings)
    times, timed = _times(parts["time"])
    good = plain & regular & timed
    read = np.zeros(len(lines), np.bool_)
    read[places[nothing | good]] = True
    columns = members | {"received_ms": times, "path": parts["path"], "status": parts["status"].cast(pa.int16())}
    columns["bytes"] = pc.if_else(pc.equal(parts["bytes"], "-"), None, parts["bytes"]).cast(pa.int64())
    columns["mode"] = pa.array(np.ones(len(places), np.int8))
    arrays = [columns.get(f.name, pa.nulls(len(places), f.type)).cast(f.type) for f in REPORTS]
    return pa.Table.from_arrays(arrays, schema=REPORTS).filter(pa.array(good)), read


def _dictionaries(query: pa.Array) -> pa.Array:
    """The CMCD argument, still encoded, with every comma written `%2C`: what to split at."""
    texts = pc.struct_field(pc.extract_regex(query, r"(?:^|&)CMCD=(?P<text>[^&]*)"), ["text"])
    for other in ("%2c", ","):
        if pc.any(pc.match_substring(texts, other)).as_py():
            texts = pc.replace_substring(texts, other, "%2C")
    return pc.fill_null(texts, "")


def _members(texts: pa.Array, settings: CmcdSettings) -> tuple[dict[str, pa.Array], Bools]:
    """Columns by name from dictionaries, and which rows are regular: whole strings, each key once, a session."""
    lists = pc.split_pattern(texts, "%2C")
    encoded = lists.flatten().dictionary_encode()
    codes, row = encoded.indices.to_numpy(), pc.list_parent_indices(lists).to_numpy()
    wanted = COLUMNS | {
        settings.customer_key: ("customer_id", lambda members: cmcd.text_of(members, settings.customer_key, 200)),
        settings.order_key: ("order_id", lambda members: cmcd.text_of(members, settings.order_key, 200)),
    }
    numbers = {key: number for number, key in enumerate(wanted)}
    key_of, value_of, odd = _distinct(encoded.dictionary.to_pylist(), wanted, numbers)
    regular = np.ones(len(texts), np.bool_)
    regular[row[odd[codes]]] = False
    keys = key_of[codes]
    columns = {}
    for key, (name, _) in wanted.items():
        at = np.flatnonzero(keys == numbers[key])
        values = np.full(len(texts), len(value_of))
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
