"""How many of something, as one says it."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun.

    >>> counted(1, "flaw"), counted(1200, "flaw"), counted(2, "changed text waits", "changed texts wait")
    ('1 flaw', '1,200 flaws', '2 changed texts wait')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
