"""What was done about a broken promise, in sentences of the customer's language."""

from __future__ import annotations

import amends.remedies.queries
from amends.recoveries import holding
from amends.recoveries.records import Recovery, RecoveryState


def done(recovery: Recovery, locale: str, words: dict[str, str], *, by_phone: bool) -> list[tuple[str, str]]:
    """Each remedy as (sentence, receipt): what has its receipt is said to be done, the rest is not."""
    lines = []
    for remedy in amends.remedies.queries.remedies_of([recovery.recovery_id]).get(recovery.recovery_id, []):
        amount = remedy.amount.words(locale) if remedy.amount else ""
        if remedy.amount is not None:
            said = "taken_back" if remedy.taken_back == "done" else remedy.kind
            text = words[said] if remedy.state == "done" else words["coming"]
            lines.append((text.format(amount=amount), remedy.ref if remedy.state == "done" else ""))
        elif remedy.kind == "call":
            lines.append((words["called" if remedy.state == "done" else "call" if by_phone else "write_to"], ""))
        elif remedy.kind == "apology":
            lines.append((words["apology"], ""))
    return sorted(lines, key=lambda line: line[0] == words["apology"]) or [(words[_without_remedies(recovery)], "")]


def _without_remedies(recovery: Recovery) -> str:
    """What is said where nothing was given: that nothing was due, or our apology where goodwill was kept back."""
    if recovery.state not in (RecoveryState.MADE_RIGHT, RecoveryState.CLOSED):
        return "under_way"
    return "nothing_due" if holding.gives_nothing(recovery.decision) else "apology"
