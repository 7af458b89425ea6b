"""What must hold after a round, whatever died in it. Each law answers in sentences; no sentence, no fault found.

It reads journals that amends never sees, and amends only through `amends export`: nothing of ours is imported.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.campaign.rounds import Aftermath

Row = Mapping[str, Any]
PERSON_STATES = {"refused", "in doubt", "parked", "cancelled"}
ENDED = PERSON_STATES | {"done"}
DIGITS = {"JPY": 0, "KWD": 3}
SIGNS = {"€": "EUR", "$": "USD", "US$": "USD", "£": "GBP", "¥": "JPY", "JP¥": "JPY", "KWD": "KWD"}
AMOUNT = re.compile(
    r"(?P<before>US\$|JP¥|[€$£¥]|KWD)\s?(?P<n1>\d[\d.,]*\d|\d)|(?P<n2>\d[\d.,]*\d|\d)\s?(?P<after>[€$£¥]|KWD)"
)


def violations(after: Aftermath, calm: Aftermath | None = None) -> list[str]:
    """Every law over one round; with the undisturbed evening also whether both came out the same."""
    found = [f"{law.__name__}: {says}" for law in LAWS for says in law(after)]
    if calm is not None:
        found += [f"same_as_undisturbed: {says}" for says in differences(after, calm)]
    return found


def everything_ended(after: Aftermath) -> Iterator[str]:
    """Every decided remedy is done, refused with a reason, or before a person."""
    if not after.idle:
        yield "amends drain did not come to an end"
    stuck = [act for act in after.tables["acts"] if act["state"] not in ENDED]
    yield from (f"{act['key']} is still {act['state']}: {act['last_answer']}" for act in stuck)
    speechless = [act for act in after.tables["acts"] if act["state"] == "refused" and not act["last_answer"]]
    yield from (f"{act['key']} is refused without a reason" for act in speechless)
    ended = defaultdict(list)
    for act in after.tables["acts"]:
        ended[act["recovery_id"]].append(act["state"])
    for recovery in after.tables["recoveries"]:
        before_a_person = PERSON_STATES & set(ended[recovery["recovery_id"]])
        if recovery["state"] == "approved" or (recovery["state"] == "under way" and not before_a_person):
            yield f"recovery {recovery['recovery_id']} is left {recovery['state']}"


def no_money_twice(after: Aftermath) -> Iterator[str]:
    """At most one effect for a key, and for what was broken: the company's own payment reference."""
    for name in ("key", "payment_ref"):
        counted = Counter(effect[name] for effect in after.effects)
        yield from (f"{name} {value} was paid {times} times" for value, times in counted.items() if times > 1)


def effects_are_what_is_done(after: Aftermath) -> Iterator[str]:
    """Each effect has its act, done, for the same customer, amount and receipt; each act done has its effect."""
    names = ("key", "customer_id", "amount_minor", "currency", "ref")
    paid = {effect["key"]: tuple(effect[name] for name in names) for effect in after.effects}
    acts = [act for act in after.tables["acts"] if act["connector"] == "billing" and act["state"] == "done"]
    done = {act["key"]: tuple(act[name] for name in names) for act in acts}
    yield from (f"{key} is done and billing never did it" for key in done.keys() - paid.keys())
    yield from (f"billing did {key} and no act says so" for key in paid.keys() - done.keys())
    both = paid.keys() & done.keys()
    yield from (f"billing did {paid[key]}, the act says {done[key]}" for key in both if paid[key] != done[key])


def books_are_the_effects(after: Aftermath) -> Iterator[str]:
    """Per customer and currency, what the books say providers paid is what billing's journal says it paid."""
    booked: Counter[tuple[str, str]] = Counter()
    for entry in after.tables["ledger"]:
        if entry["account"].startswith("provider:"):
            booked[entry["customer_id"], entry["currency"]] -= entry["minor"]
    paid: Counter[tuple[str, str]] = Counter()
    for effect in after.effects:
        paid[effect["customer_id"], effect["currency"]] += effect["amount_minor"]
    for who in sorted({*booked, *paid}):
        if booked[who] != paid[who]:
            yield f"{who}: the books say {booked[who]}, billing says {paid[who]}"


def books_balance(after: Aftermath) -> Iterator[str]:
    """Every posting sums to zero in every currency, and nothing is booked under one id twice."""
    sums: Counter[tuple[str, str]] = Counter()
    sides: Counter[tuple[str, str, str]] = Counter()
    for entry in after.tables["ledger"]:
        sums[entry["posting_id"], entry["currency"]] += entry["minor"]
        sides[entry["posting_id"], entry["account"], entry["currency"]] += 1
    yield from (f"{posting} is off by {minor}" for posting, minor in sums.items() if minor)
    yield from (f"{side} is booked {times} times" for side, times in sides.items() if times > 1)
    if not after.verified:
        yield "amends ledger verify says no"


