"""Rules of routing over reports that were made already: who would have got what, before they go live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from amends.reports.models import ReportRow
from amends.reports.routing import Asked, Router

BATCH = 50_000


@dataclass(frozen=True)
class Change:
    """So many reports that would go another way than by the rules in force."""

    before: tuple[str, str]  # body, crew
    after: tuple[str, str]
    rule: str  # "" where no rule holds
    count: int
    examples: tuple[int, ...]


@dataclass(frozen=True)
class Rehearsal:
    reports: int
    by_rule: Sequence[tuple[str, str, str, int]]  # rule, body, crew, how many; rules that catch nothing too
    changes: Sequence[Change]
    changed: int


def rehearse(since: datetime, now_rules: Router, new_rules: Router, bodies: dict[str, str]) -> Rehearsal:
    """Send all reports since a moment through two sets of rules."""
    wanted = ReportRow.objects.filter(requested_at__gte=since).order_by("number")
    columns = wanted.values_list("category", "severity", "lat", "long", "requested_at", "number")
    ways: Counter[tuple[str, str, str]] = Counter()
    changes: Counter[tuple[tuple[str, str], tuple[str, str], str]] = Counter()
    examples: dict[tuple[tuple[str, str], tuple[str, str], str], list[int]] = {}
    total, last = 0, 0
    while rows := list(columns.filter(number__gt=last)[:BATCH]):
        total, last = total + len(rows), rows[-1][-1]
        asked = Asked.many([row[:5] for row in rows])
        before, after = now_rules.ways(asked, bodies), new_rules.ways(asked, bodies)
        ways.update((way.rule, way.body, way.crew) for way in after)
        for row, old, new in zip(rows, before, after, strict=True):
            if (old.body, old.crew) != (new.body, new.crew):
                key = ((old.body, old.crew), (new.body, new.crew), new.rule)
                changes[key] += 1
                if len(found := examples.setdefault(key, [])) < 5:
                    found.append(row[-1])
    told = [Change(*key, count, tuple(examples[key])) for key, count in changes.most_common()]
    return Rehearsal(total, _by_rule(new_rules, ways), told, sum(changes.values()))


def _by_rule(router: Router, ways: Counter[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
    """In the order of the file, then what no rule holds for; a rule that catches nothing is shown with none."""
    found = []
    for rule in router.routing.rules:
        caught = sorted((way, count) for way, count in ways.items() if way[0] == rule.name)
        found += [(*way, count) for way, count in caught] or [(rule.name, rule.body, rule.crew, 0)]
    return found + [(*way, count) for way, count in sorted(ways.items()) if way[0] == ""]
