"""Composing notices for recoveries that are made right: kept as sent, and not sent with an error in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

import amends.customers.queries
import amends.failures.queries
import amends.notices.queries
import amends.outbox.queries
import amends.outbox.steps
import amends.recoveries.noting
import amends.recoveries.queries
import amends.recoveries.steps
import amends.signals.queries
from amends.customers.records import Customer
from amends.failures.records import Evidence, Failure
from amends.ground import bulk
from amends.ground.ids import derive
from amends.notices import compose as composing
from amends.notices import manner, occasions, phrases, templates, tokens
from amends.notices.compose import Said
from amends.notices.erasing import ERASED, erased
from amends.notices.models import AwaitedRow, BookmarkRow, NoticeRow
from amends.notices.occasions import Occasion
from amends.notices.records import Finding, Notice, TakenBack
from amends.outbox.records import Act, Order, Receipt
from amends.recoveries import holding

BATCH = 2000
COMMITTED_WITHIN = timedelta(minutes=1)  # what is cancelled at a moment may be seen a little later
CALLED_OFF = "called-off"
UPSERTED = "com.amends.customer.upserted"
WRITTEN = (
    *("template", "locale", "subject", "text", "html", "slots", "findings", "state", "about", "act_key"),
    "composed_at",
)
COLUMNS = (
    *("notice_id", "recovery_id", "customer_id", "template", "channel", "locale", "subject", "text", "html", "slots"),
    *("findings", "state", "act_key", "about", "composed_at"),
)


class Draft(NamedTuple):
    """A notice's row with what its mail needs beside it."""

    row: NoticeRow
    batch: str  # the incident's: its mails are paced, paused and aborted together
    references: Sequence[str]  # mails of ours that it belongs behind
    customer: Customer


def compose(now: datetime) -> int:
    """Write the notice of every recovery made right since last time, a batch a transaction. How many.

    Where nothing was due nothing is said, until it is decided anew and something is given. What was given after a
    notice went out has one of its own, once its receipts are there.
    """
    composed = 0
    while part := _compose_part(now):
        composed += part
    return composed + _compose_additions(now) + _hold_called_off(now)


@transaction.atomic
def _compose_part(now: datetime) -> int:
    recoveries = amends.recoveries.queries.untold(BATCH)
    over = amends.recoveries.noting.untold_over(BATCH)
    if not (recoveries or over):
        return 0
    ids = [recovery.recovery_id for recovery in recoveries]
    written = set(NoticeRow.objects.filter(recovery_id__in=ids).values_list("recovery_id", flat=True))
    due = [one for one in recoveries if not holding.gives_nothing(one.decision)]
    new = [recovery for recovery in due if recovery.recovery_id not in written]
    early = _write([occasions.first(recovery) for recovery in new], now)
    _await([r.recovery_id for r in due if r.has_later] + [id_ for id_ in over if over[id_]] + early)
    amends.recoveries.steps.told([*ids, *over])
    return len(ids) + len(over)


def _await(ids: Sequence[str]) -> None:
    rows = [AwaitedRow(recovery_id=id_) for id_ in ids]
    AwaitedRow.objects.bulk_create(rows, ignore_conflicts=True)


