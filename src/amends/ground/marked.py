"""YAML with line numbers: what a person wrote, and where, so that a mistake can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(unsafe_hash=True)
class Mistake(Exception):
    """Something in a file that cannot be: where, what, and what to write instead."""

    file: str
    line: int
    says: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.says}" + (f" ({self.hint})" if self.hint else "")


class Marked(dict[str, Any]):
    """A mapping that knows the line it stands on, and the line of each key."""

    line: int = 0
    lines: dict[str, int]

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


class MarkedList(list[Any]):
    """A list that knows the line of each item."""

    lines: list[int]


class _Loader(yaml.SafeLoader):
    """Plain data only; keys are text and may stand once; numbers with a point stay text, so that money stays exact."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (
            ValueError,
            ArithmeticError,
            AttributeError,
            KeyError,
        ) as error:  # 2026-13-01 looks like a day and is none
            says = f"{node.value!r} cannot be: {error}"
            raise Mistake(str(self.name), node.start_mark.line + 1, says, "write a day as 2026-01-31") from error


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Marked:
    found = Marked()
    found.line, found.lines = node.start_mark.line + 1, {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in found:
            raise Mistake(str(loader.name), key_node.start_mark.line + 1, f"{key!r} stands twice", "keep one of them")
        found[key] = loader.construct_object(value_node, deep=True)
        found.lines[key] = key_node.start_mark.line + 1
    return found


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> MarkedList:
    found = MarkedList(loader.construct_object(item, deep=True) for item in node.value)
    found.lines = [item.start_mark.line + 1 for item in node.value]
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: str(node.value))


def load(path: Path) -> Marked:
    """Read one YAML file whose top is a mapping; Mistake with file and line when it cannot be read."""
    try:
        return loads(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise Mistake(str(path), 1, f"not UTF-8: {error}", "save the file as UTF-8") from error
    except OSError as error:
        raise Mistake(str(path), 1, f"cannot be read: {error.strerror}", "amends must be allowed to read it") from error


def loads(text: str, name: str = "<text>") -> Marked:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        says = f"character #x{error.character:04x} has no place in YAML"
        raise Mistake(name, line, says, "take it out") from error
    loader.name = name
    try:
        found = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Mistake(name, line, f"not readable as YAML: {error.problem}", "check indentation and quotes") from error
    except RecursionError as error:
        raise Mistake(name, 1, "nested too deep", "write it flatter") from error
    finally:
        loader.dispose()
    if not isinstance(found, Marked):
        raise Mistake(name, 1, "expected fields such as `name: …`", "see docs/reference")
    return found
