"""`budgets.yaml`: what may be spent, by whose word, and how much goodwill a claim may bring; mistakes with their line.

Everything here limits goodwill only: what is owed by law or contract passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any

from amends.failures.records import Evidence
from amends.ground.marked import Marked, MarkedList, Mistake, load
from amends.ground.money import Money, MoneyError

FILE = "budgets.yaml"
PER = ("decision", "customer", "incident", "policy day")
FOUR_EYES = "four eyes"


@dataclass(frozen=True)
class Budget:
    """At most `cap` of goodwill per decision, customer and days, incident, or policy and day."""

    name: str
    per: str
    cap: Money
    policy: str = ""  # empty: every policy
    days: int = 30  # of a customer's window
    line: int = field(default=0, compare=False)  # where it speaks of its policy, or begins


@dataclass(frozen=True)
class Ladder:
    """Goodwill up to the first amount needs nobody, up to the second one operator, above it two different ones."""

    nobody_up_to: Money
    one_up_to: Money

    def signers(self, goodwill: Money) -> int:
        """How many operators must agree; two when the currency is not the ladder's."""
        if goodwill.currency != self.nobody_up_to.currency:
            return 2
        return (goodwill.minor > self.nobody_up_to.minor) + (goodwill.minor > self.one_up_to.minor)


@dataclass(frozen=True)
class Limits:
    """All that `budgets.yaml` says; without the file nothing is limited here."""

    budgets: tuple[Budget, ...] = ()
    ladder: Ladder | None = None
    four_eyes: bool = False  # a changed policy waits for two operators
    evidence: Mapping[Evidence, Money] = field(default_factory=lambda: MappingProxyType({}))
    person_from: float | None = None  # an abuse score that brings a person in


def read(directory: Path) -> Limits:
    """The limits of an installation; Mistake for the first thing wrong in its file."""
    limits, wrong = _read(directory)
    for mistake in wrong:
        raise mistake
    return limits


def check(directory: Path, policies: Collection[str]) -> list[Mistake]:
    """All that is wrong in `budgets.yaml`, also where it speaks of a policy that is not there."""
    path = directory / FILE
    try:
        limits, found = _read(directory)
    except Mistake as mistake:
        return [mistake]
    for budget in limits.budgets:
        if budget.policy and budget.policy not in policies:
            says = f"the budget {budget.name} is for a policy {budget.policy!r} that is not there"
            found.append(Mistake(str(path), budget.line, says, f"one of {', '.join(sorted(policies))}"))
    return sorted(found, key=lambda mistake: mistake.line)


def _read(directory: Path) -> tuple[Limits, list[Mistake]]:
    """What the file says as far as it can be read, and its mistakes as they stand in it."""
    path, wrong = directory / FILE, list[Mistake]()
    if not path.exists():
        return Limits(), wrong
    top = load(path)
    _only(path, top, ("budgets", "approval", "evidence", "abuse"), wrong)
    approval = _part(path, top, "approval", ("nobody_up_to", "one_up_to", "policies"), wrong)
    evidence = _part(path, top, "evidence", tuple(grade.value for grade in Evidence), wrong)
    abuse = _part(path, top, "abuse", ("person_from",), wrong)
    found = Limits(budgets=_budgets(path, top, wrong))
    with _noting(wrong):
        found = replace(found, ladder=_ladder(path, approval))
    with _noting(wrong):
        found = replace(found, four_eyes=_four_eyes(path, approval))
    with _noting(wrong):
        found = replace(found, evidence=_evidence(path, evidence))
    with _noting(wrong):
        found = replace(found, person_from=_share(path, abuse, "person_from") if "person_from" in abuse else None)
    return found, sorted(wrong, key=lambda mistake: mistake.line)


@contextmanager
def _noting(wrong: list[Mistake]) -> Iterator[None]:
    """A part that is left out where it cannot be read."""
    try:
        yield
    except Mistake as mistake:
        wrong.append(mistake)


def _part(path: Path, top: Marked, name: str, known: tuple[str, ...], wrong: list[Mistake]) -> Marked:
    part = top.get(name)
    if part is not None and not isinstance(part, Marked):
        says = f"{name}: expected fields"
        wrong.append(Mistake(str(path), top.line_of(name), says, f"known: {', '.join(known)}"))
    if not isinstance(part, Marked):
        part = Marked()
        part.lines = {}
    _only(path, part, known, wrong)
    return part


