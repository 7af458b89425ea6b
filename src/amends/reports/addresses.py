"""Finding an address in words: accents, case, abbreviations and slips do not matter, a beginning will do."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from amends.reports.geometry import Floats, Position

LONGEST_QUERY: Final = 200
_STREETS_LOOKED_AT: Final = 50
_FEWEST_THREES: Final = 5  # fewer letters are like too much
_LEAST_ALIKE: Final = 0.45
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "þ": "th"})
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"(\d+)(?:\s?([a-z])\b)?(?:\s*[-–/]\s*(\d+)(?:\s?([a-z])\b)?)?")
_SHORT = {
    long: short
    for short, words in {
        "str": "strasse",
        "st": "sankt saint street",
        "dr": "doktor drive",
        "hl": "heilige heiligen heiliger",
        "bgm": "burgermeister",
        "prof": "professor",
        "rd": "road",
        "sq": "square",
        "ln": "lane",
        "ct": "court",
        "mt": "mount",
        "ft": "fort",
        "hwy": "highway",
        "blvd": "boulevard",
    }.items()
    for long in words.split()
}


def fold(text: str) -> str:
    """One spelling for what people take for the same: `Kœrner`, `Körner`, `KOERNER` and `Korner` are equal.

    >>> fold("Große Körnerstraße")
    'grosse kornerstrasse'
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return bare.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@dataclass(frozen=True, slots=True)
class Address:
    """A house, or a street where the number is empty, as it is written on an envelope."""

    street: str
    number: str
    postcode: str
    city: str
    position: Position
    metres: float = 0.0  # from the point that was asked about

    @property
    def text(self) -> str:
        house = f"{self.street} {self.number}".strip()
        town = f"{self.postcode} {self.city}".strip()
        return f"{house}, {town}" if house and town else house or town


@dataclass(frozen=True, slots=True)
class Found:
    """An answer to a search; `exact` where every word and the number were found as they were written."""

    address: Address
    exact: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    words: tuple[str, ...]
    number: str


class AddressBook:
    """Addresses by street, streets by the beginnings of their words: one slice of a sorted list for each word asked."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        streets: dict[tuple[str, str], list[Address]] = defaultdict(list)
        for address in addresses:
            streets[fold(address.street), address.postcode or fold(address.city)].append(address)
        self._houses = [_once(streets[key]) for key in sorted(streets)]
        names = [_WORD.findall(fold(houses[0].street)) for houses in self._houses]
        joined = ["".join(_full(word) for word in name) for name in names]
        threes = [_threes(name) for name in joined]
        self._lengths = np.array([max(1, len(name)) for name in names], dtype=np.float64)
        self._parts = np.array([len(parts) for parts in threes], dtype=np.float64)
        self._words = _Index([[form for word in name for form in _forms(word)] for name in names])
        self._towns = _Index([_WORD.findall(fold(f"{h[0].postcode} {h[0].city}")) for h in self._houses])
        self._joined, self._threes = _Index([[name] for name in joined]), _Index(threes)

    def __len__(self) -> int:
        return sum(len(houses) for houses in self._houses)

    def search(self, text: str, most: int = 8) -> list[Found]:
        """The best answers, best first; a street without its number where there is no such number in it."""
        readings = _readings(fold(text[:LONGEST_QUERY]))
        for scoring in (self._by_words, self._by_letters):
            found = [self._answers(asked, scores, most) for asked in readings if (scores := scoring(asked)).any()]
            if found:
                return [answer for _, _, answer in max(found, key=lambda answers: answers[0][0])]
        return []

    def _by_words(self, asked: _Asked) -> Floats:
        """How well each street fits; 0 where a word fits nothing of it."""
        total, own = np.zeros(len(self._houses)), np.zeros(len(self._houses))
        fits = np.ones(len(self._houses), dtype=bool)
        for word in asked.words:
            here = self._words.score(word)
            if word in _SHORT:
                here = np.maximum(here, self._words.exact(_SHORT[word]) * 1.9)
            town = self._towns.score(word) / 4
            own += here > 0
            fits &= (here > 0) | (town > 0)
            total += np.maximum(here, town)
        return np.where(fits & (own > 0), total + own / self._lengths, 0.0)

    def _by_letters(self, asked: _Asked) -> Floats:
        """`Wienerstrasse` for Wiener Straße; and streets that share most of their letters, by threes, with the text."""
        joined = "".join(_full(word) for word in asked.words)
        whole = self._joined.score(joined)
        parts = _threes(joined)
        if whole.any() or len(parts) < _FEWEST_THREES:
            return whole
        shared = self._threes.count(parts)
        alike = shared / (len(parts) + self._parts - shared)
        return np.where(alike >= _LEAST_ALIKE, alike, 0.0)

    def _answers(self, asked: _Asked, scores: Floats, most: int) -> list[tuple[float, int, Found]]:
        """The best answers to one reading, with how well each fits: the street, and the house in it."""
        streets = np.flatnonzero(scores)
        streets = streets[np.lexsort((streets, -scores[streets]))][: max(_STREETS_LOOKED_AT, most)]
        ranked: list[tuple[float, int, Found]] = []
        for street in streets:
            houses, score = self._houses[street], float(scores[street])
            said = {_shortest(word) for word in asked.words}
            named = {_shortest(word) for word in _WORD.findall(fold(houses[0].street))} - said
            hits = sorted(((_fit(asked.number, house.number), n) for n, house in enumerate(houses)), key=_best_first)
            hits = [hit for hit in hits[:most] if hit[0] > 0] if asked.number else []
            ranked += [(score + fit, len(ranked), Found(houses[n], not named and fit == _EXACT)) for fit, n in hits]
            if not hits:
                ranked.append((score, len(ranked), Found(_whole(houses), not named and not asked.number)))
        ranked.sort(key=lambda each: (-each[0], each[1]))
        return ranked[:most]


def _readings(folded: str) -> list[_Asked]:
    """What a text may mean: one of its numbers, the last one first, is the house's, or all belong to the street."""
    readings = []
    for match in list(_NUMBER.finditer(folded))[:-6:-1]:
        rest = f"{folded[: match.start()]} {folded[match.end() :]}"
        readings.append(_Asked(tuple(_WORD.findall(rest)), "".join(match[0].split())))
    readings.append(_Asked(tuple(_WORD.findall(folded)), ""))
    return [asked for asked in readings if asked.words]


