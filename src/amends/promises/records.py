"""Promises: what we said we would do, in words and measurably, dated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Limit:
    """A measure and the values from which it breaks the promise: the severest that holds counts."""

    measure: str
    minor: float | None = None
    major: float | None = None
    severe: float | None = None


@dataclass(frozen=True)
class Version:
    """What breaks the promise from a day on. Flags break it with the severity they name."""

    since: date
    limits: tuple[Limit, ...]
    flags: Mapping[str, str]
    least_confidence: float
    used_if_played: float  # share of the watched time that must have played for "used anyway"
    used_if_played_s: float  # and at least so many seconds of it


@dataclass(frozen=True)
class Promise:
    name: str
    words: Mapping[str, str]
    measure: str
    controllable: bool
    versions: tuple[Version, ...]  # oldest first

    def at(self, day: date) -> Version | None:
        """The version in force on a day; None before the first."""
        return next((v for v in reversed(self.versions) if v.since <= day), None)
