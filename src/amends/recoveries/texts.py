"""Policies by the digest of their text, as they were when somebody was decided by them."""

from __future__ import annotations

from amends.ground.marked import Mistake
from amends.recoveries.files import INPUTS
from amends.recoveries.models import PolicyRow
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import Table


def table(digest: str) -> Table | None:
    """The policy whose text has this digest; None when it is not on record or can no longer be read."""
    row = PolicyRow.objects.filter(pk=digest).first()
    if row is None:
        return None
    try:
        return as_it_stood(row)
    except Mistake:
        return None


def as_it_stood(row: PolicyRow) -> Table:
    """A text on record; Mistake where it can no longer be read."""
    return read_text(row.text, row.file, INPUTS)
