"""Closure: the customer is done with it, in their own view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CustomerAnswer:
    """What the customer said to 'Is it right now?': yes, partly or no, with their words."""

    recovery_id: str
    answer: str
    words: str
    at: datetime
