"""Budgets reserved before they are spent: exact under any number of deciders, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from amends.ground.money import Money
from amends.recoveries.budgets import Budget
from amends.recoveries.holding import Slot, Wish, fitting
from amends.recoveries.models import BudgetRow, RecoveryRow

CALLED_FOR = 400


class _Full(Exception):
    """Not all of a batch fits into one of its budgets."""


def budget_keys(wish: Wish) -> str:
    """The counted budgets of a wish as a recovery keeps them, one a line: a customer's window has no counter."""
    return "\n".join(slot.key for slot in wish.slots if slot.budget.per != "customer")


@transaction.atomic
def reserve(wishes: Sequence[Wish], now: datetime) -> tuple[dict[str, Wish], dict[str, str]]:
    """Reserve what fits: (wishes by recovery that fit, why each other one does not). The caller writes the recoveries
    in the same transaction.

    Where all fit, each budget is one statement; else as many as fit, in the order given.
    """
    _open(wishes, now)
    windows = _windows(wishes, now)
    fits, held = fitting(wishes, windows)
    if not _take_all(fits):
        locked = BudgetRow.objects.select_for_update().filter(pk__in=_caps(wishes)).order_by("pk")
        spent = dict(locked.values_list("pk", "spent_minor"))
        left = {key: cap.minor - spent[key] for key, cap in _caps(wishes).items()}
        fits, held = fitting(wishes, left | windows)
        if not _take_all(fits):
            raise RuntimeError("a budget moved while it was locked")
    return {wish.recovery_id: wish for wish in fits}, held


def slots_of(keys: Collection[str]) -> dict[str, Slot]:
    """Counted budgets as they are kept, by key: also of a budget that the file does not name any more."""
    rows = BudgetRow.objects.filter(pk__in=keys)
    found = [(row.pk, Budget(row.name, "incident", Money(row.cap_minor, row.currency))) for row in rows]
    return {key: Slot(key, budget, key.partition("|")[2]) for key, budget in found}


def part(wish: Wish | None, minor: int, counted: Sequence[Slot]) -> Wish | None:
    """So much of a wish; where the rest was reserved before, from the budgets that it is counted in."""
    if wish is None:
        return None
    wish = replace(wish, goodwill=Money(minor, wish.goodwill.currency))
    if not counted:
        return wish
    now = {slot.key: slot for slot in wish.slots}
    windows = [slot for slot in wish.slots if slot.budget.per == "customer"]
    return replace(wish, slots=(*[now.get(slot.key, slot) for slot in counted], *windows))


def _caps(wishes: Sequence[Wish]) -> dict[str, Money]:
    return {slot.key: slot.budget.cap for wish in wishes for slot in wish.slots if slot.budget.per != "customer"}


def _open(wishes: Sequence[Wish], now: datetime) -> None:
    slots = {slot.key: slot for wish in wishes for slot in wish.slots if slot.budget.per != "customer"}
    known = dict(BudgetRow.objects.filter(pk__in=slots).values_list("pk", "cap_minor"))
    rows = [
        BudgetRow(
            budget_key=key,
            name=slot.budget.name,
            currency=slot.budget.cap.currency,
            cap_minor=slot.budget.cap.minor,
            opened_at=now,
        )
        for key, slot in sorted(slots.items())
        if key not in known
    ]
    BudgetRow.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def _take_all(wishes: Sequence[Wish]) -> bool:
    """Take every wish from its budgets, or nothing."""
    wanted: Counter[str] = Counter()
    for wish in wishes:
        for key in filter(None, budget_keys(wish).split("\n")):
            wanted[key] += wish.goodwill.minor
    caps = _caps(wishes)
    try:
        with transaction.atomic():
            for key in sorted(wanted):  # one order for all deciders: nobody waits in a circle
                _take(key, wanted[key], caps[key].minor)
    except _Full:
        return False
    return True


def _take(key: str, minor: int, cap: int) -> None:
    """The one statement on which the promise rests: it never spends more than the cap, whoever else spends."""
    rows = BudgetRow.objects.filter(pk=key, spent_minor__lte=cap - minor)
    if not rows.update(spent_minor=F("spent_minor") + minor, cap_minor=cap):
        raise _Full


def _windows(wishes: Sequence[Wish], now: datetime) -> dict[str, int]:
    """What is left of each customer's window, reckoned while nobody else reserves from the same budget."""
    by_budget: dict[Budget, dict[str, str]] = {}
    for wish in wishes:
        for slot in wish.slots:
            if slot.budget.per == "customer":
                by_budget.setdefault(slot.budget, {})[wish.customer_id] = slot.key
    left: dict[str, int] = {}
    for budget in sorted(by_budget, key=lambda budget: budget.name):
        _lock(budget, now)
        spent = _spent_on(budget, list(by_budget[budget]), now)
        left.update({key: budget.cap.minor - spent[who] for who, key in by_budget[budget].items()})
    return left


def _lock(budget: Budget, now: datetime) -> None:
    """One row stands for all windows of a budget: the lock costs deciders a queue, and a million customers no rows."""
    said: dict[str, Any] = {"name": budget.name, "currency": budget.cap.currency, "cap_minor": budget.cap.minor}
    BudgetRow.objects.get_or_create(pk=f"{budget.name}|customers", defaults=said | {"opened_at": now})
    BudgetRow.objects.select_for_update().get(pk=f"{budget.name}|customers")


def _spent_on(budget: Budget, customers: Sequence[str], now: datetime) -> Counter[str]:
    rows = RecoveryRow.objects.filter(
        decided_at__gt=now - timedelta(days=budget.days), goodwill_minor__gt=0, currency=budget.cap.currency
    )
    if budget.policy:
        rows = rows.filter(policy=budget.policy)
    found: Counter[str] = Counter()
    for start in range(0, len(customers), CALLED_FOR):
        part = rows.filter(customer_id__in=customers[start : start + CALLED_FOR]).values_list("customer_id")
        found.update(dict(part.annotate(Sum("goodwill_minor")).order_by()))
    return found


@transaction.atomic
def release(recovery_ids: Collection[str]) -> int:
    """Give back all that these recoveries had reserved; doing it twice gives back once. How many had something."""
    rows = RecoveryRow.objects.filter(pk__in=recovery_ids, goodwill_minor__gt=0)
    return give_back(dict(rows.values_list("pk", "goodwill_minor")))


@transaction.atomic
def give_back(minors: Mapping[str, int]) -> int:
    """Give back so much of each recovery's goodwill, at most what it had reserved. How many had something."""
    rows = list(RecoveryRow.objects.select_for_update().filter(pk__in=minors, goodwill_minor__gt=0).order_by("pk"))
    back: Counter[str] = Counter()
    for row in rows:
        minor = min(minors[row.pk], row.goodwill_minor)
        back.update(dict.fromkeys(filter(None, row.budgets.split("\n")), minor))
        row.goodwill_minor -= minor
    for key in sorted(back):
        BudgetRow.objects.filter(pk=key).update(spent_minor=F("spent_minor") - back[key])
    RecoveryRow.objects.bulk_update(rows, ("goodwill_minor",), batch_size=CALLED_FOR)
    return len(rows)


def reserved(rows: Mapping[str, Wish], recovery_id: str) -> tuple[int, str]:
    """(minor units, budget keys) as a recovery keeps them."""
    wish = rows.get(recovery_id)
    return (wish.goodwill.minor, budget_keys(wish)) if wish else (0, "")
