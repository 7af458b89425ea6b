"""The head of the books, signed: kept outside, it shows later whether anything before it was changed or cut off."""

from __future__ import annotations

import json
from datetime import datetime

from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from amends.ground.moments import format_moment
from amends.ledger import queries

SALT = "amends.ledger.head"


def signed(now: datetime) -> str:
    """The head as JSON with a signature under the installation's secret key."""
    head = queries.head()
    said = {"seq": head.seq, "hash": head.digest, "at": format_moment(now)}
    return json.dumps(said | {"signature": _signature(said)})


def _signature(said: dict[str, object]) -> str:
    return Signer(salt=SALT).signature(f"{said['seq']}:{said['hash']}:{said['at']}")


def flaws(text: str) -> list[str]:
    """What is wrong with a head kept earlier, or with the books since: empty when all is as it was."""
    try:
        kept = json.loads(text)
        said = {name: kept[name] for name in ("seq", "hash", "at")}
        genuine = constant_time_compare(kept["signature"], _signature(said))
        seq = int(said["seq"])
    except (ValueError, KeyError, TypeError):
        return ["the kept head is none: expected the line that `amends ledger head` printed"]
    if not genuine:
        return ["the kept head was not signed by this installation, or was changed since"]
    now = queries.digest_at(seq)
    if now != said["hash"]:
        says = "is gone" if not now else "has another hash now: something at or before it was changed"
        return [f"posting {said['seq']}, the head of {said['at']}, {says}"]
    return []
