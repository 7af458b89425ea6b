"""The kill switch: for one policy or for all, nothing new becomes money until somebody resumes it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from amends.recoveries.models import StopRow


@transaction.atomic
def stop(policy: str, why: str, who: str, now: datetime) -> bool:
    """Stop paying for a policy (empty: for all); ValueError without a reason, False when it is stopped already."""
    if not why.strip():
        raise ValueError("a reason is needed: others will ask why nothing is paid")
    if StopRow.objects.select_for_update().filter(policy=policy, resumed_at=None).exists():
        return False
    StopRow.objects.create(policy=policy, why=why, who=who, stopped_at=now)
    return True


@transaction.atomic
def resume(policy: str, why: str, who: str, now: datetime) -> bool:
    """Pay again; what waited goes on by itself. False when it was not stopped."""
    open_ = StopRow.objects.filter(policy=policy, resumed_at=None)
    return bool(open_.update(resumed_at=now, resumed_by=who, resumed_why=why))
