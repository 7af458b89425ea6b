"""Published rules that are shipped: read once, by name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import Table


class UnknownRule(KeyError):
    """No published rule of that name is shipped."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no rule {self.name!r}; known: {', '.join(names())}"


@cache
def names() -> tuple[str, ...]:
    """The rules that are shipped, in alphabetical order."""
    places = (files("amends.recoveries") / "packs").iterdir()
    return tuple(sorted(place.name.removesuffix(".yaml") for place in places if place.name.endswith(".yaml")))


@cache
def rule(name: str) -> Table:
    """A published rule; UnknownRule when none of that name is shipped."""
    if name not in names():
        raise UnknownRule(name)
    text = (files("amends.recoveries") / "packs" / f"{name}.yaml").read_text("utf-8")
    return read_text(text, f"{name}.yaml", {})
