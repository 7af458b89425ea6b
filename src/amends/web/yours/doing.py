"""What was done about a broken promise, in sentences of the customer's language: only what the record proves."""

from __future__ import annotations

from typing import NamedTuple

import amends.remedies.queries
from amends.recoveries import approval, holding
from amends.recoveries.policy.recounting import is_declined
from amends.recoveries.records import Goodwill, Recovery, RecoveryState, withheld
from amends.remedies.records import RemedyDone

OVER = (RecoveryState.MADE_RIGHT, RecoveryState.CLOSED)
WITHOUT_AMOUNT = ("call", "apology")  # what else has no amount has no words here
LOOKED_AFTER = ("refused", "with a person")


class Line(NamedTuple):
    """One sentence; with its receipt, or with the reason in the words of whoever decided."""

    text: str
    receipt: str = ""
    reason: str = ""
    open: bool = False  # not done (yet)


def done(recovery: Recovery, locale: str, words: dict[str, str], *, by_phone: bool) -> list[Line]:
    """Each remedy in a sentence: what has its receipt is said to be done, the rest is not; and what was declined."""
    found = amends.remedies.queries.remedies_of([recovery.recovery_id]).get(recovery.recovery_id, [])
    in_order = sorted(found, key=lambda remedy: remedy.kind == "apology")
    reached = "call" if by_phone else "write_to"
    lines = [
        _line(one, recovery, locale, words, reached) for one in in_order if one.amount or one.kind in WITHOUT_AMOUNT
    ]
    return [*(lines or _without_remedies(recovery, words)), *_goodwill_declined(recovery, locale, words)]


def _line(remedy: RemedyDone, recovery: Recovery, locale: str, words: dict[str, str], reached: str) -> Line:
    if remedy.kind == "apology":
        return Line(words["apology"])
    is_done, stopped = remedy.state == "done", _stopped(remedy, recovery)
    if remedy.amount is None:
        said = f"call_{stopped}" if stopped else "called" if is_done else reached
        return Line(words[said], open=not is_done)
    amount = remedy.amount.words(locale)
    if is_done:
        return Line(
            words["taken_back" if remedy.taken_back == "done" else remedy.kind].format(amount=amount), remedy.ref
        )
    said = stopped or ("looked_after" if remedy.state in LOOKED_AFTER else "coming")
    return Line(words[said].format(amount=amount), open=True)


def _stopped(remedy: RemedyDone, recovery: Recovery) -> str:
    """How it is said that a remedy was cancelled for ever: while its recovery is open, a person looks at it."""
    if remedy.state != "cancelled":
        return ""
    return "stopped" if recovery.state in OVER else "stopped_open"


def _without_remedies(recovery: Recovery, words: dict[str, str]) -> list[Line]:
    """What is said where nothing was given: why not, that nothing was due, or our apology where goodwill was kept
    back."""
    if is_declined(recovery):
        again = [Line(words["looked_at_again"], open=True)] if recovery.state is RecoveryState.REOPENED else []
        return [_no(recovery, words), *again]
    if recovery.state not in OVER:
        return [Line(words["under_way"], open=True)]
    return [Line(words["nothing_due" if holding.gives_nothing(recovery.decision) else "apology"])]


def _no(recovery: Recovery, words: dict[str, str]) -> Line:
    """A person's no in their words; what proved unfounded is said in ours."""
    if approval.is_unfounded(recovery):
        return Line(words["unfounded"])
    return Line(words["declined"], reason=recovery.declined_reason)


def _goodwill_declined(recovery: Recovery, locale: str, words: dict[str, str]) -> list[Line]:
    if recovery.goodwill is not Goodwill.DECLINED or recovery.state is RecoveryState.DECLINED:
        return []
    said_no_to = withheld(recovery.decision.remedies, recovery.goodwill)
    amount = ", ".join(one.amount.words(locale) for one in said_no_to if one.amount)
    return [Line(words["goodwill_declined"].format(amount=amount), reason=recovery.declined_reason)] if amount else []
