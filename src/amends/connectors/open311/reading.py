"""What other GeoReport servers answer, read with care: no document types, nothing endless, and rows that are rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.parsers import expat  # every declaration that could hold an entity is refused below

Row = Mapping[str, Any]
LISTS = frozenset(
    ("services", "attributes", "values", "service_requests", "service_request_updates", "errors", "notes", "groups")
)
DEEPEST = 20
FUTURE = timedelta(days=1)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROL_REFERENCE = re.compile(rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.IGNORECASE)
_BROKEN = (expat.ExpatError, LookupError, ValueError)  # the last two: of encodings that nobody knows


class Unreadable(Exception):
    """This is no answer that a GeoReport server gives."""


def structure(body: bytes) -> tuple[str, Any]:
    """The name of the root ('' in JSON, which has none) and all that is below it, by the Spark convention."""
    text = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"[", b"{")):
        return "", _json(text)
    try:
        return _xml(body)
    except _BROKEN:  # one control character in somebody's words must not make a whole list unreadable
        mended = _CONTROL_REFERENCE.sub(b"", _CONTROL.sub(b"", body))
    try:
        return _xml(mended)
    except _BROKEN as error:
        raise Unreadable(f"neither XML nor JSON: {error}") from error


def _json(text: bytes) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"broken JSON: {error}") from error


def _xml(body: bytes) -> tuple[str, Any]:
    tree = _Tree()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.begin, tree.end
    parser.CharacterDataHandler = tree.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    parser.Parse(body, True)
    return tree.root


def _refuse(*_: object) -> None:
    raise Unreadable("it declares a document type, which no GeoReport answer has")


class _Tree:
    """Elements as they are read: a name, its children, its text."""

    def __init__(self) -> None:
        self.open: list[tuple[str, list[tuple[str, Any]], list[str]]] = []
        self.root: tuple[str, Any] = ("", None)

    def begin(self, name: str, _: Any) -> None:
        if len(self.open) >= DEEPEST:
            raise Unreadable("it is nested too deep")
        self.open.append((name, [], []))

    def text(self, text: str) -> None:
        self.open[-1][2].append(text)

    def end(self, _: str) -> None:
        name, children, texts = self.open.pop()
        value: Any = "".join(texts).strip() or None
        if name in LISTS:
            value = [child for _, child in children]
        elif children:
            value = dict(children)
        if self.open:
            self.open[-1][1].append((name, value))
        else:
            self.root = (name, value)


def rows(body: bytes, root: str) -> Sequence[Row]:
    """The rows of a list; Unreadable where it is no such list."""
    name, found = structure(body)
    if name and name != root:
        raise Unreadable(f"<{name[:40]}> where <{root}> belongs")
    if not name and isinstance(found, dict) and root in found:  # some keep the root in JSON
        found = found[root]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Unreadable(f"no list of {root}")
    return found


def faults(body: bytes) -> str:
    """What a list of errors says, in words; '' where it is none."""
    try:
        name, found = structure(body)
    except Unreadable:
        return ""
    if not name and isinstance(found, dict):
        found = found.get("errors", [found])
    if name not in ("", "errors") or not isinstance(found, list):
        return ""
    said = [text(each, "description") for each in found if isinstance(each, dict) and "code" in each]
    return "; ".join(" ".join(one.split()) for one in said if one)[:500]


def text(row: Row, name: str) -> str:
    """A field as text; what is absent, empty or no plain value is ''."""
    value = row.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""


def number(row: Row, name: str) -> float | None:
    try:
        return float(text(row, name))
    except ValueError:
        return None


def moment(row: Row, name: str, now: datetime) -> datetime | None:
    """A moment with its zone; None where there is none, or where it lies ahead: nothing has happened there yet."""
    at = day(row, name)
    return at if at is not None and at <= now + FUTURE else None


def day(row: Row, name: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text(row, name))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
