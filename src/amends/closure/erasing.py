"""Forgetting what a customer wrote with their answers; the answers stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from django.db import transaction

from amends.closure.models import AnswerRow


@transaction.atomic
def erase(recovery_ids: Collection[str]) -> Counter[str]:
    rows = AnswerRow.objects.filter(recovery_id__in=recovery_ids).exclude(words="")
    return Counter({"customer's own words": rows.update(words="")})
