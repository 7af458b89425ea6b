"""Incidents are opened and resolved as they are told; once over, everyone they touched has a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

import amends.failures.queries
import amends.failures.steps
import amends.signals.queries
from amends.failures.records import Failure
from amends.ground import bulk
from amends.ground.moments import parse_moment
from amends.incidents import queries, rules
from amends.incidents.models import IncidentRow, ReadRow, ServedRow, TellingRow
from amends.incidents.records import Incident, IncidentState, Period, Service, Trace
from amends.signals.records import Signal, Viewing

BATCH = 5000
BEGAN, ENDED, SERVED = "com.amends.outage.started", "com.amends.outage.ended", "com.amends.customer.served"
LOOK_BACK = timedelta(days=60)  # who was served is believed so long afterwards
LONGEST_VIEWING = timedelta(hours=12)
ABSURD = "it ended as it began: nobody lived through it"
HAS = ("customer_id", "customer_class", "price_minor", "currency", "payment_ref")
SERVED_ONCE = ("component", "area", "customer_id")
SERVICE_FIELDS = ("customer_class", "price_minor", "currency", "payment_ref", "started_at", "ended_at", "told_at")
SERVED_OVER = (SERVED_ONCE, SERVICE_FIELDS)


def gather(now: datetime) -> int:
    """Read what was told of outages and of who is served; open, move and resolve incidents. How many signals."""
    read = 0
    while part := _served(now):  # all of them first: an incident is settled once, and not anew with every batch
        read += part
    return read + _tell(BEGAN, now) + _tell(ENDED, now)


@transaction.atomic
def _served(now: datetime) -> int:
    read, signals = _unread(SERVED)
    newest: dict[tuple[str, str], dict[str, ServedRow]] = {}
    for signal in sorted(signals, key=lambda told: (_at(told), told.sequence)):
        row = _served_row(signal)
        newest.setdefault((row.component, row.area), {})[row.customer_id] = row
    for (component, area), rows in newest.items():
        _look_again(component, area, _write_served(component, area, rows), now)
    _done(read, signals)
    return len(signals)


def _write_served(component: str, area: str, rows: Mapping[str, ServedRow]) -> list[ServedRow]:
    """Write what is told of those served at one place; those of whom nothing newer was known."""
    known = ServedRow.objects.filter(component=component, area=area, customer_id__in=rows)
    told = dict(known.values_list("customer_id", "told_at"))
    newer = [row for id_, row in rows.items() if id_ not in told or told[id_] <= row.told_at]
    bulk.insert(connection, ServedRow, (*SERVED_ONCE, *SERVICE_FIELDS), [_kept(row) for row in newer], over=SERVED_OVER)
    return newer


def _kept(row: ServedRow) -> tuple[Any, ...]:
    """In the order of SERVED_ONCE and SERVICE_FIELDS, as the database keeps it."""
    known = (row.component, row.area, row.customer_id, row.customer_class, row.price_minor, row.currency)
    moments = [at and bulk.moment(connection, at) for at in (row.started_at, row.ended_at, row.told_at)]
    return *known, row.payment_ref, *moments


def _served_row(signal: Signal) -> ServedRow:
    data = {name: value for name, value in signal.data.items() if value is not None}
    texts = {name: data.get(name, "") for name in ("component", "area", "customer_class", "currency", "payment_ref")}
    moments = {name: parse_moment(data[name]) if name in data else None for name in ("started_at", "ended_at")}
    row = ServedRow(customer_id=data["customer_id"], told_at=_at(signal), **texts, **moments)
    row.price_minor = data.get("price_minor")
    return row


def _look_again(component: str, area: str, rows: Sequence[ServedRow], now: datetime) -> None:
    """A settled incident is settled again when we learn late of somebody whom it touched."""
    settled = IncidentRow.objects.filter(
        component=component,
        state=IncidentState.SETTLED,
        ended_at__gte=now - LOOK_BACK,
        **({"area": area} if area else {}),
    )
    for incident in settled:
        if any(_was_served(row, incident) for row in rows):
            incident.state, incident.settle_at = IncidentState.RESOLVED, now
            incident.save()


def _was_served(row: ServedRow, incident: IncidentRow) -> bool:
    began = row.started_at is None or incident.ended_at is None or row.started_at < incident.ended_at
    return began and (row.ended_at is None or row.ended_at > incident.started_at)


def _unread(what: str) -> tuple[ReadRow, list[Signal]]:
    read, _ = ReadRow.objects.select_for_update().get_or_create(what=what)
    return read, amends.signals.queries.matters(what, read.upto, BATCH)


def _done(read: ReadRow, signals: Sequence[Signal]) -> None:
    if signals:
        read.upto = signals[-1].sequence
        read.save()


def _at(signal: Signal) -> datetime:
    return signal.time or signal.received_at


@transaction.atomic
def _tell(what: str, now: datetime) -> int:
    read, signals = _unread(what)
    rows = [_telling_row(signal, what == BEGAN) for signal in signals]
    TellingRow.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    for component, area in sorted({(row.component, row.area) for row in rows}):
        _put_together(component, area, now)
    _done(read, signals)
    return len(signals)


def _telling_row(signal: Signal, began: bool) -> TellingRow:
    data = {name: value for name, value in signal.data.items() if value is not None}
    texts = {name: data.get(name, "") for name in ("component", "area", "cause", "weather", "promise")}
    row = TellingRow(sequence=signal.sequence, began=began, at=_at(signal), received_at=signal.received_at, **texts)
    row.customers = data.get("customers", [])
    return row


def _put_together(component: str, area: str, now: datetime) -> None:
    """The incidents of one place from everything told of it; what is as it was stays untouched."""
    tellings = queries.tellings(component, area)
    known = list(IncidentRow.objects.filter(component=component, area=area).exclude(state=IncidentState.MERGED))
    by_id = {row.incident_id: row for row in known}
    records = [queries.record(row) for row in known]
    found, unfit = rules.periods(tellings)
    for period in found:
        mine = rules.first_known(period, records)
        records = [incident for incident in records if incident not in mine]
        new = rules.incident_id(component, area, period)
        row = by_id[mine[0].incident_id] if mine else IncidentRow(incident_id=new, opened_at=now)
        row.component, row.area = component, area
        _take(row, period, now)
        for merged in mine[1:]:
            _merge(by_id[merged.incident_id], row.incident_id, now)
        TellingRow.objects.filter(pk__in=[told.sequence for told in period.tellings]).update(incident=row.incident_id)
    TellingRow.objects.filter(pk__in=[told.sequence for told in unfit]).update(incident="")


def _take(row: IncidentRow, period: Period, now: datetime) -> None:
    """Write a period into its row; a changed one is settled again when the time for late signals has passed."""
    told = {name: rules.told_last(period, name) for name in ("cause", "weather", "promise")}
    told["promise"] = told["promise"] or rules.PROMISE
    told["doubt"] = _doubt(period)
    values = told | {"started_at": period.started_at, "ended_at": period.ended_at, "told": len(period.tellings)}
    if all(getattr(row, name) == value for name, value in values.items()):
        return
    for name, value in values.items():
        setattr(row, name, value)
    late = timedelta(seconds=settings.AMENDS.telemetry.lateness_s)
    row.state = IncidentState.OPEN if period.ended_at is None else IncidentState.RESOLVED
    row.settle_at = None if period.ended_at is None else max(t.received_at for t in period.tellings) + late
    row.changed_at = now
    row.save()


def _doubt(period: Period) -> str:
    also = ", ".join(f"{at:%Y-%m-%d %H:%M} UTC" for at in period.also_ended_at)
    if period.ended_at == period.started_at:
        return ABSURD
    return f"it was told to have ended at {also} as well: look which is true" if also else ""


def _merge(row: IncidentRow, into: str, now: datetime) -> None:
    amends.failures.steps.withdraw_others(row.incident_id, set(), now)
    row.state, row.merged_into, row.settle_at, row.changed_at = IncidentState.MERGED, into, None, now
    row.save()


def settle(now: datetime) -> int:
    """Give everyone whom a resolved incident touched their failure, in sets. How many failures were made or changed."""
    changed = 0
    ripe = IncidentRow.objects.filter(state=IncidentState.RESOLVED, settle_at__lte=now).order_by("settle_at", "pk")
    while (row := ripe.first()) is not None:
        changed += 1 + _settle(row, now)
    return changed


def _settle(row: IncidentRow, now: datetime) -> int:
    incident = queries.record(row)
    if incident.ended_at is None or incident.ended_at <= incident.started_at:
        changed = amends.failures.steps.withdraw_others(incident.incident_id, set(), now)
        _mark_settled(row, now, {})
        return changed
    traces = _traces(incident)
    touched = _count_touched(incident)
    incident = queries.record(row, touched=touched)
    counts = {"touched": touched, "observed": 0, "corroborated": 0, "undisturbed": 0}
    changed, kept, anew = 0, set[str](), amends.failures.queries.any_of_incident(incident.incident_id)
    for part in _touched(incident):
        failures, adopted = _failures_of(incident, part, traces, counts)
        with transaction.atomic():
            changed += amends.failures.steps.record(failures, now)
            amends.failures.steps.put_under(adopted, incident.incident_id)
        if anew:
            kept.update(failure.failure_id for failure in failures)
            kept.update(adopted)
    changed += amends.failures.steps.withdraw_others(incident.incident_id, kept, now) if anew else 0
    _mark_settled(row, now, counts)
    return changed


def _mark_settled(row: IncidentRow, now: datetime, counts: Mapping[str, int]) -> None:
    """Only as it was when we began: what was told meanwhile is settled in the next turn."""
    mine = IncidentRow.objects.filter(pk=row.pk, state=IncidentState.RESOLVED, changed_at=row.changed_at)
    mine.update(state=IncidentState.SETTLED, settled_at=now, **counts)


def _failures_of(
    incident: Incident, part: Mapping[str, Service], traces: Mapping[str, Trace], counts: dict[str, int]
) -> tuple[list[Failure], list[str]]:
    """The failures of some of the touched, and the ids of those that other systems had told us already."""
    others, zone = _overlapping(incident, part), ZoneInfo(settings.AMENDS.company.time_zone)
    made, adopted = [], []
    for customer_id, service in part.items():
        mine = others.get(customer_id, [])
        trace = traces.get(customer_id, Trace())
        if any(failure.evidence == "observed" for failure in mine):
            trace = Trace(trace.tries, trace.waited_s, trace.first_at, trace.last_at, seen=True)
        if trace.undisturbed:
            counts["undisturbed"] += 1
            continue
        counts["observed" if trace.proves else "corroborated"] += 1
        adopted += [failure.failure_id for failure in mine]
        if not any(failure.promise == incident.promise for failure in mine):
            made.append(rules.failure_of(incident, service, trace, zone, looked=_can_look(incident)))
    return made, adopted


def _overlapping(incident: Incident, part: Mapping[str, Service]) -> dict[str, list[Failure]]:
    """What other systems told of the same at that time, by customer: the same promise, or the same component."""
    found: dict[str, list[Failure]] = {}
    assert incident.ended_at is not None
    for failure in amends.failures.queries.overlapping(set(part), incident.started_at, incident.ended_at):
        same = failure.promise == incident.promise or failure.facts.get("component") == incident.component
        if same and failure.incident in ("", incident.incident_id) and failure.subject != incident.incident_id:
            found.setdefault(failure.customer_id, []).append(failure)
    return found


def _traces(incident: Incident) -> dict[str, Trace]:
    """What play sessions say of whoever was trying: one pass over the sessions of that time."""
    if incident.ended_at is None or not rules.is_played_through(
        incident.component, settings.AMENDS.incidents.play_needs
    ):
        return {}
    by_customer: dict[str, list[Viewing]] = {}
    since = incident.started_at - LONGEST_VIEWING
    for viewing in amends.signals.queries.viewings_between(since, incident.started_at, incident.ended_at):
        if viewing.customer_id:
            by_customer.setdefault(viewing.customer_id, []).append(viewing)
    return {
        customer_id: rules.trace_of(viewings, incident.started_at, incident.ended_at)
        for customer_id, viewings in by_customer.items()
    }


def _can_look(incident: Incident) -> bool:
    return rules.is_played_through(incident.component, settings.AMENDS.incidents.play_needs)


def _touched(incident: Incident) -> Iterator[dict[str, Service]]:
    """Everyone whom it touched, some thousand at a time: those named, or where nobody is named those served by it."""
    named = queries.named(incident.incident_id)
    if named:
        for start in range(0, len(named), BATCH):
            yield queries.services(incident.component, named[start : start + BATCH])
        return
    after = ""
    while found := list(
        _served_by(incident).filter(customer_id__gt=after).order_by("customer_id").values_list(*HAS)[:BATCH]
    ):
        after = found[-1][0]
        yield {row[0]: queries.service_of(*row) for row in found}


def _count_touched(incident: Incident) -> int:
    named = queries.named(incident.incident_id)
    return len(named) or _served_by(incident).values("customer_id").distinct().count()


def _served_by(incident: Incident) -> Any:
    """Rows of those who depended on the component while it was out; without an area it serves them everywhere."""
    rows = ServedRow.objects.filter(component=incident.component)
    if incident.area:
        rows = rows.filter(area__in=("", incident.area))
    rows = rows.filter(Q(started_at=None) | Q(started_at__lt=incident.ended_at))
    return rows.filter(Q(ended_at=None) | Q(ended_at__gt=incident.started_at))
