"""The storm: each is owed what the published standard says, by a reckoning of its own here, and is told the truth."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from rich.console import Console

from amends.notices import lint
from amends.recoveries import files
from amends.scenarios.power_is_back import demo, world
from amends.scenarios.tally import export

HERE = Path(world.__file__).parent
EXPECTED = tomllib.loads((HERE / "expected.toml").read_text("utf-8"))
OUTCOME = EXPECTED["outcome"]
SMALL = {"seed": 5, "homes": 300}
NOTICES = sorted((HERE / "notices").glob("*.md"))


def owed(line: world.Line, kind: str) -> int:
    """The guaranteed standards of April 2025 in pence, by hand; businesses in normal weather as our own row says."""
    off_h = line.down_min / 60
    if line.weather == "normal":
        first = 9500 if kind == "home" else 19000
        return first + (4500 * int((off_h - 12) // 12) if kind == "home" else 0) if off_h >= 12 else 0
    after = {"category1": 24, "category2": 48}[line.weather]
    return min(8000 + 4000 * int((off_h - after) // 6), 200_000) if off_h >= after else 0


def under(storm: world.World) -> Counter[tuple[str, str]]:
    return Counter((serves["component"], serves["customer_class"]) for serves in storm.served)


@pytest.fixture(scope="module")
def forty_thousand() -> world.World:
    return world.make(EXPECTED["seed"], EXPECTED["homes"], 1_795_550_400_000)


def test_what_is_expected_is_what_the_standard_says(forty_thousand: world.World) -> None:
    people = under(forty_thousand)
    sums = {
        (line, kind): owed(line, "home" if kind == "home" else "business") * people[line.component, kind]
        for line in world.LINES
        for kind in ("home", "business")
    }

    assert sum(sums.values()) == OUTCOME["owed_minor"]
    assert sum(people[line.component, kind] for (line, kind), minor in sums.items() if minor) == OUTCOME["owed"]
    assert OUTCOME["goodwill"] + OUTCOME["withheld"] == people["line-1", "home"]
    assert OUTCOME["goodwill_minor"] == OUTCOME["goodwill"] * 2500


def test_each_line_and_class_is_expected_by_hand() -> None:
    for line in world.LINES:
        for kind in ("home", "business"):
            who = f"{kind} in the {line.area} ({line.component}, {line.weather})"
            assert OUTCOME["owed_to_each"][who] == owed(line, kind), who


def test_mails_go_to_all_who_have_an_address(forty_thousand: world.World) -> None:
    without = sum(who["email"] == "" for who in forty_thousand.customers)

    assert (OUTCOME["held"], OUTCOME["mails"]) == (without, len(forty_thousand.customers) - without)
    assert OUTCOME["touched"] == len(forty_thousand.customers)


def test_the_policy_can_be_read_and_rests_on_the_published_rule() -> None:
    assert files.read(HERE / "policies/power-stays-on.yaml").statute == ("gb_gsop_electricity",)


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: path.name)
def test_nothing_is_asked_and_nothing_is_doubted_in_what_is_said(path: Path) -> None:
    assert lint.lint_file(path) == []


def working_days_after(day: date, count: int) -> date:
    """Without the bank holidays of England: where one lies between, a later day is right as well."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


@pytest.mark.slow
def test_a_smaller_storm_is_paid_to_the_penny_and_told_truly(tmp_path: Path) -> None:
    storm = demo.Storm(tmp_path, 0, Console(quiet=True))
    try:
        storm.set_up()
        storm.send(SMALL)
        storm.wait()
        found = storm.tally.gather(tmp_path, storm.environment)
        recoveries = export(tmp_path, storm.environment, "recoveries")
        failures = {f["failure_id"]: f["facts"] for f in export(tmp_path, storm.environment, "failures")}
    finally:
        storm.stop()
    people = under(world.make(SMALL["seed"], SMALL["homes"], storm.ended_ms))
    total = sum(
        owed(line, kind) * people[line.component, kind] for line in world.LINES for kind in ("home", "business")
    )

    assert (found["owed_minor"], found["unpaid"], found["out_of_balance"]) == (total, 0, 0)
    effects = [json.loads(line) for line in (tmp_path / "demo-billing.jsonl").read_text().splitlines()]
    assert sum(effect["amount_minor"] for effect in effects) == total + found["goodwill_minor"]
    assert max(Counter(effect["key"] for effect in effects).values()) == 1
    for recovery in recoveries:
        restored = date.fromisoformat(failures[recovery["failure_id"]]["restored_on"])
        if recovery["amount_minor"]:
            assert date.fromisoformat(recovery["pay_by_on"]) >= working_days_after(restored, 10)
        else:
            assert recovery["pay_by_on"] is None
    _mails(tmp_path)


def _mails(place: Path) -> None:
    """Every mail names what was paid, and no other amount."""
    paths = (place / "demo-mails").glob("*.eml")
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
    texts = [(str(mail["Subject"]), body.get_content()) for mail in mails if (body := mail.get_body(("plain",)))]
    moor = [text for subject, text in texts if "£225.00" in subject]

    assert moor
    assert all("£200.00 is owed to you" in text and "£25.00 we have added" in text for text in moor)
    assert all("had to be paid by" in text for subject, text in texts if "credited" in subject)
    assert any("no money is due" in text and "£" not in text for _, text in texts)
