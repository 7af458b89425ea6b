"""Reconciliation: a provider's own list against our books; mended by rule where that is safe, else before a person.

What it paid twice or too much is ordered back (`reversing`): by rule up to an amount, else when a person says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

import amends.outbox.queries
import amends.outbox.steps
from amends.ground.ids import derive
from amends.ground.money import Money
from amends.outbox.records import Act, Done, Found, Order
from amends.remedies import listing, reversing, steps
from amends.remedies.listing import Difference, Ours
from amends.remedies.models import DifferenceRow, RemedyRow, ReversalRow
from amends.remedies.records import CannotTakeBack

PART = 400
WHO = "reconciliation"
Find = Callable[[Order], Found]
Moved = RemedyRow | ReversalRow


@dataclass(frozen=True)
class Report:
    """What one reconciliation saw: lines on their list, acts mended by rule, and what is left for a person."""

    connector: str
    since: datetime
    listed: int
    agree: int
    mended: tuple[str, ...]
    left: tuple[Difference, ...]
    ordered_back: tuple[str, ...] = ()  # acts of which something was paid beyond what we ordered


def reconcile(connector: str, rows: Any, find: Find, since: datetime, now: datetime) -> Report:
    """Hold the list against our books since then; ValueError when it is no list."""
    listed, unreadable = listing.read(rows)
    acts = _acts(connector, {line.key for line in listed}, since)
    mended = _mend(listing.found(_ours(acts, since), listed), now)
    acts = _acts(connector, {line.key for line in listed}, since)
    ours = _ours(acts, since)
    differences = [*unreadable, *listing.compare(ours, listed)]
    left = [one for one in differences if not (one.kind == "missing" and _is_there(acts[one.key], find))]
    checked = {line.key for line in listed} | {key for key, act in ours.items() if act.since_ours}
    known = _write(connector, left, checked, now)
    apart = {one.key for one in left}
    new = tuple(one for one in left if _id(connector, one) not in known)
    back = _order_back(connector, new, now)
    rest = tuple(one for one in new if one.key not in back)
    return Report(connector, since, len(listed), len(checked - apart), mended, rest, back)


def _order_back(connector: str, new: Sequence[Difference], now: datetime) -> tuple[str, ...]:
    """What may be ordered back without asking anybody; the acts that it concerns."""
    most, back = settings.AMENDS.reconciling.take_back_up_to_minor, []
    for one in new if most > 0 else ():
        try:
            reversing.take_back_excess(_id(connector, one), WHO, now, most)
            back.append(one.key)
        except CannotTakeBack:
            continue  # it stays before a person
    return tuple(back)


def _id(connector: str, one: Difference) -> str:
    return derive("diff", connector, one.kind, one.key)


def _acts(connector: str, keys: Collection[str], since: datetime) -> dict[str, tuple[Moved, Act]]:
    """Our money acts through this connector that they list, or that we have a receipt for since then."""
    rows: dict[str, Moved] = {}
    for table in (RemedyRow, ReversalRow):
        recent = table.objects.filter(state="done", settled_at__gte=since, amount_minor__gt=0)
        rows |= {row.act_key: row for row in recent.iterator(5000)}
        for part in _parts(sorted(set(keys) - rows.keys())):
            rows |= {row.act_key: row for row in table.objects.filter(act_key__in=part, amount_minor__gt=0)}
    acts: dict[str, Act] = {}
    for part in _parts(sorted(rows)):
        acts |= amends.outbox.queries.answers(part)
    return {key: (rows[key], act) for key, act in acts.items() if act.connector == connector}


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + PART] for start in range(0, len(keys), PART)]


def _ours(acts: dict[str, tuple[Moved, Act]], since: datetime) -> dict[str, Ours]:
    back: dict[str, tuple[int, int]] = {}
    for part in _parts(sorted(acts)):
        back |= reversing.ordered_back(part)
    return {
        key: Ours(
            key,
            act.state,
            act.ref,
            Money(row.amount_minor or 0, row.currency),
            row.settled_at is not None and row.settled_at >= since,
            *back.get(key, (0, 0)),
        )
        for key, (row, act) in acts.items()
    }


def _mend(found: dict[str, str], now: datetime) -> tuple[str, ...]:
    """What we hold as open and they list alike is done, with their receipt."""
    mended = [key for key, ref in found.items() if amends.outbox.steps.settle_by_person(key, ref, WHO, now)]
    if mended:
        steps.settle(now)
        reversing.settle(now)
    return tuple(mended)


def _is_there(known: tuple[Moved, Act], find: Find) -> bool:
    """A list may be cut off or filtered: what is not on it is asked for by its key before anybody is alarmed."""
    _, act = known
    order = Order(act.key, act.kind, act.connector, act.recovery_id, act.customer_id, act.payload)
    looked_up = find(order)
    return isinstance(looked_up, Done) and looked_up.ref == act.ref


@transaction.atomic
def _write(connector: str, left: Sequence[Difference], checked: Collection[str], now: datetime) -> set[str]:
    """Differences before a person, each once; those that are none any more are settled. Ids that a person settled."""
    rows = {
        _id(connector, one): DifferenceRow(
            connector=connector, kind=one.kind, act_key=one.key, says=one.says, theirs=list(one.theirs), found_at=now
        )
        for one in left
    }
    for difference_id, row in rows.items():
        row.difference_id = difference_id
    open_ = DifferenceRow.objects.filter(connector=connector, settled_at=None)
    gone = [row.pk for row in open_ if row.pk not in rows and row.act_key in checked]
    for part in _parts(gone):
        DifferenceRow.objects.filter(pk__in=part).update(settled_at=now, settled_by=WHO, note="the two agree now")
    for part in _parts(sorted(rows)):  # settled by rule, and there again
        again = DifferenceRow.objects.filter(pk__in=part, settled_by=WHO)
        again.update(settled_at=None, settled_by="", note="", found_at=now)
    DifferenceRow.objects.bulk_create(
        rows.values(),
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["difference_id"],
        update_fields=["says", "theirs"],
    )
    return set(DifferenceRow.objects.filter(connector=connector).exclude(settled_at=None).values_list("pk", flat=True))


@transaction.atomic
def settle_difference(difference_id: str, note: str, who: str, now: datetime) -> bool:
    """A person has looked and says what it was; ValueError without a note."""
    if not note.strip():
        raise ValueError("write what was found and done: it is the record")
    open_ = DifferenceRow.objects.filter(pk=difference_id, settled_at=None)
    return bool(open_.update(settled_at=now, settled_by=who, note=note))