class _Index:
    """Which things hold a word, or a word that begins so: one slice of a sorted list answers either."""

    def __init__(self, words: Sequence[Iterable[str]]) -> None:
        pairs = sorted({(word, n) for n, of_one in enumerate(words) for word in of_one})
        self._all = sorted({word for word, _ in pairs})
        self._things = np.array([n for _, n in pairs], dtype=np.int64)
        every = [word for word, _ in pairs]
        self._starts = [bisect_left(every, word) for word in self._all] + [len(every)]
        self._count = len(words)

    def score(self, word: str) -> Floats:
        """2 for each thing that holds the word, 1 for each that holds a longer one, 0 for all others."""
        scores = np.zeros(self._count)
        scores[self._slice(word, word + "\U0010ffff")] = 1
        return np.maximum(scores, 2 * self.exact(word))

    def exact(self, word: str) -> Floats:
        scores = np.zeros(self._count)
        scores[self._slice(word, word + "\0")] = 1
        return scores

    def count(self, words: Iterable[str]) -> Floats:
        """How many of these words each thing holds."""
        found = [self._slice(word, word + "\0") for word in words]
        counted: Floats = np.bincount(np.concatenate(found), minlength=self._count).astype(np.float64)
        return counted

    def _slice(self, first: str, beyond: str) -> npt.NDArray[np.int64]:
        begin, end = bisect_left(self._all, first), bisect_left(self._all, beyond)
        return self._things[self._starts[begin] : self._starts[end]]


def says(address: Address, text: str) -> bool:
    """Whether an address holds all that a text says: also the words and the postcode of another town."""
    number = "".join(fold(address.number).split())
    rest = _NUMBER.sub(lambda found: " " if "".join(found[0].split()) == number else found[0], fold(text))
    have = {_shortest(word) for word in _WORD.findall(fold(f"{address.street} {address.postcode} {address.city}"))}
    joined = "".join(_full(word) for word in _WORD.findall(fold(address.street)))
    return all(_shortest(word) in have or _full(word) == joined for word in _WORD.findall(rest))


def _forms(word: str) -> tuple[str, ...]:
    """How a word of a street's name may be asked for: itself, its abbreviation, and in full where it is one."""
    return tuple({word, _SHORT.get(word, word), _full(word)})


def _shortest(word: str) -> str:
    full = _full(word)
    return _SHORT.get(full, full)


def _full(word: str) -> str:
    return f"{word}asse" if word.endswith("str") else word


def _threes(word: str) -> list[str]:
    padded = f" {word} "
    return list({padded[n : n + 3] for n in range(len(padded) - 2)}) if word else []


def _once(houses: Iterable[Address]) -> list[Address]:
    """Each number of a street once, preferably with its town: maps know a house by each of its shops."""
    found: dict[str, Address] = {}
    for house in houses:
        number = fold(house.number)
        if number not in found or (house.city and not found[number].city):
            found[number] = house
    return list(found.values())


def _whole(houses: Sequence[Address]) -> Address:
    """The street as one place: its own entry, or the house nearest to the middle of all."""
    own = next((house for house in houses if not house.number), None)
    if own is not None:
        return own
    lat = sorted(house.position.lat for house in houses)[len(houses) // 2]
    long = sorted(house.position.long for house in houses)[len(houses) // 2]
    middle = min(houses, key=lambda h: abs(h.position.lat - lat) + abs(h.position.long - long))
    return replace(middle, number="")


_EXACT = 2.0


def _fit(asked: str, number: str) -> float:
    """How well a house's number fits the one asked: itself, in its range, with another letter, beginning so.

    >>> _fit("6", "5-7") > _fit("6", "6a") > _fit("6", "60") > _fit("6", "7")
    True
    """
    if not number:
        return 0.0
    folded = "".join(fold(number).split())
    if folded == asked:
        return _EXACT
    mine, theirs = _NUMBER.fullmatch(asked), _NUMBER.fullmatch(folded)
    if mine and theirs:
        low, high = int(theirs[1]), int(theirs[3] or theirs[1])
        wanted = int(mine[1])
        if theirs[3] and low <= wanted <= high <= low + 50:
            return 1.5
        if wanted == low:
            return 1.0
    return 0.5 if folded.startswith(asked) else 0.0


def _best_first(hit: tuple[float, int]) -> tuple[float, int]:
    return -hit[0], hit[1]