def _budgets(path: Path, top: Marked, wrong: list[Mistake]) -> tuple[Budget, ...]:
    items = top.get("budgets") or []
    if not isinstance(items, list):
        wrong.append(Mistake(str(path), top.line_of("budgets"), "budgets: expected a list", "begin each with - name:"))
        return ()
    found: list[Budget] = []
    for place, item in enumerate(items):
        line = items.lines[place] if isinstance(items, MarkedList) else top.line
        if not isinstance(item, Marked):
            wrong.append(Mistake(str(path), line, f"{item!r} is no budget", "a budget has name:, per: and cap:"))
            continue
        _only(path, item, ("name", "per", "policy", "cap", "days"), wrong)
        with _noting(wrong):
            budget = _budget(path, item)
            if any(earlier.name == budget.name for earlier in found):
                raise Mistake(str(path), item.line, f"two budgets are called {budget.name}", "give each its own name")
            found.append(budget)
    return tuple(found)


def _budget(path: Path, item: Marked) -> Budget:
    for key in ("name", "per", "cap"):
        if key not in item:
            raise Mistake(str(path), item.line, f"`{key}:` is missing in this budget")
    name, per, days = str(item["name"]), item["per"], item.get("days", 30)
    if not 0 < len(name) <= 100 or "\n" in name:
        raise Mistake(str(path), item.line_of("name"), "the name must be one line of at most 100 characters")
    if per not in PER:
        raise Mistake(str(path), item.line_of("per"), f"per: {per!r} is not known", f"one of {', '.join(PER)}")
    if "days" in item and per != "customer":
        raise Mistake(str(path), item.line_of("days"), "days: only a budget per customer has a window", "remove it")
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 3660:
        raise Mistake(str(path), item.line_of("days"), f"days: {days!r} is no number of days", "write 30")
    policy = str(item.get("policy") or "")
    return Budget(name, per, _money(path, item, "cap"), policy, days, item.line_of("policy") if policy else item.line)


def _ladder(path: Path, approval: Marked) -> Ladder | None:
    keys = [key for key in ("nobody_up_to", "one_up_to") if key in approval]
    if not keys:
        return None
    if len(keys) == 1:
        raise Mistake(str(path), approval.line_of(keys[0]), "a ladder needs nobody_up_to: and one_up_to:")
    low, high = (_money(path, approval, key) for key in keys)
    if low.currency != high.currency or low.minor > high.minor:
        raise Mistake(str(path), approval.line_of("one_up_to"), f"one_up_to: {high} must not be below {low}")
    return Ladder(low, high)


def _four_eyes(path: Path, approval: Marked) -> bool:
    said = approval.get("policies", "one pair")
    if said not in (FOUR_EYES, "one pair"):
        raise Mistake(str(path), approval.line_of("policies"), f"policies: {said!r} is not known", f"write {FOUR_EYES}")
    return bool(said == FOUR_EYES)


def _evidence(path: Path, part: Marked) -> Mapping[Evidence, Money]:
    """Caps by grade; weaker proof may not bring more than stronger."""
    caps = {grade: _money(path, part, grade.value) for grade in Evidence if grade.value in part}
    stronger: Money | None = None
    for grade, cap in caps.items():
        if stronger is not None and cap.currency == stronger.currency and cap.minor > stronger.minor:
            says = f"{grade.value}: {cap} is more than a better proof brings ({stronger})"
            raise Mistake(str(path), part.line_of(grade.value), says, f"write {stronger} or less")
        stronger = cap
    return MappingProxyType(caps)


def _money(path: Path, item: Marked, key: str) -> Money:
    parts = str(item[key]).split()
    try:
        if len(parts) != 2:
            raise MoneyError("an amount and a currency are needed")
        money = Money.parse(*(parts if not parts[0].isalpha() else reversed(parts)))
    except (MoneyError, InvalidOperation) as error:
        raise Mistake(str(path), item.line_of(key), f"{key}: {item[key]!r}: {error}", "write 50.00 EUR") from error
    if money.minor < 0:
        raise Mistake(str(path), item.line_of(key), f"{key}: {money} is below zero")
    return money


def _share(path: Path, item: Marked, key: str) -> float:
    try:
        share = float(Decimal(str(item[key])))
    except InvalidOperation:
        share = -1.0
    if not 0 <= share <= 1:
        raise Mistake(str(path), item.line_of(key), f"{key}: {item[key]!r} must lie between 0 and 1", "write 0.8")
    return share


def _only(path: Path, found: Mapping[str, Any], known: tuple[str, ...], wrong: list[Mistake]) -> None:
    for key in found:
        if key not in known:
            line = found.line_of(key) if isinstance(found, Marked) else 1
            wrong.append(Mistake(str(path), line, f"{key!r} is not known here", f"known: {', '.join(known)}"))
