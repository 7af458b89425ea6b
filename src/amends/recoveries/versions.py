"""Which texts of the policies the worker goes by: each is on record; where four eyes are asked for, a new one waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from django.db import transaction

from amends.recoveries import texts
from amends.recoveries.files import with_statute
from amends.recoveries.models import ApprovalRow, PolicyRow
from amends.recoveries.policy.tree import Table

POLICY = "policy"
NEEDED = 2


@transaction.atomic
def see(policies: Mapping[str, Table], four_eyes: bool, now: datetime, who: str = "file") -> list[str]:
    """Write down texts not seen before; in force at once, or when two operators have approved. Digests that were new.

    The first text of a policy is in force at once: there is nothing else to go by.
    """
    known = set(PolicyRow.objects.filter(pk__in=[p.digest for p in policies.values()]).values_list("pk", flat=True))
    new = {p.digest: p for p in policies.values() if p.digest not in known}
    named = set(PolicyRow.objects.filter(name__in=[p.name for p in new.values()]).values_list("name", flat=True))
    rows = [
        PolicyRow(
            digest=digest,
            name=policy.name,
            file=Path(policy.file).name,
            text=Path(policy.file).read_text("utf-8"),
            seen_at=now,
            seen_by=who,
            in_force_at=None if four_eyes and policy.name in named else now,
        )
        for digest, policy in new.items()
    ]
    PolicyRow.objects.bulk_create(rows, ignore_conflicts=True)
    return list(new)


@transaction.atomic
def approve(digest: str, who: str, why: str, now: datetime) -> tuple[bool, str]:
    """One operator's yes to a policy's text; with the second, different one it is in force. (taken, what to say)."""
    row = PolicyRow.objects.select_for_update().filter(pk=digest, in_force_at=None).first()
    if row is None:
        return False, "No such text waits for approval."
    signed = set(ApprovalRow.objects.filter(what=POLICY, subject=digest).values_list("who", flat=True))
    if who in signed:
        return False, "You have approved it already: somebody else must be the second."
    ApprovalRow.objects.create(what=POLICY, subject=digest, who=who, why=why, at=now)
    if len(signed) + 1 < NEEDED:
        return True, "Approved by you; one more operator must approve: somebody else."
    row.in_force_at = now
    row.save(update_fields=["in_force_at"])
    return True, f"Approved; the worker goes by this text of {row.name} now."


def in_force(policies: Mapping[str, Table], four_eyes: bool, now: datetime) -> Mapping[str, Table]:
    """The policies to go by: the files' own, or for one whose text still waits, the last that was approved."""
    see(policies, four_eyes, now)
    if not four_eyes:
        return policies
    waiting = {digest for digest, at in _recorded(policies.values()).items() if at is None}
    return {promise: _last(policy) if policy.digest in waiting else policy for promise, policy in policies.items()}


def standing(policy: Table, four_eyes: bool) -> Table:
    """The text of a policy that the worker goes by, for those who only ask: nothing is written down.

    A text that it has not seen yet will wait as soon as it is seen, but for the first of its policy.
    """
    if not four_eyes or _recorded([policy]).get(policy.digest) is not None:
        return policy
    return _last(policy)


def _recorded(policies: Iterable[Table]) -> dict[str, datetime | None]:
    """Since when each of these texts is in force, of those on record; None while it waits."""
    rows = PolicyRow.objects.filter(pk__in=[policy.digest for policy in policies])
    return dict(rows.values_list("pk", "in_force_at"))


def _last(policy: Table) -> Table:
    """The approved text that came before: in force as it is, whatever is refused of new texts since."""
    row = PolicyRow.objects.filter(name=policy.name).exclude(in_force_at=None).order_by("-in_force_at").first()
    return with_statute(texts.as_it_stood(row)) if row else policy
