"""The ground a campaign is fought on: one database, one installation to copy, and the evening as it is undisturbed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.campaign import checker, rounds
from tests.campaign.databases import Database, Postgres, Sqlite
from tests.campaign.mother import Mother
from tests.campaign.rounds import Aftermath, Storm
from tests.campaign.stack import Installation
from tests.campaign.world import world

DATABASES: Mapping[str, Callable[[Path], Database]] = {
    "sqlite": lambda base: Sqlite(),
    "postgres": lambda base: Postgres(Path(tempfile.mkdtemp(prefix="amends-postgres-"))),  # another user's server
}


class Field:
    """Rounds on one database and in one place, each on a fresh copy of one installation, held against a calm one."""

    def __init__(self, base: Path, name: str, seed: int = 1) -> None:
        self.base, self.count, self.world = base, 0, world(seed)
        self.database = DATABASES[name](base)
        self.template = Installation(base / "template", self.database)
        self.mother: Mother | None = None
        self.calm = self._at_home("calm", lambda home, mother: rounds.calm(home, self.world, mother))

    def _at_home(self, name: str, evening: Callable[[Installation, Mother], Aftermath], budgets: str = "") -> Aftermath:
        """An evening in a fresh copy; what is left of it is kept under its own name."""
        home = Installation(self.base / "home", self.database, self.template)
        self.mother = self.mother or home.mother()
        if budgets:
            (home.place / "budgets.yaml").write_text(budgets, "utf-8")
        try:
            return evening(home, self.mother)
        finally:
            home.outside.rename(self.base / f"{name}-outside")
            home.place.rename(self.base / name)

    def round(self, storm: Storm, budgets: str = "") -> tuple[Aftermath, list[str]]:
        """What came out, and every sentence in which it breaks a law; with budgets it need not come out as without."""
        self.count += 1
        acts = len(self.calm.effects) // (2 if budgets else 1)
        after = self._at_home(
            f"round{self.count}-{storm.seed}",
            lambda home, mother: rounds.stormy(home, self.world, storm, acts, mother),
            budgets,
        )
        return after, checker.violations(after, None if budgets else self.calm)

    def end(self) -> None:
        if self.mother:
            self.mother.end()
        self.database.stop()
