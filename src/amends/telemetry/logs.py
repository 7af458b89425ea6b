"""Lines of web servers and CDNs: combined, W3C extended and JSON access logs that carry CMCD in query or headers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from amends.ground.moments import parse_moment, to_ms
from amends.telemetry.cmcd import Unreadable

Record = dict[str, Any]
LineReader = Callable[[str], Record | None]

_COMBINED = re.compile(
    r'\S+ \S+ .*?\[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<target>\S+)[^"]*" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r"(?P<rest>.*)",
    re.ASCII,
)
_TAKEN = re.compile(r"(?:^|\s|rt=|request_time=)(\d+\.\d{3})(?:\s|$)")
_CMCD_HEADER = re.compile(r'"((?:[^"\\]|\\.)*)"')
_MONTHS = dict(
    zip(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), range(1, 13), strict=True)
)

# Names that nginx, Apache, Caddy, Envoy, Fastly, Cloudflare and CloudFront give the same things.
TIME_NAMES = ("t", "time", "ts", "timestamp", "@timestamp", "time_iso8601", "start_time", "EdgeStartTimestamp", "msec")
TARGET_NAMES = ("request_uri", "uri", "url", "target", "ClientRequestURI", "path", "cs-uri", "request_path")
QUERY_NAMES = ("query", "query_string", "args", "cs-uri-query", "request_query")
STATUS_NAMES = ("status", "status_code", "response_status", "EdgeResponseStatus", "sc-status", "response_code")
BYTES_NAMES = ("bytes", "size", "body_bytes_sent", "bytes_sent", "EdgeResponseBytes", "sc-bytes", "response_body_size")
TAKEN_NAMES = ("secs", "duration", "request_time", "time_taken", "time-taken", "taken", "time_elapsed")


def read_combined(line: str) -> Record | None:
    """A line of Apache's and nginx's combined format; None when it carries no CMCD."""
    match = _COMBINED.match(line)
    if not match:
        raise Unreadable("line: expected the combined log format")
    target, rest = match["target"], match["rest"]
    path, _, query = target.partition("?")
    record: Record = {"t": clf_time(match["time"]), "path": path, "status": int(match["status"])}
    if match["bytes"] != "-":
        record["bytes"] = int(match["bytes"])
    taken = _TAKEN.search(rest)
    if taken:
        record["secs"] = float(taken[1])
    if "CMCD=" in query:
        record["query"] = query
    elif "sid=" in rest:  # CMCD headers logged as further quoted fields
        record["query"] = ",".join(f.replace('\\"', '"') for f in _CMCD_HEADER.findall(rest) if _is_cmcd(f))
    else:
        return None
    return record


def _is_cmcd(text: str) -> bool:
    return bool(re.match(r"^(?:[a-z][a-z0-9.-]*(?:=|,|$))", text)) and "://" not in text.split("nor=")[0]


def clf_time(text: str) -> float:
    """`24/Nov/2026:20:15:00 +0100`, with or without fractions, in Unix seconds."""
    try:
        day, month, year, hour, minute = text[0:2], text[3:6], text[7:11], text[12:14], text[15:17]
        second, zone = text[18:].rsplit(" ", 1)
        moment = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), tzinfo=UTC)
        shift = (int(zone[1:3]) * 60 + int(zone[3:5])) * (-60 if zone[0] == "-" else 60)
        return moment.timestamp() + float(second) - shift
    except (ValueError, KeyError, IndexError) as error:
        raise Unreadable(f"time: expected 24/Nov/2026:20:15:00 +0100, not {text[:40]!r}") from error


class W3cReader:
    """W3C extended format: `#Fields:` says what the columns are; tabs or spaces between them."""

    def __init__(self) -> None:
        self.fields: list[str] = []

    def __call__(self, line: str) -> Record | None:
        if line.startswith("#"):
            if line.startswith("#Fields:"):
                self.fields = line[8:].split()
            return None
        if not self.fields:
            raise Unreadable("line: a W3C log needs a #Fields: line first")
        parts = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if len(parts) != len(self.fields):
            raise Unreadable(f"line: expected {len(self.fields)} columns as #Fields: says, found {len(parts)}")
        return self._record(dict(zip(self.fields, parts, strict=True)))

    def _record(self, row: dict[str, str]) -> Record | None:
        record: Record = {"t": self._time(row), "path": row.get("cs-uri-stem") or row.get("cs-uri", "").split("?")[0]}
        query = row.get("cs-uri-query") or row.get("cs-uri", "").partition("?")[2]
        if "CMCD" in query:
            record["query"] = unquote(query) if "%25" in query else query  # CloudFront encodes twice
        else:
            headers = {
                key[3:-1]: unquote(value).replace("+", " ") for key, value in row.items() if key.startswith("cs(")
            }
            record["headers"] = {
                k: v.strip('"') for k, v in headers.items() if k.lower().startswith("cmcd-") and v != "-"
            }
            if not record["headers"]:
                return None
        for name, key, of in (("status", "sc-status", int), ("bytes", "sc-bytes", int), ("secs", "time-taken", float)):
            if row.get(key, "-") not in ("-", ""):
                record[name] = of(row[key])
        return record

    @staticmethod
    def _time(row: Mapping[str, str]) -> float:
        if "timestamp" in row:
            return float(row["timestamp"])
        try:
            moment = f"{row['date']}T{row['time']}"
            return to_ms(parse_moment(moment if moment.endswith("Z") else moment + "Z")) / 1000
        except (KeyError, ValueError) as error:
            raise Unreadable("date, time: expected 2026-11-24 and 20:15:00 in UTC") from error


def read_json(line: str) -> Record | None:
    """One JSON object per line, with field names as common servers write them; None when it carries no CMCD."""
    try:
        found = json.loads(line)
    except ValueError as error:
        raise Unreadable(f"line: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unreadable("line: expected one JSON object")
    if "kind" in found or "body" in found:
        return found
    return from_names(_flat(found))


def _flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """Caddy and Envoy nest the request; its fields stand beside the rest."""
    flat = dict(found)
    for name in ("request", "httpRequest", "response"):
        if isinstance(found.get(name), dict):
            flat = {**found[name], **flat}
    return flat


def from_names(flat: Mapping[str, Any]) -> Record | None:
    """A record from whichever of the known names a log uses."""
    target = str(_first(flat, TARGET_NAMES) or "")
    path, _, query = target.partition("?")
    query = str(_first(flat, QUERY_NAMES) or query)
    record: Record = {"t": _any_time(_first(flat, TIME_NAMES)), "path": path}
    headers = flat.get("headers") or flat.get("request_headers") or {}
    cmcd_headers = {str(k): v[0] if isinstance(v, list) else v for k, v in dict(headers).items()}
    cmcd_headers |= {
        key.replace("_", "-").removeprefix("http-"): value for key, value in flat.items() if "cmcd" in key.lower()
    }
    cmcd_headers = {k: str(v) for k, v in cmcd_headers.items() if k.lower().startswith("cmcd-")}
    if query and ("CMCD" in query or "sid=" in query):
        record["query"] = query
    elif cmcd_headers:
        record["headers"] = cmcd_headers
    else:
        return None
    for name, names, of in (("status", STATUS_NAMES, int), ("bytes", BYTES_NAMES, int), ("secs", TAKEN_NAMES, float)):
        value = _first(flat, names)
        if value not in (None, "", "-"):
            record[name] = of(float(value))
    return record


def _first(flat: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((flat[name] for name in names if flat.get(name) not in (None, "")), None)


def _any_time(value: Any) -> float:
    """Unix seconds, milliseconds, micro- or nanoseconds, RFC 3339, or the common log format's time."""
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        for scale in (1.0, 1e3, 1e6, 1e9):
            if value / scale < 1e11:
                return float(value / scale)
    if isinstance(value, str):
        try:
            return to_ms(parse_moment(value)) / 1000
        except ValueError:
            return clf_time(value)
    raise Unreadable(f"time: none of {', '.join(TIME_NAMES[:5])} … was found")


def reader_for(line: str) -> LineReader:
    """Which reader a file wants, from its first line."""
    if line.lstrip().startswith("{"):
        return read_json
    if line.startswith("#"):
        return W3cReader()
    return read_combined
