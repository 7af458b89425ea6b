"""What other rooms and pages may ask about failures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import Q

from amends.failures.models import FailureRow
from amends.failures.records import Around, Behind, Evidence, Failure, LossKind, Recurrence, Ripe, Severity
from amends.ground import bulk, packed
from amends.ground.money import Money

AS_TEXT = ("started_at", "facts")  # read by the thousand, many alike
COLUMNS = (
    *("failure_id", "customer_id", "promise", "incident", "started_at", "severity", "loss_kind", "evidence"),
    *("price_minor", "currency", "controllable", "stable_cause", "used_anyway"),
)
KINDS = dict.fromkeys(COLUMNS, pa.string()) | {"started_at": packed.MOMENT, "price_minor": pa.int64()}
KINDS |= dict.fromkeys(COLUMNS[-3:], pa.bool_())


def ripe(now: datetime, limit: int, *, withdrawn: bool = False) -> list[Ripe]:
    """Failures that may be acted on and that the next room has not looked at (it says so by `steps.decided`).

    Those that were withdrawn are asked for apart.
    """
    said = ", ".join([bulk.as_text(connection, name) if name in AS_TEXT else name for name in Ripe._fields])
    gone = "IS NOT NULL" if withdrawn else "IS NULL"
    sql = f"""SELECT {said} FROM failures_failurerow WHERE undecided AND revised_at <= %s AND withdrawn_at {gone}
        ORDER BY revised_at LIMIT %s"""  # noqa: S608 - our own names
    found = bulk.fetch(connection, sql, [bulk.moment(connection, now), limit])
    return [Ripe._make((*row[:4], bulk.read_moment(row[4]), *row[5:])) for row in found]


def by_id(ids: Collection[str]) -> dict[str, Failure]:
    return {row.failure_id: _failure(row) for row in FailureRow.objects.filter(pk__in=ids)}


def around(failures: Sequence[Ripe], window_days: int, half_life_days: float, *, withdrawn: bool = False) -> Around:
    """What other failures of the same kind and customer within the window mean for these; one query for all.

    Of withdrawn ones, all later ones that were decided are named: they may have counted these.
    Decayed: each earlier failure counts 2^(-age/half-life), since old complaints weigh less (Knox and van Oest 2014).
    """
    found = Around({}, set())
    if not failures:
        return found
    window = timedelta(days=window_days)
    mine, ages = {failure.failure_id: failure.started_at for failure in failures}, dict[str, list[float]]()
    for failure_id, counted, other, started, decided in _others(mine, window, withdrawn):
        at, my = bulk.read_moment(started), mine[failure_id]
        if at >= my - window and (at, other) < (my, failure_id):
            ages.setdefault(failure_id, []).append((my - at).total_seconds() / 86400)
        was = bulk.read_moment(counted) if counted is not None else my
        if decided and (withdrawn or counted is None or was != my) and min(was, my) <= at <= max(was, my) + window:
            found.later.add(other)
    found.recurrences.update({id_: Recurrence(len(past), _decayed(past, half_life_days)) for id_, past in ages.items()})
    return found


def _others(mine: Mapping[str, datetime], window: timedelta, withdrawn: bool) -> list[tuple[Any, ...]]:
    """(of these, when it began as it was counted last, another of its kind and customer, when that began, whether it
    was decided); later ones only of what was not counted as it is now."""
    moved = "" if withdrawn else " AND (f.counted_at IS NULL OR f.counted_at <> f.started_at)"
    sql = f"""SELECT f.failure_id, f.counted_at, e.failure_id, e.started_at, NOT e.undecided
        FROM failures_failurerow f JOIN failures_failurerow e ON e.customer_id = f.customer_id
        AND e.promise = f.promise AND e.failure_id <> f.failure_id
        WHERE e.withdrawn_at IS NULL AND e.started_at >= %s
        AND (e.started_at <= f.started_at OR (NOT e.undecided{moved}))
        AND {bulk.among(connection, "f.failure_id")}"""  # noqa: S608 - our own names
    oldest = min(mine.values()) - window
    return bulk.fetch(connection, sql, [bulk.moment(connection, oldest), bulk.texts(connection, mine)])


def _decayed(ages: Sequence[float], half_life_days: float) -> float:
    return round(sum(2 ** (-age / half_life_days) for age in sorted(ages)), 6)


def behind(failure_ids: Collection[str]) -> dict[str, Behind]:
    """What stands behind the remedies of these failures, by id: read by the thousand."""
    facts = bulk.as_text(connection, "facts")
    sql = f"""SELECT failure_id, promise, subject, payment_ref, incident, {facts} FROM failures_failurerow
        WHERE {bulk.among(connection, "failure_id")}"""  # noqa: S608 - our own names
    found = bulk.fetch(connection, sql, [bulk.texts(connection, failure_ids)])
    return {row[0]: Behind._make((*row[1:5], msgspec.json.decode(row[5]))) for row in found}


def recent(limit: int, customer_id: str = "", skip: int = 0) -> list[Failure]:
    """Newest first, of one customer where asked, behind the first `skip`."""
    rows = FailureRow.objects.filter(withdrawn_at=None).order_by("-started_at", "failure_id")
    rows = rows.filter(customer_id=customer_id) if customer_id else rows
    return [_failure(row) for row in rows[skip : skip + limit]]


def count(since: datetime | None = None) -> int:
    rows = FailureRow.objects.filter(withdrawn_at=None)
    return (rows.filter(recorded_at__gte=since) if since else rows).count()


def waiting(now: datetime) -> int:
    """Failures whose verdict has not settled yet."""
    return FailureRow.objects.filter(undecided=True, revised_at__gt=now, withdrawn_at=None).count()


def overlapping(customer_ids: Collection[str], since: datetime, until: datetime) -> Iterator[Failure]:
    """Failures of these customers that touch a span of time; one without an end is taken as a moment."""
    rows = FailureRow.objects.filter(customer_id__in=customer_ids, withdrawn_at=None, started_at__lt=until)
    ended = Q(ended_at__gt=since) | Q(ended_at=None, started_at__gte=since)
    yield from (_failure(row) for row in rows.filter(ended).iterator(2000))


def any_of_incident(incident: str) -> bool:
    """Whether an incident has given anybody a failure of its own before."""
    return FailureRow.objects.filter(incident=incident, subject=incident).exists()


def of_incident(incident: str, evidence: str = "", limit: int = 50) -> list[Failure]:
    """Failures under an incident, by customer; of one grade of evidence where asked."""
    rows = FailureRow.objects.filter(incident=incident, withdrawn_at=None).order_by("customer_id")
    return [_failure(row) for row in (rows.filter(evidence=evidence) if evidence else rows)[:limit]]


def ids_of_incident(incident: str, at_once: int = 5000) -> Iterator[list[str]]:
    """Ids of the failures under an incident, some thousand at a time."""
    after = ""
    rows = FailureRow.objects.filter(incident=incident, withdrawn_at=None).order_by("pk").values_list("pk", flat=True)
    while part := list(rows.filter(pk__gt=after)[:at_once]):
        after = part[-1]
        yield part


def _failure(row: FailureRow) -> Failure:
    return Failure(
        failure_id=row.failure_id,
        promise=row.promise,
        customer_id=row.customer_id,
        subject=row.subject,
        started_at=row.started_at,
        ended_at=row.ended_at,
        severity=Severity(row.severity),
        severity_parts=row.severity_parts,
        facts=row.facts,
        controllable=row.controllable,
        stable_cause=row.stable_cause,
        loss_kind=LossKind(row.loss_kind),
        used_anyway=row.used_anyway,
        evidence=Evidence(row.evidence),
        incident=row.incident,
        price=Money(row.price_minor, row.currency) if row.price_minor is not None and row.currency else None,
        currency=row.currency,
        payment_ref=row.payment_ref,
    )


def export_rows() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in FailureRow.objects.order_by("pk").values().iterator(5000))


def columns(
    since: datetime | None,
    until: datetime | None,
    names: Collection[str] = COLUMNS,
    *,
    facts: Sequence[str] = (),
    promise: str = "",
) -> pa.Table:
    """Failures that began in [since, until) as columns, by id, for studies over a million of them.

    The `names` among COLUMNS, and a column for each of these facts that any failure tells and always in one kind.
    """
    where, params = "withdrawn_at IS NULL", list[Any]()
    for op, moment in ((">=", since), ("<", until)):
        if moment is not None:
            where, params = f"{where} AND started_at {op} %s", [*params, bulk.moment(connection, moment)]
    if promise:
        where, params = f"{where} AND promise = %s", [*params, promise]
    kinds = {name: kind for name, kind in KINDS.items() if name in names}
    table = FailureRow._meta.db_table
    found = packed.read(connection, table, kinds, where, params, inside="facts", names=facts)
    return found.take(pc.sort_indices(found["failure_id"]))
