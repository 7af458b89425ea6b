"""Codes that cannot be guessed and can be read out: 16 random signs (80 bits) and one that finds misreadings.

The signs are Crockford's base 32: no I, L, O, U, and what is easily taken for one another is read as the same. The last
sign is a checksum over GF(32): one wrong sign, or two neighbours in the wrong order, never make another valid code.
"""

from __future__ import annotations

import secrets

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_SIGNS = 16
_TAKEN_FOR = str.maketrans("OIL", "011", "- \t\n\u00a0\u2010\u2011\u2012\u2013\u2014")
_FIELD = 0b100101  # x^5 + x^2 + 1, under which x runs through all 31 elements


class Misread(ValueError):
    """This is no code of ours; most likely one sign is wrong."""


def make_code() -> str:
    """A new code, from the system's source of chance."""
    signs = [secrets.randbelow(32) for _ in range(RANDOM_SIGNS)]
    return "".join(SIGNS[sign] for sign in (*signs, _check(signs)))


def read_code(text: str) -> str:
    """The code that somebody typed, in any case, with any dashes; Misread when it cannot be one."""
    code = text[:100].upper().translate(_TAKEN_FOR)
    if len(code) != RANDOM_SIGNS + 1 or any(sign not in SIGNS for sign in code):
        raise Misread(f"a code has {RANDOM_SIGNS + 1} letters and digits, as in {show('0' * 17)}")
    *signs, check = (SIGNS.index(sign) for sign in code)
    if _check(signs) != check:
        raise Misread("one letter or digit is wrong, or two have changed places")
    return code


def show(code: str) -> str:
    """As it is printed: `K7QW2-9XJ4TM-0PQRSV`."""
    return f"{code[:5]}-{code[5:11]}-{code[11:]}"


def _check(signs: list[int]) -> int:
    """Each sign weighs x times more than the next, so that neighbours cannot change places unseen."""
    total = 0
    for sign in signs:
        total = _times_x(total ^ sign)
    return total


def _times_x(element: int) -> int:
    shifted = element << 1
    return shifted ^ _FIELD if shifted & 32 else shifted
