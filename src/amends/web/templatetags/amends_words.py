"""Filters for pages: money, spans of time, moments and tags, said one way everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from amends.failures.records import Failure
from amends.ground.money import Money, MoneyError
from amends.recoveries import holding
from amends.recoveries.records import Recovery, RecoveryState
from amends.remedies.settling import NOTHING

register = template.Library()
GOOD = ("done", "made right", "settled", "closed", "enqueued", "yes", "resent", "live")
BAD = ("refused", "in doubt", "declined", "held", "severe", "no", "reopened")
WAIT = (
    *("proposed", "parked", "unknown", "trying", "with a person", "waiting", "major", "partly", "under way", "due"),
    "call open",
)


@register.filter
def money(value: Money | None) -> str:
    return value.words(settings.AMENDS.company.locale) if value else "–"


@register.filter
def minor(value: int, currency: str) -> str:
    try:
        return Money(value, currency).words(settings.AMENDS.company.locale)
    except MoneyError:
        return f"{value} {currency}"


@register.filter
def seconds(value: float | None) -> str:
    """`84.2` as `1 min 24 s`; below a minute with one decimal."""
    if not isinstance(value, int | float):
        return "not known"
    if value < 60:
        return f"{value:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A moment on the company's clock, machine-readable beside."""
    if value is None:
        return "–"
    local = value.astimezone(ZoneInfo(settings.AMENDS.company.time_zone))
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), local.strftime("%-d %b %Y, %H:%M:%S"))


@register.filter
def shortly(value: datetime | None) -> SafeString | str:
    """A moment to the minute, on the company's clock, for tables; the year only where it is another."""
    if value is None:
        return "–"
    zone = ZoneInfo(settings.AMENDS.company.time_zone)
    local = value.astimezone(zone)
    shape = "%a %-d %b, %H:%M" if local.year == datetime.now(zone).year else "%-d %b %Y, %H:%M"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), local.strftime(shape))


@register.filter
def share(value: float | None) -> str:
    """A number from 0 to 1 as a percentage."""
    return "" if value is None else f"{value:.0%}"


@register.filter
def tag(value: Any) -> SafeString:
    """A state as a coloured tag; the word itself carries the meaning."""
    text = str(value)
    kind = "good" if text in GOOD else "bad" if text in BAD else "wait" if text in WAIT else ""
    return format_html('<span class="tag {}">{}</span>', kind, text)


@register.filter
def standing(recovery: Recovery) -> SafeString:
    """How a recovery stands, as a tag; where there was nothing to make right, it says so."""
    nothing = recovery.state is RecoveryState.MADE_RIGHT and holding.gives_nothing(recovery.decision)
    return tag(NOTHING if nothing else recovery.state)


@register.filter
def nothing_was_due(recovery: Recovery) -> bool:
    return holding.gives_nothing(recovery.decision)


@register.filter
def what(failure: Failure | None) -> str:
    """What a failure happened to, as people call it: a title, or a component and its area; else its subject."""
    if failure is None:
        return ""
    place = ", ".join(str(failure.facts[name]) for name in ("component", "area") if failure.facts.get(name))
    return str(failure.facts.get("title") or place or failure.subject)


@register.filter
def grouped(value: int) -> str:
    return f"{value:,}"


@register.filter
def field(record: Any, name: str) -> Any:
    """A value of a mapping by a name that is not an identifier."""
    return record.get(name) if hasattr(record, "get") else None


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, for going through names that a page states itself."""
    return text.split()
