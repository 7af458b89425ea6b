"""Notices: what we say to one customer, built from the record, in typed slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from amends.ground.money import Money


@dataclass(frozen=True)
class Finding:
    """What the linter says of one place in a text. `severity` is error or warning; an error stops sending."""

    file: str
    line: int
    severity: str
    rule: str
    text: str
    hint: str


@dataclass(frozen=True)
class Notice:
    """A composed message; `slots` are the filled sections by name (see `templates.SLOTS`)."""

    notice_id: str
    recovery_id: str
    customer_id: str
    channel: str
    locale: str
    subject: str
    text: str
    html: str
    slots: Mapping[str, str]
    act_key: str
    state: str  # enqueued, held, dismissed
    findings: tuple[Finding, ...]
    composed_at: datetime
    about: Mapping[str, Any] | None = None  # the acts it tells of; None where that was not kept yet


@dataclass(frozen=True)
class TakenBack:
    """Money that came back from a customer: paid beyond what was granted, or (with a reason) given by mistake."""

    act_key: str  # of the act that took it back
    recovery_id: str
    amount: Money
    ref: str
    kept: Money | None = None  # what stays with the customer
    reason: str = ""  # in words for the customer; empty where a provider paid too much
