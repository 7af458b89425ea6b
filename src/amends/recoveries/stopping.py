"""The kill switch: for one policy or for all, nothing new becomes money until somebody resumes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction

from amends.recoveries import files
from amends.recoveries.models import StopRow


def unknown(policy: str, directory: Path) -> str:
    """What is wrong with a name that no policy here has; while a file cannot be read, any is taken at its word."""
    known, mistaken = files.read_all(directory)
    names = sorted(table.name for table in known)
    if not policy or policy in names or mistaken:
        return ""
    return f"there is no policy {policy!r}; there are {', '.join(names)}"


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
