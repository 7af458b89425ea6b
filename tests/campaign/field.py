"""The ground a campaign is fought on: one database, one installation to copy, and the evening as it is undisturbed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.campaign import checker, rounds
from tests.campaign.databases import Database, Postgres, Sqlite
from tests.campaign.rounds import Aftermath, Storm
from tests.campaign.stack import Installation
from tests.campaign.world import world

DATABASES: Mapping[str, Callable[[Path], Database]] = {
    "sqlite": lambda base: Sqlite(),
    "postgres": lambda base: Postgres(Path(tempfile.mkdtemp(prefix="amends-postgres-"))),  # another user's server
}


class Field:
    """Rounds on one database, each on a fresh copy of the same installation, held against the same calm evening."""

    def __init__(self, base: Path, name: str, seed: int = 1) -> None:
        self.base, self.count, self.world = base, 0, world(seed)
        self.database = DATABASES[name](base)
        self.template = Installation(base / "template", self.database)
        self.calm = rounds.calm(self._home("calm"), self.world)

    def _home(self, name: str) -> Installation:
        return Installation(self.base / name, self.database, self.template)

    def round(self, storm: Storm, budgets: str = "") -> tuple[Aftermath, list[str]]:
        """What came out, and every sentence in which it breaks a law; with budgets it need not come out as without."""
        self.count += 1
        home = self._home(f"round{self.count}-{storm.seed}")
        if budgets:
            (home.place / "budgets.yaml").write_text(budgets, "utf-8")
        after = rounds.stormy(home, self.world, storm, len(self.calm.effects) // (2 if budgets else 1))
        return after, checker.violations(after, None if budgets else self.calm)

    def end(self) -> None:
        self.database.stop()
