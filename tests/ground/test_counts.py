"""One flaw, two flaws: a count is read as a person says it."""

from __future__ import annotations

import pytest

from amends.ground.counts import counted


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, ("flaw",), "0 flaws"),
        (1, ("flaw",), "1 flaw"),
        (1200, ("posting",), "1,200 postings"),
        (1, ("changed text waits", "changed texts wait"), "1 changed text waits"),
        (2, ("changed text waits", "changed texts wait"), "2 changed texts wait"),
    ],
)
def test_a_count_and_its_noun_agree(number: int, nouns: tuple[str, ...], said: str) -> None:
    assert counted(number, *nouns) == said
