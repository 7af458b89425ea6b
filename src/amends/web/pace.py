"""How fast one key may ask: a bucket of tokens for each, refilled as time passes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from django.conf import settings

from amends.web.problems import Problem

BURST_S = 2.0  # so many seconds of the pace may come at once
MOST_KEYS = 1000


@dataclass
class Bucket:
    tokens: float
    at: float

    def take(self, pace: float, now: float) -> float:
        """Take a token; seconds to wait where there is none."""
        self.tokens = min(pace * BURST_S, self.tokens + (now - self.at) * pace)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) / pace
        self.tokens -= 1
        return 0.0


_buckets: dict[str, Bucket] = {}


def keep(key: str) -> None:
    """Let the request through at the key's pace; Problem 429 with Retry-After past it."""
    pace = settings.AMENDS.limits.requests_per_s / int(os.environ.get("AMENDS_PROCESSES", "1"))
    if pace <= 0:
        return
    now = time.monotonic()
    bucket = _buckets.get(key)
    if bucket is None:
        if len(_buckets) >= MOST_KEYS:
            _buckets.clear()
        bucket = _buckets[key] = Bucket(pace * BURST_S, now)
    wait_s = bucket.take(pace, now)
    if wait_s:
        limit = settings.AMENDS.limits.requests_per_s
        detail = f"more than {limit} requests a second with this key; nothing was taken; send larger batches"
        raise Problem(429, detail, {"Retry-After": str(max(1, round(wait_s)))})
