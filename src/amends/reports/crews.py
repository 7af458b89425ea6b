"""The secret link of a crew: signed, made anew or taken back at the desk; whoever has it works as this crew."""

from __future__ import annotations

from datetime import datetime

from django.core import signing
from django.db import transaction

from amends.reports.models import CrewLinkRow

SALT = "amends.crew"


class BadLink(ValueError):
    """Not one of our links, or one that was renewed or taken back."""


def link(crew: str) -> str | None:
    """The token of a crew's link; None where it has none."""
    row = CrewLinkRow.objects.filter(pk=crew, revoked_at=None).first()
    return _token(row) if row else None


def _token(row: CrewLinkRow) -> str:
    return signing.Signer(salt=SALT).sign(f"{row.generation}.{row.crew}").replace(":", "~")


def crew_of(token: str) -> str:
    """The crew a link is for; BadLink where it is worth nothing (any more)."""
    try:
        generation, _, crew = signing.Signer(salt=SALT).unsign(token.replace("~", ":")).partition(".")
    except signing.BadSignature as error:
        raise BadLink("this link is not complete; ask for it again") from error
    if not CrewLinkRow.objects.filter(pk=crew, generation=int(generation), revoked_at=None).exists():
        raise BadLink("this link was replaced by another; ask for that one")
    return crew


@transaction.atomic
def renew(crew: str, *, who: str, now: datetime) -> str:
    """A new link for a crew, the first or another; all earlier ones are worthless from now on."""
    row = CrewLinkRow.objects.select_for_update().filter(pk=crew).first()
    row = row or CrewLinkRow(crew=crew, generation=0)
    row.generation, row.revoked_at, row.who, row.at = row.generation + 1, None, who[:150], now
    row.save()
    return _token(row)


def revoke(crew: str, *, who: str, now: datetime) -> bool:
    """Take a crew's link back; False where there was none."""
    return bool(CrewLinkRow.objects.filter(pk=crew, revoked_at=None).update(revoked_at=now, who=who[:150], at=now))
