"""Ids that follow from what they are about, so that the same thing seen twice is one thing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"  # base 32 (RFC 4648), two letters at a time
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)
_LETTER = np.frombuffer(_LETTERS.encode(), np.uint8)
_SHIFTS = tuple(range(120, -1, -10))


def derive(kind: str, *parts: str) -> str:
    """A stable id such as `fail_7mwq…` (26 characters of base 32 behind the kind).

    The same kind and parts give the same id on every machine and for ever.

    >>> derive("fail", "film-plays", "s-1") == derive("fail", "film-plays", "s-1")
    True
    """
    joined = "\x1f".join([f"{len(part)}:{part}" for part in (kind, *parts)])
    bits = int.from_bytes(hashlib.blake2b(joined.encode(), digest_size=16).digest(), "big") << 2
    return f"{kind}_{''.join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])}"


def derive_all(kind: str, abouts: Sequence[str], *rest: str) -> list[str]:
    """`derive(kind, about, *rest)` of many: three times as fast, since the letters of all are looked up at once.

    >>> derive_all("rem", ["rec_1", "rec_2"], "refund") == [derive("rem", one, "refund") for one in ("rec_1", "rec_2")]
    True
    """
    begin, end = f"{len(kind)}:{kind}\x1f", "".join([f"\x1f{len(part)}:{part}" for part in rest])
    joined = [f"{begin}{len(about)}:{about}{end}" for about in abouts]
    digests = b"".join([hashlib.blake2b(one.encode(), digest_size=16).digest() for one in joined])
    bits = np.unpackbits(np.frombuffer(digests, np.uint8).reshape(-1, 16), axis=1)
    fives = np.pad(bits, ((0, 0), (0, 2))).reshape(-1, 26, 5)
    letters = _LETTER[np.packbits(fives, axis=2)[:, :, 0] >> 3].tobytes().decode()
    return [f"{kind}_{letters[at : at + 26]}" for at in range(0, len(letters), 26)]


def share_of(salt: str, subject: str) -> float:
    """A number in [0, 1) that only the salt and the subject decide: for holdouts, not for secrets."""
    digest = hashlib.blake2b(subject.encode(), digest_size=8, key=salt.encode()[:64]).digest()
    return int.from_bytes(digest, "big") / 2**64
