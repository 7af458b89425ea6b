"""What the people behind a report were told and asked, once each, and what they answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from amends.ground.ids import derive
from amends.reports import queries
from amends.reports.models import AffectedRow, AskedRow, MoveRow
from amends.reports.records import Move, State
from amends.reports.rules import clean

ASKED = "fixed-for-you"
ANSWERS = ("yes", "partly", "no")
LATER = "asked-later"


@dataclass(frozen=True)
class Answer:
    """What somebody said to "Is it mended for you?"; `round` is the number of the move that had closed it."""

    answer: str
    words: str
    round: int
    at: datetime | None


def told(what: Iterable[tuple[int, str, int]], now: datetime) -> None:
    """Put on record that people were written to: report, occasion and round."""
    rows = [AskedRow(report=number, what=occasion[:30], round=round_, at=now) for number, occasion, round_ in what]
    AskedRow.objects.bulk_create(rows, ignore_conflicts=True)


def affected(numbers: Collection[int]) -> dict[int, list[str]]:
    """Who else is affected by these reports and known to us, in the order in which they said so."""
    found: dict[int, list[str]] = {}
    rows = AffectedRow.objects.filter(report__in=set(numbers)).exclude(customer_id="").order_by("pk")
    for number, customer_id in rows.values_list("report", "customer_id"):
        found.setdefault(number, []).append(customer_id)
    return found


def mark(customer_id: str) -> str:
    """How a link names somebody who is affected without saying who it is."""
    return derive("who", customer_id)[4:20]


def behind(number: int, who: str) -> str | None:
    """The customer whom a mark stands for: "" for who reported it, None where nobody there has this mark."""
    if not who:
        return ""
    return next((one for one in affected([number]).get(number, []) if mark(one) == who), None)


def closing_of(number: int) -> Move | None:
    """The move that closed a report the last time."""
    closing = [str(state) for state in (State.FIXED, State.NOT_FIXED, State.NOT_OURS)]
    row = MoveRow.objects.filter(report=number, kind="state", state__in=closing).order_by("-pk").first()
    return queries.move_record(row) if row else None


def _what(who: str) -> str:
    return f"{ASKED} {who}"[:30].strip()


@transaction.atomic
def answer(number: int, who: str, round_: int, said: str, words: str, now: datetime) -> None:
    """Keep what somebody answers after one closing; a later answer takes the place of the earlier."""
    given = {"answer": said, "words": clean(words), "answered_at": now}
    row, new = AskedRow.objects.get_or_create(
        report=number, what=_what(who), round=round_, defaults={"at": now, **given}
    )
    if not new:
        AskedRow.objects.filter(pk=row.pk).update(**given)


def answer_of(number: int, who: str, round_: int) -> Answer | None:
    row = AskedRow.objects.filter(report=number, what=_what(who), round=round_).exclude(answer="").first()
    return Answer(row.answer, row.words, row.round, row.answered_at) if row else None


def mended_between(since: datetime, until: datetime) -> list[Move]:
    """The moves by which reports were said to be mended between two moments, oldest first."""
    found = MoveRow.objects.filter(at__gt=since, at__lte=until, kind="state", state=State.FIXED).order_by("at", "pk")
    return [queries.move_record(row) for row in found]


def answered(rounds: Collection[tuple[int, int]]) -> set[tuple[int, str]]:
    """Of these closings (report, round): whoever has answered, as (report, mark)."""
    rows = AskedRow.objects.filter(report__in={n for n, _ in rounds}, round__in={r for _, r in rounds})
    rows = rows.filter(what__startswith=ASKED).exclude(answer="")
    return {(row.report, row.what.removeprefix(ASKED).strip()) for row in rows if (row.report, row.round) in rounds}
