"""Composing notices for recoveries that are made right: kept as sent, and not sent with an error in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Count

import amends.customers.queries
import amends.failures.queries
import amends.outbox.queries
import amends.outbox.steps
import amends.recoveries.queries
import amends.recoveries.steps
import amends.signals.queries
from amends.customers.records import Customer
from amends.failures.records import Evidence, Failure
from amends.ground.ids import derive
from amends.notices import compose as composing
from amends.notices import manner, templates, tokens
from amends.notices.compose import Paid, Said
from amends.notices.models import BookmarkRow, NoticeRow
from amends.notices.records import Finding
from amends.outbox.records import Order, Receipt
from amends.recoveries.records import Recovery, Remedy

BATCH = 500
UPSERTED = "com.amends.customer.upserted"
WRITTEN = ("template", "locale", "subject", "text", "html", "slots", "findings", "state", "composed_at")
CORROBORATED = Evidence.CORROBORATED


def compose(now: datetime) -> int:
    """Write the notice of every recovery made right since last time, a batch a transaction. How many."""
    composed = 0
    while part := _compose_part(now):
        composed += part
    return composed


@transaction.atomic
def _compose_part(now: datetime) -> int:
    recoveries = amends.recoveries.queries.untold(BATCH)
    if not recoveries:
        return 0
    written = set(
        NoticeRow.objects.filter(recovery_id__in=[r.recovery_id for r in recoveries]).values_list(
            "recovery_id", flat=True
        )
    )
    _write([recovery for recovery in recoveries if recovery.recovery_id not in written], now)
    amends.recoveries.steps.told([recovery.recovery_id for recovery in recoveries])
    return len(recoveries)


def _write(recoveries: Sequence[Recovery], now: datetime) -> None:
    rows = _rows(recoveries, now)
    NoticeRow.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    _enqueue(rows, now)


def _rows(recoveries: Sequence[Recovery], now: datetime, *, daily: bool = True) -> list[NoticeRow]:
    """A notice for each recovery, ready to go or held; `daily`: no more to a customer and day than is set."""
    failures = amends.failures.queries.by_id({recovery.failure_id for recovery in recoveries})
    customers = amends.customers.queries.by_id({recovery.customer_id for recovery in recoveries})
    receipts = amends.outbox.queries.receipts([*_money_keys(recoveries), *map(manner.call_key, recoveries)])
    sessions = {failure.subject for failure in failures.values()}
    pictured = {viewing.session_id for viewing in amends.signals.queries.viewings(sessions) if viewing.spans}
    mailed = _mailed_today({recovery.customer_id for recovery in recoveries}, now)
    rows = []
    for recovery in recoveries:
        customer = customers.get(recovery.customer_id, Customer(recovery.customer_id))
        failure = failures[recovery.failure_id]
        row = _row(recovery, failure, customer, receipts, now, pictured=failure.subject in pictured)
        if row.state == "enqueued" and daily:
            mailed[row.customer_id] = mailed.get(row.customer_id, 0) + 1
            if mailed[row.customer_id] > settings.AMENDS.limits.mail_per_customer_day:
                _hold(row, "too-many-mails", "more mails to this customer today than limits.mail_per_customer_day")
        rows.append(row)
    return rows


def _enqueue(rows: Sequence[NoticeRow], now: datetime) -> None:
    ready = [row for row in rows if row.state == "enqueued"]
    customers = amends.customers.queries.by_id({row.customer_id for row in ready})
    amends.outbox.steps.enqueue([_order(row, customers[row.customer_id]) for row in ready], now)


def reconsider(now: datetime) -> int:
    """Look again at what was held for want of an address when customers are told of anew; how many could go."""
    sent = 0
    while (part := _reconsider_part(now)) is not None:
        sent += part
    return sent


@transaction.atomic
def _reconsider_part(now: datetime) -> int | None:
    bookmark, _ = BookmarkRow.objects.select_for_update().get_or_create(what="addresses")
    told = amends.signals.queries.matters(UPSERTED, int(bookmark.upto or 0), BATCH)
    if not told:
        return None
    customer_ids = {str(signal.data.get("customer_id")) for signal in told}
    waiting = NoticeRow.objects.filter(state="held", customer_id__in=customer_ids)
    sent = _again([row for row in waiting if _why(row) == "no-address"], now)
    bookmark.upto = str(told[-1].sequence)
    bookmark.save()
    return sent


def _why(row: NoticeRow) -> str:
    return str(row.findings[-1]["rule"]) if row.findings else ""


def _again(held: Sequence[NoticeRow], now: datetime, *, daily: bool = True) -> int:
    """Write held notices anew from the record; how many may go now."""
    before = {row.recovery_id: row for row in held}
    recoveries = list(amends.recoveries.queries.by_id(set(before)).values())
    rows = _rows(recoveries, now, daily=daily) if recoveries else []
    for row in rows:
        row.notice_id = before[row.recovery_id].notice_id
        row.act_key = before[row.recovery_id].act_key
    NoticeRow.objects.bulk_update(rows, WRITTEN, batch_size=BATCH)
    _enqueue(rows, now)
    return sum(row.state == "enqueued" for row in rows)


@transaction.atomic
def send_held(notice_id: str, who: str, now: datetime) -> str:
    """A person wants a held notice to go now: '' when it goes, else why it still cannot."""
    row = NoticeRow.objects.select_for_update().filter(pk=notice_id, state="held").first()
    if row is None:
        return "this notice is not held back"
    if _again([row], now, daily=False):
        _sign(notice_id, "sent-by-person", who, "sent at the desk")
        return ""
    row.refresh_from_db()
    return "; ".join(f"{one['rule']}: {one['hint']}" for one in row.findings if one["severity"] == "error")


@transaction.atomic
def dismiss_held(notice_id: str, who: str, why: str) -> bool:
    """A person decides that a held notice is not to go; it stays on record."""
    if not NoticeRow.objects.filter(pk=notice_id, state="held").update(state="dismissed"):
        return False
    _sign(notice_id, "dismissed", who, why)
    return True


def _sign(notice_id: str, rule: str, who: str, why: str) -> None:
    row = NoticeRow.objects.get(pk=notice_id)
    row.findings = [*row.findings, asdict(Finding("", 0, "warning", rule, who, why))]
    row.save(update_fields=["findings"])


def _money_keys(recoveries: Sequence[Recovery]) -> list[str]:
    return [_key(r, remedy) for r in recoveries for remedy in r.decision.remedies if remedy.amount]


def _key(recovery: Recovery, remedy: Remedy) -> str:
    return f"{recovery.decision.name_of(remedy)}:{recovery.recovery_id}"


def _mailed_today(customer_ids: set[str], now: datetime) -> dict[str, int]:
    since = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = NoticeRow.objects.filter(customer_id__in=customer_ids, composed_at__gte=since, state="enqueued")
    return dict(rows.values_list("customer_id").annotate(Count("pk")).order_by())


def _row(
    recovery: Recovery,
    failure: Failure,
    customer: Customer,
    receipts: dict[str, Receipt],
    now: datetime,
    *,
    pictured: bool,
) -> NoticeRow:
    config = settings.AMENDS
    paid = _paid(recovery, receipts)
    link = f"{config.public_url}/yours/{tokens.make(recovery.recovery_id)}"
    lang, values = composing.values_of(failure, customer, paid, link, config)
    calling = manner.call_is_open(recovery, manner.call_key(recovery) in receipts)
    kind = manner.kind(recovery, paid=paid.total is not None, calling=calling)
    values |= manner.values(recovery, customer, lang, calling=calling, pictured=link if pictured else "")
    candidates = _candidates(failure, kind, lang)
    notice_id = derive("note", recovery.recovery_id, kind, "1")
    row = NoticeRow(
        notice_id=notice_id,
        recovery_id=recovery.recovery_id,
        customer_id=recovery.customer_id,
        template=f"{failure.promise}.{kind}",
        locale=lang,
        composed_at=now,
        act_key=f"mail:{notice_id}",
        slots={},
        state="held",
    )
    if not candidates:
        _hold(row, "no-template", f"write notices/{failure.promise}.{kind}.{lang}.md or notices/any.{kind}.{lang}.md")
        return row
    tried = [(template, composing.compose(template, values, paid, lang)) for template in candidates]
    template, said = next((one for one in tried if one[1].may_be_sent), tried[0])
    row.template = template.kind
    _fill(row, said)
    if not said.may_be_sent:
        return row
    if not customer.email:
        _hold(row, "no-address", "this customer has no mail address; what is owed has been paid all the same")
    elif customer.contact.get("mail", customer.contact.get("email", True)) is False:
        _hold(row, "not-wanted", "this customer does not want mail; their page still tells them")
    else:
        row.state = "enqueued"
    return row


def _fill(row: NoticeRow, said: Said) -> None:
    row.subject, row.text, row.html, row.slots = said.subject, said.text, said.html, dict(said.slots)
    row.findings = [asdict(finding) for finding in said.findings]


def _hold(row: NoticeRow, rule: str, hint: str) -> None:
    row.state = "held"
    row.findings = [*(row.findings or []), asdict(Finding("", 0, "error", rule, row.customer_id, hint))]


def _paid(recovery: Recovery, receipts: dict[str, Receipt]) -> Paid:
    """What was paid and its receipts: only what the record proves."""
    proven = [
        (remedy, remedy.amount, receipts[_key(recovery, remedy)].ref)
        for remedy in recovery.decision.remedies
        if remedy.amount is not None and _key(recovery, remedy) in receipts
    ]
    owed = [amount for remedy, amount, _ in proven if remedy.owed]
    goodwill = [amount for remedy, amount, _ in proven if not remedy.owed]
    return Paid(tuple(owed), tuple(goodwill), tuple(ref for *_, ref in proven), recovery.pay_by_on)


def _candidates(failure: Failure, kind: str, lang: str) -> list[templates.Template]:
    """Templates that could say it, best first: what is true before what is near, the customer's language before others.

    Of whom we cannot be sure, the words for that come first (`PROMISE.KIND.uncertain`), in whatever language there are.
    """
    found, _ = templates.read_all(settings.AMENDS.directory)
    languages = dict.fromkeys((lang, settings.AMENDS.company.locale, "en"))
    sure = [(f"{name}.{kind}", wanted) for wanted in languages for name in (failure.promise, "any")]
    unsure = [(f"{name}.uncertain", wanted) for name, wanted in sure] if failure.evidence is CORROBORATED else []
    return [found[name] for name in (*unsure, *sure) if name in found]


def _order(row: NoticeRow, customer: Customer) -> Order:
    host = urlsplit(settings.AMENDS.public_url).hostname or "localhost"
    mark = hashlib.sha256(row.act_key.encode()).hexdigest()[:32]
    payload = {
        "to": customer.email,
        "subject": row.subject,
        "text": row.text,
        "html": row.html,
        "locale": row.locale,
        "message_id": f"<{mark}@{host if '.' in host else host + '.localdomain'}>",
        "references": [],
    }
    return Order(row.act_key, "mail.apology", "smtp", row.recovery_id, row.customer_id, payload, urgency=4)