def _compose_additions(now: datetime) -> int:
    """Tell of goodwill that has its receipts by now and that no notice has told of yet."""
    composed, after = 0, ""
    while ids := list(AwaitedRow.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        after = ids[-1]
        composed += _add(ids, now)
    return composed


@transaction.atomic
def _add(ids: Sequence[str], now: datetime) -> int:
    recoveries = amends.recoveries.queries.by_id(ids)
    acts = amends.outbox.queries.answers([key for one in recoveries.values() for key in occasions.awaited_keys(one)])
    told = amends.notices.queries.of_recoveries(ids)
    found, over = [], set(ids) - set(recoveries)
    for recovery_id, recovery in recoveries.items():
        later = occasions.later(recovery, told.get(recovery_id, []), acts)
        found += [later.occasion] if later.occasion else []
        over |= {recovery_id} if later.over else set()
    _write(found, now)
    AwaitedRow.objects.filter(pk__in=over).delete()
    return len(found)


@transaction.atomic
def tell_taken_back(taken: Sequence[TakenBack], now: datetime) -> None:
    """Tell customers of money that came back from them: plainly, once for each act that took it back."""
    recoveries = amends.recoveries.queries.by_id({one.recovery_id for one in taken})
    _write([occasions.taken_back(recoveries[one.recovery_id], one) for one in taken], now)


def _write(found: Sequence[Occasion], now: datetime) -> list[str]:
    """Write these notices; the recoveries of those for which it is too early."""
    receipts = _receipts(found)
    early = {occasion.recovery.recovery_id for occasion in found if occasions.is_early(occasion, receipts)}
    drafts = _drafts([one for one in found if one.recovery.recovery_id not in early], receipts, now)
    bulk.insert(connection, NoticeRow, COLUMNS, [_kept(draft.row) for draft in drafts], unless_there=True)
    _enqueue(drafts, now)
    return sorted(early)


def _receipts(found: Sequence[Occasion]) -> dict[str, Receipt]:
    recoveries = [occasion.recovery for occasion in found]
    return amends.outbox.queries.receipts([*occasions.money_keys(recoveries), *map(manner.call_key, recoveries)])


def _kept(row: NoticeRow) -> tuple[Any, ...]:
    """A row as the database keeps it."""
    at, about = bulk.moment(connection, row.composed_at), None if row.about is None else json.dumps(row.about)
    said = (row.template, row.channel, row.locale, row.subject, row.text, row.html)
    kept = (json.dumps(row.slots), json.dumps(row.findings), row.state, row.act_key, about, at)
    return row.notice_id, row.recovery_id, row.customer_id, *said, *kept


def _drafts(
    found: Sequence[Occasion], receipts: dict[str, Receipt], now: datetime, *, daily: bool = True
) -> list[Draft]:
    """A notice for each occasion, ready to go or held; `daily`: no more to a customer and day than is set."""
    recoveries = [occasion.recovery for occasion in found]
    failures = amends.failures.queries.by_id({recovery.failure_id for recovery in recoveries})
    customers = amends.customers.queries.by_id({recovery.customer_id for recovery in recoveries})
    told = amends.notices.queries.of_recoveries({one.recovery.recovery_id for one in found if not one.is_first})
    sessions = {failure.subject for failure in failures.values()}
    pictured = {viewing.session_id for viewing in amends.signals.queries.viewings(sessions) if viewing.spans}
    written, _ = templates.read_all(settings.AMENDS.directory)
    mailed = _mailed_today({recovery.customer_id for recovery in recoveries}, now)
    drafts = []
    for occasion in found:
        recovery = occasion.recovery
        customer = customers.get(recovery.customer_id, Customer(recovery.customer_id))
        failure = failures[recovery.failure_id]
        sent = [one for one in told.get(recovery.recovery_id, []) if one.state == "enqueued"]
        seen = failure.subject in pictured
        row = _row(occasion, failure, customer, receipts, sent, now, pictured=seen, written=written)
        if row.state == "enqueued" and daily:
            mailed[row.customer_id] = mailed.get(row.customer_id, 0) + 1
            if mailed[row.customer_id] > settings.AMENDS.limits.mail_per_customer_day:
                _hold(row, "too-many-mails", "more mails to this customer today than limits.mail_per_customer_day")
        drafts.append(Draft(row, failure.incident[:120], [_message_id(one.act_key) for one in sent], customer))
    return drafts


def _enqueue(drafts: Sequence[Draft], now: datetime) -> None:
    ready = [draft for draft in drafts if draft.row.state == "enqueued"]
    amends.outbox.steps.enqueue([_order(draft) for draft in ready], now)


@transaction.atomic
def _hold_called_off(now: datetime) -> int:
    """Mails that were cancelled with their batch stand before a person: nobody is left untold without a word."""
    if not amends.outbox.queries.aborted_batches("smtp"):
        return 0
    bookmark, _ = BookmarkRow.objects.select_for_update().get_or_create(what="called-off")
    since = min(datetime.fromisoformat(bookmark.upto), now) - COMMITTED_WITHIN if bookmark.upto else None
    held, upto = 0, since
    for part in amends.outbox.queries.cancelled("smtp", since, BATCH):
        says = {act.key: act.last_answer for act in part}
        rows = NoticeRow.objects.filter(recovery_id__in={act.recovery_id for act in part}, state="enqueued")
        off = [row for row in rows if row.act_key in says and ERASED not in {one["rule"] for one in row.findings}]
        for row in off:
            _hold(row, CALLED_OFF, f"{says[row.act_key]}; the customer has not been told: send it now, or dismiss it")
        NoticeRow.objects.bulk_update(off, ("findings", "state"), batch_size=BATCH)
        held, upto = held + len(off), part[-1].changed_at
    if upto != since and upto is not None:
        bookmark.upto = upto.isoformat()
        bookmark.save()
    return held


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
    sent = len(_again([row for row in waiting if _why(row) == "no-address"], now))
    bookmark.upto = str(told[-1].sequence)
    bookmark.save()
    return sent


def _why(row: NoticeRow) -> str:
    return str(row.findings[-1]["rule"]) if row.findings else ""


def _again(
    held: Sequence[NoticeRow], now: datetime, *, daily: bool = True, batch: str | None = None
) -> list[NoticeRow]:
    """Write held notices anew from the record; those that may go now, in their incident's batch or in this one."""
    found = _occasions(held)
    drafts = _drafts(found, _receipts(found), now, daily=daily) if found else []
    for before, draft in zip(held, drafts, strict=True):
        draft.row.notice_id = before.notice_id
        draft.row.act_key = _next_key(before.act_key) if _why(before) == CALLED_OFF else before.act_key
    NoticeRow.objects.bulk_update([draft.row for draft in drafts], WRITTEN, batch_size=BATCH)
    _await([one.recovery.recovery_id for one in found if one.is_first and one.recovery.has_later])
    _enqueue(drafts if batch is None else [draft._replace(batch=batch) for draft in drafts], now)
    return [draft.row for draft in drafts if draft.row.state == "enqueued"]


def _occasions(held: Sequence[NoticeRow]) -> list[Occasion]:
    ids = {row.recovery_id for row in held}
    recoveries, notices = amends.recoveries.queries.by_id(ids), amends.notices.queries.of_recoveries(ids)
    found = []
    for row in held:
        alike = notices[row.recovery_id]
        own = next(one for one in alike if one.notice_id == row.notice_id)
        found.append(occasions.again(recoveries[row.recovery_id], own, [one for one in alike if one is not own]))
    return found


def _next_key(key: str) -> str:
    """The key of a mail was cancelled for ever, and nothing was sent under it: the next one."""
    mail, notice_id, *number = key.split(":")
    return f"{mail}:{notice_id}:{int(number[0]) + 1 if number else 2}"


@transaction.atomic
def send_held(notice_id: str, who: str, now: datetime) -> str:
    """A person wants a held notice to go now: '' when it goes, else why it still cannot."""
    row = NoticeRow.objects.select_for_update().filter(pk=notice_id, state="held").first()
    if row is None:
        return "this notice is not held back"
    if _again([row], now, daily=False, batch=""):
        _sign(notice_id, "sent-by-person", who, "sent at the desk")
        return ""
    row.refresh_from_db()
    return "; ".join(f"{one['rule']}: {one['hint']}" for one in row.findings if one["severity"] == "error")


def send_called_off(batch: str, who: str, why: str, now: datetime) -> int:
    """A person wants the mails of an aborted batch to go after all, as a batch of their own; how many could."""
    _hold_called_off(now)
    parts = amends.outbox.queries.cancelled("smtp", None, BATCH, batch)
    return sum(_send_called_off(part, f"{batch[:110]} again", who, why, now) for part in parts)


@transaction.atomic
def _send_called_off(part: Sequence[Act], batch: str, who: str, why: str, now: datetime) -> int:
    keys = {act.key for act in part}
    held = NoticeRow.objects.select_for_update().filter(recovery_id__in={act.recovery_id for act in part}, state="held")
    rows = _again([row for row in held if row.act_key in keys and _why(row) == CALLED_OFF], now, batch=batch)
    for row in rows:
        row.findings = [*row.findings, asdict(Finding("", 0, "warning", "sent-by-person", who, why))]
    NoticeRow.objects.bulk_update(rows, ("findings",), batch_size=BATCH)
    return len(rows)


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


def _mailed_today(customer_ids: set[str], now: datetime) -> dict[str, int]:
    since = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = NoticeRow.objects.filter(customer_id__in=customer_ids, composed_at__gte=since, state="enqueued")
    return dict(rows.values_list("customer_id").annotate(Count("pk")).order_by())


def _row(
    occasion: Occasion,
    failure: Failure,
    customer: Customer,
    receipts: dict[str, Receipt],
    sent: Sequence[Notice],
    now: datetime,
    *,
    pictured: bool,
    written: templates.Written,
) -> NoticeRow:
    config, recovery = settings.AMENDS, occasion.recovery
    said = occasions.said(occasion, receipts)
    link = f"{config.public_url}/yours/{tokens.make(recovery.recovery_id)}"
    lang, values = composing.values_of(failure, customer, said.paid, link, config)
    calling = manner.call_is_open(recovery, manner.call_key(recovery) in receipts)
    kind = occasion.kind or manner.kind(recovery, said.first, calling=calling)
    values |= manner.values(recovery, customer, lang, calling=calling, pictured=link if pictured else "")
    values |= said.words(occasion, lang, phrases.babel_locale(customer.locale or lang, lang))
    values["first_on"] = composing.day_of(sent[0].composed_at, customer, config) if sent else ""
    notice_id = derive("note", recovery.recovery_id, kind, *occasion.number)
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
        about=said.about,
    )
    sure = failure.evidence is not Evidence.CORROBORATED
    candidates = templates.candidates(written, failure.promise, kind, (lang, config.company.locale, "en"), sure=sure)
    if not candidates:
        _hold(row, "no-template", f"write notices/{failure.promise}.{kind}.{lang}.md or notices/any.{kind}.{lang}.md")
        return row
    template, text = composing.first_that_may_be_sent(candidates, values, said.paid, lang)
    row.template = template.kind
    _fill(row, text)
    if text.may_be_sent:
        _address(row, customer)
    return row


