"""From whom nothing is taken, what is public, and rules rehearsed; marks are digests, never addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from tests.reports.town import at, intake, town
from typer.testing import CliRunner

from amends.cli.reports import app
from amends.reports import moderation, queries, steps
from amends.reports.models import BanRow
from amends.reports.records import Filter, Refused

pytestmark = pytest.mark.django_db
NOW = at("2026-11-23T09:10")


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    cache.clear()
    with town():
        yield
    cache.clear()


def test_a_flood_of_one_address_is_refused_and_another_address_is_not() -> None:
    taken = [moderation.refuse("192.0.2.7", now=NOW) for _ in range(moderation.MANY)]
    assert taken == [None] * moderation.MANY

    assert "more than 20 reports" in str(moderation.refuse("192.0.2.7", now=NOW))
    assert moderation.refuse("192.0.2.8", now=NOW) is None
    assert moderation.refuse("192.0.2.7", now=NOW + timedelta(hours=1)) is None


def test_a_household_on_ipv6_is_one_address_and_a_mail_address_has_its_own_limit() -> None:
    assert moderation.mark("2001:db8::1") == moderation.mark("2001:0db8:0:0:ffff::2")
    assert moderation.mark("2001:db8:0:1::1") != moderation.mark("2001:db8::1")

    for _ in range(moderation.MANY_MAILED):
        assert moderation.refuse("", "a@example.org", now=NOW) is None
    assert moderation.refuse("192.0.2.9", "A@Example.org ", now=NOW)


def test_a_ban_lasts_until_its_day_and_keeps_no_address() -> None:
    moderation.ban("troll@example.org", "insults", until=NOW + timedelta(days=1), who="eva", now=NOW)
    assert "No reports are taken" in str(moderation.refuse("192.0.2.1", "TROLL@example.org", now=NOW))
    assert moderation.refuse("troll@example.org", now=NOW + timedelta(days=2)) is None
    assert moderation.bans(NOW + timedelta(days=2)) == []

    assert "troll" not in str(BanRow.objects.values())


@pytest.mark.parametrize(("address", "why", "days"), [("", "x", 1), ("a@b.at", " ", 1), ("a@b.at", "x", -1)])
def test_a_ban_needs_an_address_a_reason_and_a_future(address: str, why: str, days: int) -> None:
    with pytest.raises(Refused):
        moderation.ban(address, why, until=NOW + timedelta(days=days), who="eva", now=NOW)


def test_what_is_hidden_is_found_by_staff_only_and_its_promise_stands() -> None:
    report = steps.receive(intake("f"), NOW)
    moderation.hide(report.number, "a name in it", who="eva", now=NOW)
    assert queries.count(Filter()) == 0
    assert queries.count(Filter(hidden_too=True)) == 1
    assert queries.updates(None, None) == []

    shown = moderation.publish(report.number, who="eva", now=NOW)
    assert (shown.visible, shown.hidden_why, shown.due_at) == (True, "", report.due_at)
    assert [note for _, _, _, note in moderation.log()] == ["", "a name in it"]


def test_rules_are_rehearsed_from_the_command_line(tmp_path: Path) -> None:
    for form, category in (("1", "lamp"), ("2", "lamp"), ("3", "tree")):
        steps.receive(intake(form, category), NOW)
    rules = tmp_path / "new.yaml"
    rules.write_text("rules:\n  - {name: lamps, category: [lamp], crew: north}\n")
    with town() as home:
        (home / "amends.toml").touch()
        asked = ["route", "--dry-run", "--since", "2026-01-01", "--rules", str(rules), "--dir", str(home)]
        found = CliRunner().invoke(app, [*asked, "--json"])
        shown = CliRunner().invoke(app, asked)
        (home / "amends.toml").unlink()

    said = json.loads(found.stdout)
    assert (said["reports"], said["changed"]) == (3, 2)
    assert said["by_rule"] == [["lamps", "works", "north", 2], ["", "works", "", 1]]
    assert said["changes"][0]["after"] == ["works", "north"]
    assert "2 of 3 reports would go another way" in shown.stdout
