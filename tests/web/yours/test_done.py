"""Whatever a policy can give has its sentence on the customer's own page, in each language."""

from __future__ import annotations

import pytest

from amends.recoveries.policy.amounts import MONEY_KINDS
from amends.web.yours.words import WORDS


@pytest.mark.parametrize("lang", sorted(WORDS))
def test_every_remedy_of_money_has_words(lang: str) -> None:
    for kind in MONEY_KINDS:
        assert "{amount}" in WORDS[lang][kind]


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["en"].keys() == WORDS["de"].keys()
