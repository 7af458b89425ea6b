"""Ids that follow from what they are about, so that the same thing seen twice is one thing."""

from __future__ import annotations

import base64
import hashlib

SEPARATOR = b"\x1f"


def derive(kind: str, *parts: str) -> str:
    """A stable id such as `fail_7mwq…` (26 characters of base 32 behind the kind).

    The same kind and parts give the same id on every machine and for ever.

    >>> derive("fail", "film-plays", "s-1") == derive("fail", "film-plays", "s-1")
    True
    """
    joined = SEPARATOR.join(f"{len(part)}:{part}".encode() for part in (kind, *parts))
    digest = hashlib.blake2b(joined, digest_size=16).digest()
    return f"{kind}_{base64.b32encode(digest).decode().rstrip('=').lower()}"


def share_of(salt: str, subject: str) -> float:
    """A number in [0, 1) that only the salt and the subject decide: for holdouts, not for secrets."""
    digest = hashlib.blake2b(subject.encode(), digest_size=8, key=salt.encode()[:64]).digest()
    return int.from_bytes(digest, "big") / 2**64
