"""Notices: what we say to one customer, built from the record, in typed slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


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
    state: str  # enqueued, held
    findings: tuple[Finding, ...]
    composed_at: datetime
