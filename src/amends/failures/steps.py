"""Broken promises become failures: judged from viewings, or told by systems that already know."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

import amends.promises.files
import amends.promises.rules
import amends.signals.queries
import amends.signals.steps
from amends.failures.models import FailureRow, ReadRow
from amends.failures.records import Failure
from amends.ground import bulk
from amends.ground.ids import derive
from amends.ground.moments import parse_moment
from amends.promises.records import Promise, Version
from amends.promises.rules import SEVERITIES, Verdicts
from amends.signals.records import Signal, Viewing

BATCH = 1000
UPDATED = (
    *("started_at", "ended_at", "severity", "severity_parts", "facts", "controllable", "stable_cause", "loss_kind"),
    *("used_anyway", "evidence", "incident", "price_minor", "currency", "payment_ref", "revised_at", "withdrawn_at"),
    *("undecided", "told_at"),
)
PLAIN = (
    *("failure_id", "promise", "customer_id", "subject", "severity", "controllable", "stable_cause", "loss_kind"),
    *("used_anyway", "evidence", "incident", "price_minor", "currency", "payment_ref", "undecided"),
)
MOMENTS = ("started_at", "ended_at", "recorded_at", "revised_at", "withdrawn_at", "told_at")
COLUMNS = (*PLAIN, "severity_parts", "facts", *MOMENTS)
PLAIN_OF, MOMENTS_OF = attrgetter(*PLAIN), attrgetter(*MOMENTS)
COMPARED = tuple(name for name in UPDATED if name not in ("revised_at", "undecided"))
OBSERVED = "com.amends.failure.observed"
PAID = ("rental", "purchase")


def promises() -> list[Promise]:
    """The promises of this installation; read again when a file changes, its last good version where it is wrong."""
    return amends.promises.files.in_use(settings.AMENDS.directory)


@transaction.atomic
def judge(now: datetime) -> int:
    """Hold closed viewings against the promises; failures are made, revised, or withdrawn. How many changed."""
    viewings = amends.signals.queries.fresh_viewings(BATCH)
    changed, claimed = len(viewings), [viewing for viewing in viewings if viewing.customer_id]
    if claimed:
        for promise in promises():
            changed += _judge(promise, claimed, now)
    amends.signals.steps.looked_at([viewing.session_id for viewing in viewings])
    return changed


def _judge(promise: Promise, viewings: Sequence[Viewing], now: datetime) -> int:
    """One promise over a batch, version by version of the day on which each was watched."""
    zone = ZoneInfo(settings.AMENDS.company.time_zone)
    by_version: dict[int, list[Viewing]] = {}
    for viewing in viewings:
        version = promise.at(viewing.started_at.astimezone(zone).date())
        if version is not None:
            by_version.setdefault(promise.versions.index(version), []).append(viewing)
    changed = 0
    for index, group in by_version.items():
        changed += _judge_version(promise, promise.versions[index], group, now)
    return changed


def _judge_version(promise: Promise, version: Version, viewings: Sequence[Viewing], now: datetime) -> int:
    columns = amends.promises.rules.columns_of([viewing.facts for viewing in viewings])
    verdicts = amends.promises.rules.judge(columns, version)
    broken = [
        _from_viewing(promise, viewing, verdicts, i, now) for i, viewing in enumerate(viewings) if verdicts.severity[i]
    ]
    kept = [_id(promise.name, v.customer_id, v.session_id) for i, v in enumerate(viewings) if not verdicts.severity[i]]
    withdrawn = _withdraw(FailureRow.objects.filter(pk__in=kept, withdrawn_at=None), now)
    return _write(broken) + withdrawn


def _withdraw(rows: QuerySet[FailureRow], now: datetime) -> int:
    """They proved unfounded; the next room looks at what that means for what was decided."""
    return rows.update(withdrawn_at=now, revised_at=now, undecided=True)


def _id(promise: str, customer_id: str, subject: str) -> str:
    return derive("fail", promise, customer_id, subject)


def _write(rows: Sequence[FailureRow]) -> int:
    """Write what is new in these; how many were not so before."""
    stored = FailureRow.objects.in_bulk([row.failure_id for row in rows])
    news = [row for row in rows if _is_news(row, stored.get(row.failure_id))]
    bulk.insert(connection, FailureRow, COLUMNS, [_kept(row) for row in news], over=(("failure_id",), UPDATED))
    return len(news)


def _kept(row: FailureRow) -> tuple[Any, ...]:
    """In the order of COLUMNS, as the database keeps it."""
    moments = [at and bulk.moment(connection, at) for at in MOMENTS_OF(row)]
    return *PLAIN_OF(row), json.dumps(row.severity_parts), json.dumps(row.facts), *moments


def _is_news(row: FailureRow, stored: FailureRow | None) -> bool:
    """A telling that was overtaken by a newer one is none; nor is one that says what was acted on already."""
    if stored is None:
        return True
    if row.told_at and stored.told_at and row.told_at < stored.told_at:
        return False
    row.incident = row.incident or stored.incident
    return stored.undecided or any(getattr(row, name) != getattr(stored, name) for name in COMPARED)


def _from_viewing(promise: Promise, viewing: Viewing, verdicts: Verdicts, index: int, now: datetime) -> FailureRow:
    played = viewing.playback
    disputed = bool(played and played.disputed_by)
    title = played.title if played else viewing.content_id
    product = played.product if played else ""
    facts = dict(viewing.facts) | {"title": title, "product": product, "disputed": disputed}
    facts["waited_s"] = viewing.facts.get("watched_s") if viewing.facts.get("exited_before_start") else None
    parts = {name: SEVERITIES[found[index]] for name, found in verdicts.parts.items() if found[index]}
    price = played.price if played else None
    return FailureRow(
        failure_id=_id(promise.name, viewing.customer_id, viewing.session_id),
        promise=promise.name,
        customer_id=viewing.customer_id,
        subject=viewing.session_id,
        started_at=viewing.started_at,
        ended_at=viewing.last_seen_at,
        severity=SEVERITIES[verdicts.severity[index]],
        severity_parts=parts,
        facts=facts,
        controllable=promise.controllable,
        loss_kind="money" if product in PAID else "outcome",
        used_anyway=bool(verdicts.used_anyway[index]),
        price_minor=price.minor if price else None,
        currency=price.currency if price else "",
        payment_ref=played.payment_ref if played else "",
        recorded_at=now,
        revised_at=max(now, viewing.settled_at or now),  # from then on it may be acted on
    )


def decided(failure_ids: Collection[str]) -> None:
    """The next room has looked at these failures; they are undecided again when they are revised."""
    sql = f"""UPDATE failures_failurerow SET undecided = %s,
        counted_at = CASE WHEN withdrawn_at IS NULL THEN started_at END
        WHERE {bulk.among(connection, "failure_id")}"""  # noqa: S608 - our own names
    bulk.change(connection, sql, [False, bulk.texts(connection, failure_ids)])


def look_again(failure_ids: Collection[str]) -> None:
    """What these were decided by has changed though nothing was told of them: an earlier failure became known."""
    if failure_ids:
        sql = f"UPDATE failures_failurerow SET undecided = %s WHERE {bulk.among(connection, 'failure_id')}"  # noqa: S608
        bulk.change(connection, sql, [True, bulk.texts(connection, failure_ids)])


@transaction.atomic
def take_observed(now: datetime) -> int:
    """Failures that other systems told us: the same customer, promise and subject is the same failure."""
    bookmark, _ = ReadRow.objects.select_for_update().get_or_create(what=OBSERVED)
    signals = amends.signals.queries.matters(OBSERVED, int(bookmark.upto or 0), BATCH)
    if signals:
        rows = sorted((_from_signal(signal, now) for signal in signals), key=_told_at)
        _write(list({row.failure_id: row for row in rows}.values()))
        bookmark.upto = str(signals[-1].sequence)
        bookmark.save()
    return len(signals)


def _told_at(row: FailureRow) -> datetime:
    return row.told_at or row.revised_at


def _from_signal(signal: Signal, now: datetime) -> FailureRow:
    data: dict[str, Any] = {name: value for name, value in signal.data.items() if value is not None}
    price = data.get("price_minor")
    return FailureRow(
        failure_id=_id(data["promise"], data["customer_id"], data["subject"]),
        promise=data["promise"],
        customer_id=data["customer_id"],
        subject=data["subject"],
        started_at=parse_moment(data["started_at"]),
        ended_at=parse_moment(data["ended_at"]) if "ended_at" in data else None,
        severity=data.get("severity", "major"),
        severity_parts={"told by": signal.source},
        facts=data.get("facts", {}),
        controllable=data.get("controllable", True),
        stable_cause=data.get("stable_cause", False),
        loss_kind=data.get("loss_kind", "outcome" if price is None else "money"),
        used_anyway=data.get("used_anyway", False),
        evidence=data.get("evidence", "observed").replace("_", " "),
        incident=data.get("incident", ""),
        price_minor=price,
        currency=data.get("currency", ""),
        payment_ref=data.get("payment_ref", ""),
        recorded_at=now,
        revised_at=now,
        told_at=signal.time or signal.received_at,
    )


@transaction.atomic
def record(failures: Sequence[Failure], now: datetime) -> int:
    """Write failures that a later room found out, such as those of an incident; how many were not so before."""
    return _write([_row(failure, now) for failure in failures])


def _row(failure: Failure, now: datetime) -> FailureRow:
    same = ("failure_id", "promise", "customer_id", "subject", "started_at", "ended_at", "controllable")
    more = ("stable_cause", "used_anyway", "incident", "payment_ref")
    return FailureRow(
        **{name: getattr(failure, name) for name in (*same, *more)},
        severity=failure.severity.value,
        severity_parts=dict(failure.severity_parts),
        facts=dict(failure.facts),
        loss_kind=failure.loss_kind.value,
        evidence=failure.evidence.value,
        price_minor=failure.price.minor if failure.price else None,
        currency=failure.price.currency if failure.price else "",
        recorded_at=now,
        revised_at=now,
    )


def put_under(failure_ids: Collection[str], incident: str) -> int:
    """Say of failures that they belong to an incident; it changes nothing else about them."""
    return FailureRow.objects.filter(pk__in=failure_ids, incident="").update(incident=incident)


@transaction.atomic
def withdraw_others(incident: str, kept: Collection[str], now: datetime) -> int:
    """Withdraw an incident's own failures that are not among those kept: it did not touch these customers."""
    own = FailureRow.objects.filter(incident=incident, subject=incident, withdrawn_at=None)
    gone = [failure_id for failure_id in own.values_list("pk", flat=True).iterator(5000) if failure_id not in kept]
    for start in range(0, len(gone), BATCH):
        _withdraw(FailureRow.objects.filter(pk__in=gone[start : start + BATCH]), now)
    return len(gone)


@transaction.atomic
def withdraw_of(customer_ids: Collection[str], subjects: Collection[str], kept: Collection[str], now: datetime) -> int:
    """Withdraw what these customers lived with these subjects, but for the failures that are kept."""
    rows = FailureRow.objects.filter(customer_id__in=customer_ids, subject__in=subjects, withdrawn_at=None)
    gone = [failure_id for failure_id in rows.values_list("pk", flat=True) if failure_id not in kept]
    return _withdraw(FailureRow.objects.filter(pk__in=gone), now) if gone else 0
