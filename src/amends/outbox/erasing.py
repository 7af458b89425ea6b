"""Forgetting addresses, messages and answers in the outbox. Money that needs no address still goes, under its key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from amends.ground.personal import GONE, PERSONAL, Words, unquoted, without_addresses
from amends.outbox.models import ActRow, BatchMoveRow, BatchRow, EndpointRow, TryRow
from amends.outbox.records import ActState
from amends.outbox.steps import WITH_A_PERSON

ADDRESSED = frozenset(("to", "email", "phone", "address", "text", "html"))  # without these such an act cannot go
PRIVATE = PERSONAL | ADDRESSED | {"from", "cc", "subject", "title", "body"}
ERASED = "erased"  # in the payload: something it cannot go without was taken out of it
NOBODY = "cancelled: the customer was erased, there is nobody to send it to"
UNSURE = "the customer was erased before it was known whether this arrived; it is not sent again"
NO_CALL = "; the customer was erased since, there is nobody to be in touch with: settle it with a note"


def addresses_of(customer_id: str) -> set[str]:
    """The addresses and numbers that acts were sent to for a customer."""
    payloads = ActRow.objects.filter(customer_id=customer_id).values_list("payload", flat=True)
    found = {payload.get(name) for payload in payloads.iterator(1000) for name in ("to", "email", "phone", "name")}
    return {text for text in found if isinstance(text, str) and text}


def keys_of(customer_id: str) -> list[str]:
    """The keys of every act for a customer."""
    return list(ActRow.objects.filter(customer_id=customer_id).values_list("pk", flat=True))


def on_the_wire(customer_id: str) -> bool:
    """Whether an act is being tried at this moment: its answer may yet quote an address."""
    return ActRow.objects.filter(customer_id=customer_id, state=ActState.TRYING).exists()


@transaction.atomic
def erase(words: Words, now: datetime) -> Counter[str]:
    """Take a customer out of payloads and answers; what cannot go without an address is cancelled."""
    counts: Counter[str] = Counter()
    for row in ActRow.objects.filter(customer_id=words.customer_id):
        new = dict(_changes(row, words))
        if new:
            ActRow.objects.filter(pk=row.pk).update(**new)
            counts["acts"] += 1
        counts["answers"] += _erase_tries(row, words)
        counts["acts cancelled"] += _stop(row, new.get("payload", row.payload), now)
    counts["words about outside systems"] = _erase_shared(words)
    return counts


def _changes(row: ActRow, words: Words) -> Iterator[tuple[str, Any]]:
    with_a_person = row.connector == WITH_A_PERSON
    told = {
        "payload": _payload(row.payload, words, with_a_person),
        "last_answer": _answer(row.last_answer, words),
        "ref": GONE if with_a_person and row.ref else words.masked(row.ref),
    }
    yield from ((name, value) for name, value in told.items() if value != getattr(row, name))


def _payload(payload: Mapping[str, Any], words: Words, with_a_person: bool) -> dict[str, Any]:
    """Nothing personal, and of money everything that it goes by: key, reference, amount and currency."""
    kept = {name: _blank(value) if name in PRIVATE else _kept(value, words) for name, value in payload.items()}
    if any(payload.get(name) for name in ADDRESSED) and "amount_minor" not in payload:
        kept[ERASED] = True
    if with_a_person and isinstance(kept.get("reason"), str):
        kept["reason"] = unquoted(kept["reason"])
    return kept


def _kept(value: Any, words: Words) -> Any:
    return value if not isinstance(value, str | list | dict) else words.cleaned(value)


def _blank(value: Any) -> Any:
    return type(value)() if isinstance(value, str | list | dict) else None


def _answer(text: str, words: Words) -> str:
    masked: str = words.masked(without_addresses(unquoted(text)))
    return masked


def _erase_tries(row: ActRow, words: Words) -> int:
    changed = 0
    for one in TryRow.objects.filter(act=row):
        detail = _answer(one.detail, words)
        if one.what == "person":  # who it was, and a note in their own words
            detail = f"{detail.partition(':')[0]}: {GONE}"
        if detail != one.detail:
            changed += TryRow.objects.filter(pk=one.pk).update(detail=detail)
    return changed


def _stop(row: ActRow, payload: Mapping[str, Any], now: datetime) -> int:
    """Cancel what certainly did not go, put aside what may have gone, and tell who was to be in touch."""
    acts = ActRow.objects.filter(pk=row.pk)
    if row.connector == WITH_A_PERSON:
        if row.state == ActState.PARKED and "amount_minor" not in payload and not row.last_answer.endswith(NO_CALL):
            acts.filter(state=ActState.PARKED).update(last_answer=unquoted(row.last_answer) + NO_CALL)
        return 0
    if not payload.get(ERASED):
        return 0
    acts.filter(state=ActState.UNKNOWN).update(state=ActState.IN_DOUBT, last_answer=UNSURE, changed_at=now)
    waiting = acts.filter(state__in=(ActState.DUE, ActState.PARKED, ActState.REFUSED))
    return waiting.update(state=ActState.CANCELLED, last_answer=NOBODY, changed_at=now)


def forget_mails(kinds: Collection[str], before: datetime, limit: int) -> int:
    """Forget to whom and what was written in mails of these kinds that ended before; how many, so many at most."""
    return _forget(ActRow.objects.filter(kind__in=kinds, changed_at__lt=before), limit)


def forget_people(customer_ids: Collection[str]) -> int:
    """Forget to whom and what was written in mails to these people that have ended."""
    return _forget(ActRow.objects.filter(connector="smtp", customer_id__in=list(customer_ids)), None)


def _forget(acts: QuerySet[ActRow], limit: int | None) -> int:
    ended = acts.filter(state__in=(ActState.DONE, ActState.CANCELLED, ActState.REFUSED))
    keys = list(ended.exclude(payload__has_key=ERASED).values_list("pk", flat=True)[:limit])
    blank = dict.fromkeys(("to", "subject", "text", "html", "message_id"), "") | {ERASED: True}
    return ActRow.objects.filter(pk__in=keys).update(payload=blank, customer_id="")


def _erase_shared(words: Words) -> int:
    """What a mail server said of one address may stand as the state of the whole endpoint or batch."""
    changed = 0
    for model, name in ((EndpointRow, "says"), (BatchRow, "says"), (BatchMoveRow, "why")):
        rows = model.objects.exclude(**{name: ""})
        for pk, text in rows.values_list("pk", name).iterator(1000):
            if words.masked_anywhere(text) != text:
                changed += model.objects.filter(pk=pk).update(**{name: words.masked_anywhere(text)})
    return changed
