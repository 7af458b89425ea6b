"""The company's policies: `policies/*.yaml`, read with the inputs that every failure has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from amends.ground.kept import Kept
from amends.ground.marked import Mistake
from amends.recoveries.policy import currencies, packs, parsing
from amends.recoveries.policy.scope import UNFIT
from amends.recoveries.policy.tree import Input, Kind, Table


def _input(name: str, kind: Kind, *choices: str, unit: str = "") -> Input:
    return Input(name, kind, default=None, choices=choices, unit=unit)


# What every policy may look at. Personal fields are not here and cannot be.
INPUTS: Mapping[str, Input] = {
    one.name: one
    for one in (
        _input("severity", Kind.SEVERITY, "minor", "major", "severe"),
        _input("recurrence", Kind.NUMBER),
        _input("recurrence_decayed", Kind.NUMBER),
        _input("controllable", Kind.FLAG),
        _input("stable_cause", Kind.FLAG),
        _input("loss_kind", Kind.CHOICE, "money", "outcome", "process", "attention"),
        _input("used_anyway", Kind.FLAG),
        _input("evidence", Kind.CHOICE, "observed", "corroborated", "claimed with proof", "claimed"),
        _input("product", Kind.CHOICE, "rental", "purchase", "subscription", "free"),
        _input("disputed", Kind.FLAG),
        _input("price", Kind.MONEY),
        _input("stall_s", Kind.NUMBER, unit="seconds"),
        _input("stall_count", Kind.NUMBER),
        _input("longest_stall_s", Kind.NUMBER, unit="seconds"),
        _input("startup_s", Kind.NUMBER, unit="seconds"),
        _input("watched_s", Kind.NUMBER, unit="seconds"),
        _input("played_s", Kind.NUMBER, unit="seconds"),
    )
}


def read_all(directory: Path) -> tuple[list[Table], list[Mistake]]:
    """Every policy of `directory/policies`, and what is wrong in those that cannot be used."""
    policies, mistakes = [], []
    for path in sorted((directory / "policies").glob("*.yaml")):
        try:
            policies.append(read(path))
        except Mistake as first:
            mistakes += wrong(path) or [first]
    return policies, mistakes


def read(path: Path) -> Table:
    """One policy file; Mistake for the first thing wrong in it."""
    with _in_form(path):
        policy = with_statute(parsing.read(path, INPUTS))
    for mistake in currencies.check(policy):
        raise mistake
    return policy


def wrong(path: Path) -> list[Mistake]:
    """Everything for which a policy file cannot be used, as far as it can be seen at once."""
    try:
        with _in_form(path):
            found = parsing.mistakes(path, INPUTS)
            return found or list(currencies.check(with_statute(parsing.read(path, INPUTS))))
    except Mistake as mistake:
        return [mistake]


@contextmanager
def _in_form(path: Path) -> Iterator[None]:
    try:
        yield
    except UNFIT as error:
        says = "something in it has a form that was not expected"
        raise Mistake(str(path), 1, says, "compare it with docs/reference/policy.md") from error


_kept: Kept[Table] = Kept("policies", read)


def in_use(directory: Path) -> list[Table]:
    """The policies to go by: the last good version of each file."""
    return _kept.all(directory)


def with_statute(policy: Table) -> Table:
    """The policy, once it is sure that the published rules it rests on are there."""
    unknown = [name for name in policy.statute if name not in packs.names()]
    if unknown:
        hint = f"known: {', '.join(packs.names())}"
        raise Mistake(policy.file, 1, f"statute: no published rule {unknown[0]!r} is shipped", hint)
    return policy
