"""Forgetting a customer in every room. Whoever holds the story does it, so that nothing is written meanwhile."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from django.conf import settings
from django.db import OperationalError, connection, transaction

import amends.closure.erasing
import amends.connectors.coupons.erasing
import amends.connectors.labels.erasing
import amends.customers.queries
import amends.customers.steps
import amends.failures.erasing
import amends.notices.erasing
import amends.outbox.erasing
import amends.outbox.queries
import amends.recoveries.erasing
import amends.recoveries.queries
import amends.remedies.erasing
import amends.signals.erasing
from amends.customers.records import Erasure
from amends.ground import trouble
from amends.ground.personal import GONE, Words

log = logging.getLogger("amends.erasing")
WAIT_S, TROUBLE_S = 0.5, 60.0
_not_before: dict[int, float] = {}
_landed_done: set[int] = set()
PERSONAL = ("name", "email", "phone")
POSTGRES_TABLES = (
    *("customers_customerrow", "signals_signalrow", "signals_quarantinerow", "failures_failurerow"),
    *("recoveries_recoveryrow", "recoveries_moverow", "notices_noticerow", "outbox_actrow", "outbox_tryrow"),
    *("remedies_remedyrow", "closure_answerrow"),
)


def told_of(customer_id: str) -> set[str]:
    """Every name, address and number we were ever told of a customer, as far as it still stands anywhere."""
    found = amends.customers.queries.by_id([customer_id]).get(customer_id)
    told = {str(getattr(found, name)) for name in PERSONAL} if found else set()
    return {
        *(told - {""}),
        *amends.signals.erasing.told_of(customer_id),
        *amends.outbox.erasing.addresses_of(customer_id),
    }


def is_known(customer_id: str) -> bool:
    """Whether anything at all is kept under this id."""
    return bool(
        amends.customers.queries.by_id([customer_id])
        or amends.recoveries.erasing.ids_of(customer_id)
        or preview(customer_id, datetime.now(UTC))
    )


def preview(customer_id: str, now: datetime) -> Mapping[str, int]:
    """What would be erased, by kind; nothing is changed."""
    words = Words(customer_id, told_of(customer_id))
    counts = _erase_files(words, really=False)
    with transaction.atomic():
        counts += Counter({"customer's own fields": int(amends.customers.steps.erase(customer_id, now))})
        counts += _erase_rows(words, now)
        transaction.set_rollback(True)
    return +counts


def ask(customer_id: str, who: str, now: datetime) -> int:
    """Begin: from now on nothing personal is taken for this customer, and the story erases what there is."""
    return amends.customers.steps.ask_erasure(customer_id, told_of(customer_id), who, now)


def go_on(now: datetime) -> int:
    """Erase what was asked for, a part of the story; how many erasures came to their end.

    One that fails is told and tried again after a while, and holds nobody else up.
    """
    done = 0
    for erasure in amends.customers.queries.erasures(under_way=True):
        if time.monotonic() >= _not_before.get(erasure.number, 0.0):
            try:
                done += _go_on(erasure, now)
            except (ValueError, OSError):
                _not_before[erasure.number] = time.monotonic() + TROUBLE_S
                log.exception("a customer could not be erased; it is tried again")
    return done


def _go_on(erasure: Erasure, now: datetime) -> int:
    """Files first: they may be done again. An act on the wire is waited for, as its answer may quote an address."""
    words = Words(erasure.customer_id, erasure.told)
    files = _erase_files(words, really=True, landed=erasure.number not in _landed_done)
    with transaction.atomic():
        waits = amends.outbox.erasing.on_the_wire(erasure.customer_id)
        amends.customers.steps.erase(erasure.customer_id, now)
        counts = files + _erase_rows(words, now)
        if not waits or counts:
            amends.customers.steps.note_erased(erasure.number, counts, finished=not waits, now=now)
    _landed_done.add(erasure.number)  # what lands from now on is erased when it is read
    _not_before[erasure.number] = time.monotonic() + WAIT_S
    return int(not waits)


def _erase_files(words: Words, *, really: bool, landed: bool = True) -> Counter[str]:
    keys = amends.outbox.erasing.keys_of(words.customer_id)
    counts = amends.signals.erasing.erase_landed(words, really=really) if landed else Counter[str]()
    counts += amends.connectors.labels.erasing.erase(settings.AMENDS.var, keys, really=really)
    return counts + Counter({"files about the worker": _erase_trouble(words, really=really)})


def _erase_trouble(words: Words, *, really: bool) -> int:
    """The last trouble of the story may quote a row."""
    path = settings.AMENDS.var / trouble.FILE
    error = trouble.last(settings.AMENDS.var).error
    if words.masked_anywhere(error) == error:
        return 0
    if really:
        draft = path.with_suffix(".erasing")
        draft.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"error": GONE}), "utf-8")
        draft.replace(path)
    return 1


def _erase_rows(words: Words, now: datetime) -> Counter[str]:
    """Every room's tables, in the order of the story."""
    return (
        amends.outbox.erasing.erase(words, now)
        + amends.signals.erasing.erase(words, now)
        + amends.failures.erasing.erase(words)
        + amends.recoveries.erasing.erase(words)
        + amends.notices.erasing.erase(words)
        + amends.remedies.erasing.erase(words)
        + amends.closure.erasing.erase(amends.recoveries.erasing.ids_of(words.customer_id))
        + amends.connectors.coupons.erasing.erase(words)
    )


def finished(numbers: Collection[int]) -> dict[int, Erasure]:
    """Those of these erasures that have come to their end."""
    return {one.number: one for one in amends.customers.queries.erasures() if one.number in numbers and one.finished_at}


def scour(deadline: float) -> bool:
    """Overwrite what the database keeps of rows as they were; False when others kept it busy until the deadline.

    SQLite leaves old contents in free pages until VACUUM. PostgreSQL frees them with its own vacuum.
    """
    while True:
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute(f"VACUUM {', '.join(POSTGRES_TABLES)}")
                    return True
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                if cursor.fetchone()[0] == 0:
                    return True
        except OperationalError:
            if time.monotonic() > deadline:
                return False
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
