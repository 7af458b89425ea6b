"""Answers as GeoReport writes them: one structure, as XML and, by the Spark convention, as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.http import HttpResponse

TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8", "csv": "text/csv; charset=utf-8"}
HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
ITEMS = {
    "services": "service",
    "groups": "group",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "notes": "note",
    "photos": "photo",
}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0
_MARKS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_JSON = msgspec.json.Encoder()

Rows = Sequence[Mapping[str, Any]]


def answer(
    root: str, value: Any, form: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A structure under its root's name, in the format asked for. JSON drops the root."""
    body = _JSON.encode(value) if form == "json" else HEAD + element(root, value).encode()
    return HttpResponse(body, status=status, content_type=TYPES[form], headers=dict(headers or {}))


def element(name: str, value: Any) -> str:
    """One value as an element, with all that is in it; what is empty is an empty element."""
    if value is None or value == "":
        return f"<{name}/>"
    if value is True or value is False:
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    if isinstance(value, str):
        return f"<{name}>{text(value)}</{name}>"
    if isinstance(value, Mapping):
        return f"<{name}>{inside(value)}</{name}>"
    if isinstance(value, (list, tuple)):
        item = ITEMS[name]
        alike = value and isinstance(value[0], msgspec.Struct)
        return f"<{name}>{''.join(_alike(item, value) if alike else [element(item, each) for each in value])}</{name}>"
    return f"<{name}>{value}</{name}>"


def _alike(item: str, rows: Sequence[msgspec.Struct]) -> Iterable[str]:
    """Elements of flat rows of one kind, thousands in a list: three times as fast as one by one."""
    tags = [(f"<{name}>", f"</{name}>", f"<{name}/>") for name in rows[0].__struct_fields__]
    for row in rows:
        parts = []
        for (begin, end, empty), value in zip(tags, msgspec.structs.astuple(row), strict=True):
            said = text(value) if type(value) is str else value
            parts.append(empty if said is None or said == "" else f"{begin}{said}{end}")
        yield f"<{item}>{''.join(parts)}</{item}>"


def inside(value: Mapping[str, Any]) -> str:
    return "".join([element(key, each) for key, each in value.items()])


def text(value: str) -> str:
    """A text between tags: what would be markup is escaped, what XML cannot carry is left out."""
    if value.isascii() and value.isprintable() and "&" not in value and "<" not in value and ">" not in value:
        return value
    return _FORBIDDEN.sub("", value).translate(_MARKS)


def xml_pieces(root: str, pieces: Iterable[Rows]) -> Iterable[bytes]:
    """A long list as XML, written while it is read."""
    yield HEAD + f"<{root}>".encode()
    for rows in pieces:
        yield "".join([element(ITEMS[root], row) for row in rows]).encode()
    yield f"</{root}>".encode()


def json_pieces(pieces: Iterable[Rows]) -> Iterable[bytes]:
    """A long list as JSON, written while it is read."""
    before = b"["
    for rows in pieces:
        yield before + _JSON.encode(rows)[1:-1]
        before = b","
    yield b"[]" if before == b"[" else b"]"
