"""What is public, what is blackened and from whom nothing is taken: each with who did it and why."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from amends.reports import queries
from amends.reports.models import BanRow, MoveRow, PhotoRow, RedactionRow, ReportRow
from amends.reports.records import Privacy, Refused, Report, State
from amends.reports.rules import clean_line
from amends.reports.steps import locked, tell, touch

MANY, WITHIN = 20, timedelta(hours=1)  # reports from one network address; a family behind one router is fewer
MANY_MAILED = 10  # and of one mail address
KIND = "moderation"
BANNED = "No reports are taken from this address. If that is a mistake, write or call us."


@dataclass(frozen=True)
class Ban:
    mark: str
    until_at: datetime | None
    why: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Redaction:
    photo: str
    became: str
    boxes: Sequence[Sequence[float]]
    why: str
    who: str
    at: datetime


# From whom nothing is taken


def mark(address: str) -> str:
    """A mail or network address as it is kept here: a keyed digest, so that no list of addresses lies about.

    IPv6 counts by its /64, which one household has to itself.
    """
    plain = address.strip().lower()
    try:
        ip = ip_address(plain)
        plain = str(ip) if not isinstance(ip, IPv6Address) else str(IPv6Address(int(ip) >> 64 << 64))
    except ValueError:
        pass
    return hmac.new(settings.SECRET_KEY.encode(), f"amends.reports:{plain}".encode(), hashlib.sha256).hexdigest()


def refuse(*addresses: str, now: datetime) -> str | None:
    """Why no report is taken from these mail or network addresses, in words for who sends it; None where it is.

    Each call that is not refused counts as one report.
    """
    for address in filter(None, addresses):
        if (why := check(mark(address), now, many=MANY_MAILED if "@" in address else MANY)) is not None:
            return why
    return None


def banned(*addresses: str, now: datetime) -> str | None:
    """The same where floods are no matter, as with a gateway that may report without limit: bans alone."""
    return BANNED if any(_is_banned(mark(address), now) for address in filter(None, addresses)) else None


def _is_banned(mark: str, now: datetime) -> bool:
    ban = BanRow.objects.filter(pk=mark).first()
    return ban is not None and (ban.until_at is None or ban.until_at > now)


def check(mark: str, now: datetime, *, many: int = MANY) -> str | None:
    """The same for a mark: banned, or too many within an hour."""
    if _is_banned(mark, now):
        return BANNED
    key = f"reports:{mark}:{int(now.timestamp() // WITHIN.total_seconds())}"
    cache.add(key, 0, WITHIN.total_seconds())
    try:
        count = cache.incr(key)
    except ValueError:  # it went out of date between the two
        count = 1
    if count > many:
        return f"That is more than {many} reports within an hour. Try again later, or call us where it is urgent."
    return None


@transaction.atomic
def ban(address: str, why: str, *, until: datetime | None, who: str, now: datetime) -> None:
    """Take nothing more from a mail or network address, for a while or until it is lifted."""
    if not address.strip() or not why.strip():
        raise Refused("a ban needs an address and a reason")
    if until is not None and until <= now:
        raise Refused("a ban ends in the future")
    known: dict[str, Any] = {"until_at": until, "why": clean_line(why, 400), "who": clean_line(who, 150), "at": now}
    BanRow.objects.update_or_create(mark=mark(address), defaults=known)


def lift(mark: str) -> bool:
    """End a ban; False where there was none."""
    return bool(BanRow.objects.filter(pk=mark).delete()[0])


def bans(now: datetime) -> list[Ban]:
    """Bans that last, newest first."""
    rows = BanRow.objects.exclude(until_at__lte=now).order_by("-at")
    return [Ban(row.mark, row.until_at, row.why, row.who, row.at) for row in rows]


# What is public


@transaction.atomic
def publish(number: int, *, who: str, now: datetime, note: str = "") -> Report:
    """Let everybody see a report; one that waited for this look is received now."""
    row = locked(number)
    if row.visible:
        return queries.record(row)
    row.visible, row.hidden_why = True, None
    before = row.state
    if row.state == State.PENDING and row.token is None:
        row.state = State.RECEIVED
    return touch(row, now, who, KIND, note=clean_line(note, 400), public=False, was={"visible": False, "state": before})


@transaction.atomic
def hide(number: int, why: str, *, who: str, now: datetime) -> Report:
    """Show a report to nobody outside; it is worked on as before, and its promise stands."""
    row = locked(number)
    if not why.strip():
        raise Refused("say why it is hidden; the next operator will ask")
    if not row.visible:
        return queries.record(row)
    row.visible, row.hidden_why = False, clean_line(why, 400)
    return touch(row, now, who, KIND, note=clean_line(why, 400), public=False, was={"visible": True})


@transaction.atomic
def hide_name(number: int, *, who: str, now: datetime) -> Report:
    """Show the name of who reported it to staff only, from now on."""
    row = locked(number)
    if row.privacy != Privacy.NAMED:
        return queries.record(row)
    row.privacy = Privacy.PRIVATE
    return touch(row, now, who, KIND, note="the name is for staff only", public=False, was={"privacy": Privacy.NAMED})


@transaction.atomic
def show_photo(name: str, visible: bool, why: str, *, who: str, now: datetime) -> None:
    """Show a photo to everybody, or to staff only."""
    photo = PhotoRow.objects.select_for_update().filter(pk=name).first()
    if photo is None or photo.report is None:
        raise Refused("there is no such photo")
    if photo.visible != visible:
        PhotoRow.objects.filter(pk=name).update(visible=visible)
        said = f"photo {name} is {'public' if visible else 'hidden'}: {clean_line(why, 300)}"
        tell(locked(photo.report), now, who, KIND, note=said, public=False)


@transaction.atomic
def blackened(
    name: str, became: str, boxes: Sequence[Sequence[float]], why: str, *, who: str, now: datetime
) -> PhotoRow:
    """Put on record that a photo was made anew with parts of it black; the old name leads nowhere from now on."""
    photo = PhotoRow.objects.select_for_update().filter(pk=name).first()
    if photo is None or photo.report is None:
        raise Refused("there is no such photo")
    row = locked(photo.report)
    PhotoRow.objects.filter(pk=name).update(name=became)
    RedactionRow.objects.create(
        photo=name, became=became, report=row.pk, boxes=boxes, why=clean_line(why, 400), who=who[:150], at=now
    )
    said = f"{len(boxes)} part{'s' if len(boxes) > 1 else ''} of a photo blackened: {clean_line(why, 300)}"
    touch(row, now, who, KIND, note=said, public=False, was={"photo": name, "became": became})
    return photo


def redactions_of(number: int) -> list[Redaction]:
    rows = RedactionRow.objects.filter(report=number).order_by("pk")
    return [Redaction(row.photo, row.became, row.boxes, row.why, row.who, row.at) for row in rows]


def log(limit: int = 200) -> list[Any]:
    """What was moderated lately, newest first: (at, report, who, note)."""
    rows = MoveRow.objects.filter(kind=KIND).order_by("-pk")[:limit]
    return [(row.at, row.report, row.who, row.note) for row in rows]


def waiting(limit: int = 100) -> list[Report]:
    """Open reports that nobody outside sees yet, oldest first."""
    return [queries.record(row) for row in ReportRow.objects.filter(visible=False, open=True).order_by("pk")[:limit]]
