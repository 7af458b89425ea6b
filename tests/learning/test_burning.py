"""What a policy would do to the budgets, against counting one by one."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from amends.cli.main import app
from amends.ground.money import Money
from amends.learning import burning, history
from amends.learning.records import Burnt, Decided
from amends.recoveries.budgets import Budget

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")


def lived(number: int) -> pa.Table:
    chance = random.Random(3)
    rows = [
        {
            "customer_id": f"c{chance.randrange(9)}",
            "promise": "film-plays",
            "started_at": START + timedelta(minutes=chance.randrange(60 * 24 * 60)),
            "severity": "severe",
            "incident": chance.choice(["", "", "inc-1", "inc-2"]),
            "currency": "EUR",
        }
        for _ in range(number)
    ]
    return history.normal(pa.Table.from_pylist(rows))


def gives(goodwill: list[int]) -> Decided:
    none = np.zeros(len(goodwill), np.int64)
    return Decided("p", ("2026-01-01",), none, "ab" * 32, none, np.array(goodwill), none == 1, ("all",), none)


def burnt(per: str, cap: int, found: pa.Table, goodwill: list[int], days: int = 30) -> Burnt:
    budget = Budget("b", per, Money(cap, "EUR"), days=days)
    (burn,) = burning.of(found, gives([0] * len(goodwill)), gives(goodwill), [budget], "EUR", ZONE)
    assert burn.before == Burnt(0, 0, "")
    assert burn.days == (days if per == "customer" else 0)
    return burn.after


@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_customers_window_rolls(days: int) -> None:
    found = lived(300)
    goodwill = [random.Random(n).randrange(900) for n in range(300)]
    rows = found.to_pylist()

    def in_window(row: dict[str, object]) -> int:
        mine = [(other["started_at"], g) for other, g in zip(rows, goodwill, strict=True)]
        whose = [other["customer_id"] == row["customer_id"] for other in rows]
        ages = [row["started_at"] - at for at, _ in mine]
        near = [same and timedelta(0) <= age < timedelta(days=days) for same, age in zip(whose, ages, strict=True)]
        return sum(g for (_, g), counts in zip(mine, near, strict=True) if counts)

    sums = [in_window(row) for row in rows]
    cap = sorted(sums)[200]
    over = {row["customer_id"] for row, taken in zip(rows, sums, strict=True) if taken > cap}
    assert burnt("customer", cap, found, goodwill, days) == Burnt(len(over), max(sums), "")


def test_days_are_the_companys_and_the_first_beyond_is_named() -> None:
    found, goodwill = lived(300), [100] * 300
    by_day: dict[str, int] = {}
    for row in found.to_pylist():
        day = row["started_at"].astimezone(ZONE).date().isoformat()
        by_day[day] = by_day.get(day, 0) + 100

    over = sorted(day for day, taken in by_day.items() if taken > 600)
    assert over
    assert burnt("policy day", 600, found, goodwill) == Burnt(len(over), max(by_day.values()), over[0])


def test_incidents_are_counted_without_what_belongs_to_none_and_decisions_each() -> None:
    found = lived(300)
    counts = {name: found["incident"].to_pylist().count(name) for name in ("inc-1", "inc-2")}

    assert burnt("incident", min(counts.values()), found, [1] * 300) == Burnt(1, max(counts.values()), "")
    assert burnt("decision", 5, found, [6, 7, *[5] * 298]) == Burnt(2, 7, "")


def test_budgets_of_other_policies_and_currencies_are_not_drawn_on() -> None:
    found, none = lived(3), gives([0] * 3)
    budgets = [Budget("a", "decision", Money(1, "USD")), Budget("b", "decision", Money(1, "EUR"), policy="other")]

    assert burning.of(found, none, none, budgets, "EUR", ZONE) == ()


POLICY = """policy: p
promise: any
versions: [{from: 2020-01-01, rows: [{id: all, when: {}, then: [{credit: %s EUR}]}]}]
"""


def test_the_command_tells_of_budgets(tmp_path: Path) -> None:
    (tmp_path / "budgets.yaml").write_text("budgets: [{name: a day, per: policy day, cap: 3.00 EUR}]\n")
    for name, amount in (("old", "1.00"), ("new", "5.00")):
        (tmp_path / f"{name}.yaml").write_text(POLICY % amount)
    rows = lived(9).drop_columns(["failure_id"])
    pq.write_table(rows, tmp_path / "h.parquet")
    (tmp_path / "amends.toml").write_text("")
    call = ["simulate", "--policy", str(tmp_path / "new.yaml"), "--against", str(tmp_path / "old.yaml")]
    call += ["--dir", str(tmp_path), "--history", str(tmp_path / "h.parquet"), "--report", str(tmp_path / "r.html")]

    (found,) = json.loads(CliRunner().invoke(app, [*call, "--json"]).output)
    days = {at.date() for at in rows["started_at"].to_pylist()}
    assert [(b["before"]["over"], b["after"]["over"]) for b in found["budgets"]] == [(0, len(days))]
    told = " ".join(CliRunner().invoke(app, call).output.split())
    assert f"budget a day (€3.00 per day): beyond it {len(days)} days, first {min(days)}" in told
    assert "<h2>Budgets</h2>" in (tmp_path / "r.html").read_text("utf-8")
