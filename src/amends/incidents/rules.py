"""What was told becomes periods; who lived through one, how long, and how sure we are of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import Any

from amends.failures.records import Evidence, Failure, LossKind, Severity
from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.incidents.records import Incident, Period, Service, Telling, Trace
from amends.signals.records import Viewing

REOPENS_WITHIN = timedelta(minutes=10)  # back for less than this is the same outage to whoever sat in it
LEAST_WAITED_S = 5.0  # a player that stood still for less says nothing about an outage
MAJOR_S, SEVERE_S = 3600, 12 * 3600  # an evening; half a day, where the law of many places begins to pay
PROMISE = "outage"
NORMAL = "normal"  # what rules that sort the weather call weather that excuses nothing


def periods(tellings: Iterable[Telling]) -> tuple[list[Period], list[Telling]]:
    """The outages that were told of, oldest first, and the ends that fit none; in whatever order they were told.

    A start while one is open tells of the same outage. Ends told at nearly the same time agree on the later one.
    """
    found: list[Period] = []
    unfit: list[Telling] = []
    for telling in sorted(tellings, key=lambda told: (told.at, not told.began, told.sequence)):
        last = found[-1] if found else None
        if telling.began:
            _begin(found, last, telling)
        elif last is None:
            unfit.append(telling)
        else:
            found[-1] = _end(last, telling)
    return found, unfit


def _begin(found: list[Period], last: Period | None, telling: Telling) -> None:
    if last is not None and (last.ended_at is None or telling.at - last.ended_at <= REOPENS_WITHIN):
        found[-1] = replace(last, ended_at=None, tellings=(*last.tellings, telling))
    else:
        found.append(Period(telling.at, None, (telling,)))


def _end(last: Period, telling: Telling) -> Period:
    told = (*last.tellings, telling)
    if last.ended_at is None or telling.at - last.ended_at <= REOPENS_WITHIN:
        return replace(last, ended_at=telling.at, tellings=told)
    return replace(last, tellings=told, also_ended_at=(*last.also_ended_at, telling.at))


def incident_id(component: str, area: str, period: Period) -> str:
    """The id of a new incident: from its start as it was told first, which later words do not move."""
    first = min((told for told in period.tellings if told.began), key=lambda told: told.sequence)
    return derive("inc", component, area, format_moment(first.at))


def first_known(period: Period, known: Sequence[Incident]) -> list[Incident]:
    """Known incidents that this period is about; the one to keep comes first."""
    until = period.ended_at
    mine = [
        incident
        for incident in known
        if (until is None or incident.started_at <= until)
        and (incident.ended_at is None or incident.ended_at + REOPENS_WITHIN >= period.started_at)
    ]
    return sorted(mine, key=lambda incident: (incident.opened_at or incident.started_at, incident.incident_id))


def told_last(period: Period, name: str) -> str:
    """A word such as cause or weather as it was told last; an empty one does not unsay it."""
    said = [getattr(told, name) for told in sorted(period.tellings, key=lambda told: told.sequence)]
    return next((word for word in reversed(said) if word), "")


def is_played_through(component: str, patterns: str) -> bool:
    """Whether nothing plays without this component; only then do play sessions say anything of its outage."""
    return any(fnmatchcase(component, pattern) for pattern in patterns.split())


def trace_of(viewings: Sequence[Viewing], started_at: datetime, ended_at: datetime) -> Trace:
    """What one customer's play sessions say about the time of an outage."""
    broken = [(v, w) for v in viewings if (w := _broke(v, started_at, ended_at)) is not None]
    through = any(v.started_at <= started_at and v.last_seen_at >= ended_at for v in viewings)
    if not broken:
        return Trace(undisturbed=through)
    times = [max(viewing.started_at, started_at) for viewing, _ in broken]
    return Trace(len(broken), round(sum(waited for _, waited in broken), 1), min(times), max(times))


def _broke(viewing: Viewing, started_at: datetime, ended_at: datetime) -> float | None:
    """Seconds waited in the window where this session failed or stood still in it; None where it did neither."""
    since, until = (started_at - viewing.started_at).total_seconds(), (ended_at - viewing.started_at).total_seconds()
    waits = [span for span in viewing.spans if span["kind"] in ("stall", "startup")]
    waited = sum(max(0.0, min(span["to_s"], until) - max(span["from_s"], since)) for span in waits)
    flags = any(viewing.facts.get(flag) is True for flag in ("failed_start", "exited_before_start", "playback_failed"))
    fatal = flags and started_at <= viewing.last_seen_at <= ended_at
    return waited if fatal or waited >= LEAST_WAITED_S else None


def severity(off_s: float) -> Severity:
    """How bad an outage of this length is."""
    return Severity.SEVERE if off_s >= SEVERE_S else Severity.MAJOR if off_s >= MAJOR_S else Severity.MINOR


def failure_of(
    incident: Incident, service: Service, trace: Trace, zone: tzinfo = UTC, *, looked: bool = True
) -> Failure:
    """One customer's failure: the length of the outage, what we saw of them, and how sure we are.

    `zone` is the company's: on its clock stand the days from which law and policy count.
    `looked` says whether play sessions could tell: no tries then means that we saw none, and not that we cannot know.
    """
    if incident.ended_at is None:
        raise ValueError(f"{incident.incident_id} has no end: how long it was cannot be known yet")
    off_s = (incident.ended_at - incident.started_at).total_seconds()
    return Failure(
        failure_id=derive("fail", incident.promise, service.customer_id, incident.incident_id),
        promise=incident.promise,
        customer_id=service.customer_id,
        subject=incident.incident_id,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        severity=severity(off_s),
        severity_parts={"off_s": severity(off_s).value},
        facts=_days(incident, zone) | _facts(incident, service, trace, off_s, looked),
        controllable=incident.weather in ("", NORMAL),
        loss_kind=LossKind.OUTCOME,
        used_anyway=False,
        evidence=Evidence.OBSERVED if trace.proves else Evidence.CORROBORATED,
        incident=incident.incident_id,
        price=service.price,
        payment_ref=service.payment_ref,
    )


def _days(incident: Incident, zone: tzinfo) -> dict[str, Any]:
    assert incident.ended_at is not None
    began, ended = (moment.astimezone(zone).date().isoformat() for moment in (incident.started_at, incident.ended_at))
    return {"began_on": began, "restored_on": ended}


def _facts(incident: Incident, service: Service, trace: Trace, off_s: float, looked: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"off_s": round(off_s), "off_h": round(off_s / 3600, 6), "component": incident.component}
    told = {"area": incident.area, "weather": incident.weather, "customer_class": service.customer_class}
    facts |= {name: value for name, value in told.items() if value}
    if service.customer_class:
        facts["domestic"] = service.customer_class == "home"
    if incident.touched:
        facts["affected_customers"] = incident.touched
    if trace.tries:
        facts |= {"tries": trace.tries, "waited_s": trace.waited_s}
        facts |= {"first_try_at": _told(trace.first_at), "last_try_at": _told(trace.last_at)}
    elif looked and not trace.proves:
        facts["tries"] = 0
    return facts


def _told(moment: datetime | None) -> str:
    return format_moment(moment) if moment else ""