def _address(row: NoticeRow, customer: Customer) -> None:
    if customer.erased:
        row.state, row.findings = "dismissed", [*row.findings, erased()]
    elif not customer.email:
        _hold(row, "no-address", "this customer has no mail address; what is owed has been paid all the same")
    elif customer.contact.get("mail", customer.contact.get("email", True)) is False:
        _hold(row, "not-wanted", "this customer does not want mail; their page still tells them")
    else:
        row.state = "enqueued"


def _fill(row: NoticeRow, said: Said) -> None:
    row.subject, row.text, row.html, row.slots = said.subject, said.text, said.html, dict(said.slots)
    row.findings = [asdict(finding) for finding in said.findings]


def _hold(row: NoticeRow, rule: str, hint: str) -> None:
    row.state = "held"
    row.findings = [*(row.findings or []), asdict(Finding("", 0, "error", rule, row.customer_id, hint))]


def _order(draft: Draft) -> Order:
    row, customer = draft.row, draft.customer
    payload = {
        "to": customer.email,
        "subject": row.subject,
        "text": row.text,
        "html": row.html,
        "locale": row.locale,
        "message_id": _message_id(row.act_key),
        "references": list(draft.references),
    }
    ids = (row.recovery_id, row.customer_id)
    return Order(row.act_key, "mail.apology", "smtp", *ids, payload, urgency=4, batch=draft.batch)


def _message_id(act_key: str) -> str:
    host = urlsplit(settings.AMENDS.public_url).hostname or "localhost"
    mark = hashlib.sha256(act_key.encode()).hexdigest()[:32]
    return f"<{mark}@{host if '.' in host else host + '.localdomain'}>"