def no_signal_lost(after: Aftermath) -> Iterator[str]:
    """Every event behind a 2xx can be asked for, once; what could not be read is in quarantine."""
    yield from after.trouble
    there = Counter((row["source"], row["event_id"]) for row in after.tables["signals"])
    yield from (f"{event} was answered 2xx and is nowhere" for event in sorted(after.kept - there.keys()))
    yield from (f"{event} is kept {times} times" for event, times in there.items() if times > 1)
    if not any("awful" in str(row) for row in after.tables["quarantine"]):
        yield "the poison of a thousand is not in quarantine"


def no_mail_twice_or_lost(after: Aftermath) -> Iterator[str]:
    """A mail arrives at most once; one called done has arrived; one that has arrived is done or in doubt."""
    arrived = Counter(mail["id"] for mail in after.mails)
    yield from (f"{mail} arrived {times} times" for mail, times in arrived.items() if times > 1)
    acts = {act["payload"]["message_id"]: act for act in after.tables["acts"] if act["connector"] == "smtp"}
    for message_id, act in acts.items():
        if act["state"] == "done" and message_id not in arrived:
            yield f"{act['key']} is done and never arrived"
        if act["state"] not in ("done", "in doubt") and message_id in arrived:
            yield f"{act['key']} arrived and is {act['state']}"
    yield from (f"{mail} arrived and no act knows it" for mail in arrived.keys() - acts.keys())


def no_mail_claims_what_was_not_paid(after: Aftermath) -> Iterator[str]:
    """Every amount in a mail is one that billing's journal shows for that customer."""
    paid = defaultdict(set)
    for effect in after.effects:
        paid[effect["customer_id"]].add((effect["amount_minor"], effect["currency"]))
    for mail in after.mails:
        customer = mail["to"].removeprefix("gone-").partition("@")[0]
        for claimed in amounts(f"{mail['subject']}\n{mail['text']}"):
            if claimed not in paid[customer]:
                yield f"the mail to {customer} claims {claimed}, billing paid {sorted(paid[customer])}"


def amounts(text: str) -> set[tuple[int, str]]:
    """Money named in a text, English or German, in minor units."""
    found = set()
    for match in AMOUNT.finditer(text):
        currency = SIGNS[match["before"] or match["after"]]
        digits = DIGITS.get(currency, 2)
        whole, _, part = (match["n1"] or match["n2"]).replace(",", ".").rpartition(".") if digits else ("", "", "")
        number = (whole.replace(".", "") + part) if digits else re.sub(r"\D", "", match["n1"] or match["n2"])
        found.add((int(number), currency))
    return found


def one_recovery_a_failure(after: Aftermath) -> Iterator[str]:
    """A broken promise is one failure and one recovery, by whatever system and how often it was told."""
    broken = Counter((row["promise"], row["customer_id"], row["subject"]) for row in after.tables["failures"])
    yield from (f"{what} is {times} failures" for what, times in broken.items() if times > 1)
    decided = Counter(row["failure_id"] for row in after.tables["recoveries"])
    for row in after.tables["failures"]:
        if decided[row["failure_id"]] != 1:
            yield f"failure {row['failure_id']} of {row['customer_id']} has {decided[row['failure_id']]} recoveries"


def differences(after: Aftermath, calm: Aftermath) -> Iterator[str]:
    """What came out otherwise than on the undisturbed evening."""
    found, wanted = digest(after), digest(calm)
    for part in wanted:
        yield from (f"{part} lacks {item}" for item in sorted(wanted[part] - found[part], key=str)[:5])
        yield from (f"{part} has {item} besides" for item in sorted(found[part] - wanted[part], key=str)[:5])


def digest(after: Aftermath) -> dict[str, set[tuple[Any, ...]]]:
    """All that must not depend on luck: no times, no receipts' numbers, no mail that may be in doubt."""
    tables = after.tables
    failed = ("failure_id", "promise", "customer_id", "subject", "severity", "price_minor", "currency")
    decided = ("recovery_id", "failure_id", "policy", "row", "remedy", "amount_minor", "currency", "holdout", "state")
    booked = ("posting_id", "kind", "customer_id", "account", "currency", "minor")
    money = [act for act in tables["acts"] if act["connector"] != "smtp"]
    return {
        "failures": {tuple(row.get(name) for name in failed) for row in tables["failures"]},
        "recoveries": {tuple(row.get(name) for name in decided) for row in tables["recoveries"]},
        "acts": {(act["key"], act["kind"], act["state"], act["amount_minor"], act["currency"]) for act in money},
        "mails": {(act["key"], act["kind"]) for act in tables["acts"] if act["connector"] == "smtp"},
        "ledger": {tuple(row.get(name) for name in booked) for row in tables["ledger"]},
        "paid": {(e["key"], e["customer_id"], e["amount_minor"], e["currency"]) for e in after.effects},
    }


Law = Callable[[Aftermath], Iterator[str]]
LAWS: tuple[Law, ...] = (
    everything_ended,
    no_money_twice,
    effects_are_what_is_done,
    books_are_the_effects,
    books_balance,
    no_signal_lost,
    no_mail_twice_or_lost,
    no_mail_claims_what_was_not_paid,
    one_recovery_a_failure,
)
