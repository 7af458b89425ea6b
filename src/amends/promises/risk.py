"""Promise at risk: how likely it is missed, and when the repair is to be expected, from how similar work went.

Survival by Kaplan and Meier (JASA 53, 1958), for many times by life table (Cutler and Ederer, J. Chronic Dis. 8, 1958):
what is not finished yet counts for as long as it was seen. The hazard of a narrow group is drawn towards that of the
wider one as if BORROWED of its reports were added, so few reports say little by themselves. Given that something is
open at age a, the chance of missing a due time d further on is S(a + d) / S(a); docs/explanation/promises.md says more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from amends.promises.calendars import WorkCalendar
from amends.promises.hours import Longs, from_us, to_us
from amends.promises.repairs import Due

Floats = npt.NDArray[np.float64]
BORROWED = 20.0  # reports of the wider group that stand beside a narrow one's own
MOST_STEPS = 256
HOUR_US = 3_600_000_000
Group = tuple[str, str]  # category and area; ("", "") is everything


@dataclass(frozen=True)
class Outlook:
    """One entry per open report. Times are in the unit of the history."""

    risk: Floats  # 0..1 that the due time is missed, given that it is open now; 0 where nothing was ever finished
    finish_in: Floats  # half of such work is finished after so much more time; NaN where history does not say
    based_on: Longs  # how many reports of the narrowest known group


@dataclass(frozen=True)
class Experience:
    """How long work took: log survival at each edge, by group."""

    edges: Floats  # ascending, starting at 0
    log_survival: Mapping[Group, Floats]
    sizes: Mapping[Group, int]

    def ask(self, category: Sequence[str], area: Sequence[str], age: Floats, left: Floats) -> Outlook:
        """What to expect of open reports of this age, whose due time is `left` ahead (zero or less: missed)."""
        risk, finish = np.ones(len(age)), np.full(len(age), np.nan)
        groups = [self.nearest(*pair) for pair in zip(category, area, strict=True)]
        for group in set(groups):
            rows = np.array([own == group for own in groups])
            log_s = self.log_survival[group]
            now = self._at(log_s, age[rows])
            risk[rows] = np.exp(self._at(log_s, age[rows] + np.maximum(left[rows], 0)) - now)
            finish[rows] = self._when(log_s, now - np.log(2)) - age[rows]
        if len(self.edges) == 1:  # nothing was ever finished: no telling yet, and no cry of wolf in a new town
            risk[:] = 0
        risk[left <= 0] = 1
        risk[np.isnan(left)] = np.nan
        return Outlook(risk, finish, np.array([self.sizes[group] for group in groups], np.int64))

    def nearest(self, category: str, area: str) -> Group:
        """The narrowest group that has any history."""
        for group in ((category, area), (category, "")):
            if group in self.sizes:
                return group
        return ("", "")

    def _at(self, log_s: Floats, times: Floats) -> Floats:
        found: Floats = log_s[np.searchsorted(self.edges[1:], times, side="right")]
        return found

    def _when(self, log_s: Floats, levels: Floats) -> Floats:
        """The first time by which survival has sunk to each level; NaN where it never does."""
        place = np.searchsorted(-log_s, -levels - 1e-12, side="left")
        return np.append(self.edges, np.nan)[place]


def learn(category: Sequence[str], area: Sequence[str], took: Floats, finished: npt.NDArray[np.bool_]) -> Experience:
    """From past and present reports: how long each took, or has been open without being finished.

    Give working time by the calendar that promises count by, less pauses. What was closed without repair is not
    finished: it was open for so long, and nobody knows how long it would have taken.
    """
    took = np.maximum(np.nan_to_num(took), 0)
    edges = _edges(took[finished])
    categories, areas = np.array(category, object), np.array(area, object)
    everything = np.ones(len(took), bool)
    # One imaginary report that is never finished: history is no proof that all work ends.
    wide = _hazard(edges, took, finished, everything, np.zeros(len(edges) - 1), 1.0)
    hazards: dict[Group, Floats] = {("", ""): wide}
    sizes: dict[Group, int] = {("", ""): len(took)}
    for one in sorted(set(category)):
        of_one = categories == one
        middle = _hazard(edges, took, finished, of_one, wide, BORROWED)
        hazards[one, ""], sizes[one, ""] = middle, int(of_one.sum())
        for place in sorted(set(areas[of_one]) - {""}):
            here = of_one & (areas == place)
            hazards[one, place] = _hazard(edges, took, finished, here, middle, BORROWED)
            sizes[one, place] = int(here.sum())
    logs = {group: np.concatenate(([0.0], np.cumsum(np.log1p(-hazard)))) for group, hazard in hazards.items()}
    return Experience(edges, logs, sizes)


def _edges(times: Floats) -> Floats:
    """Zero and the times at which work was finished; where there are many, as many of them as are needed."""
    known = np.unique(times[times > 0])
    if len(known) > MOST_STEPS - 2:
        known = np.unique(np.quantile(times[times > 0], np.linspace(0, 1, MOST_STEPS)))
    return np.concatenate(([0.0], known))


def _hazard(
    edges: Floats,
    took: Floats,
    finished: npt.NDArray[np.bool_],
    chosen: npt.NDArray[np.bool_],
    prior: Floats,
    weight: float,
) -> Floats:
    """The share of those at risk that finishes in each step, drawn towards a prior; below 1, so that some is left."""
    steps = len(edges) - 1
    ends = _counts(edges, took[chosen & finished], "left")
    lost = _counts(edges, took[chosen & ~finished], "right")  # seen up to the very moment: still at risk in it
    gone = np.cumsum(ends + lost) - ends - lost
    exact = steps <= MOST_STEPS - 2  # each step is one moment; else what was lost was there for half of its step
    at_risk = chosen.sum() - gone - lost * (1.0 if exact else 0.5)
    hazard: Floats = (ends + weight * prior) / (np.maximum(at_risk, ends) + weight)
    return np.minimum(hazard, 1 - 1e-9)


def _counts(edges: Floats, times: Floats, side: Literal["left", "right"]) -> Floats:
    """How many fall into each step, or before the first moment of it; later ones are left out."""
    place = np.searchsorted(edges[1:], times, side=side)
    return np.bincount(place, minlength=len(edges))[: len(edges) - 1].astype(np.float64)


@dataclass(frozen=True)
class AtRisk:
    risk: float | None  # None where nothing is promised
    expected_at: datetime | None  # when such work is finished, half of the time; None where history does not say
    based_on: int


@dataclass(frozen=True)
class OpenWork:
    """An open report, as far as its risk goes."""

    category: str
    area: str
    begins_at: datetime
    due: Due | None
    calendar: str
    paused_s: float = 0.0  # working time in which its clock stood still


def at_risk(
    experience: Experience, works: Sequence[OpenWork], calendars: Mapping[str, WorkCalendar], now: datetime
) -> list[AtRisk]:
    """The risk of each open report and when to expect it, in the working time of its calendar; history is in hours."""
    found: list[AtRisk | None] = [None] * len(works)
    for name in sorted({work.calendar for work in works}):
        rows = [row for row, work in enumerate(works) if work.calendar == name]
        for row, one in zip(
            rows, _by_calendar(experience, [works[r] for r in rows], calendars[name], now), strict=True
        ):
            found[row] = one
    return [one for one in found if one is not None]


def _by_calendar(
    experience: Experience, works: Sequence[OpenWork], calendar: WorkCalendar, now: datetime
) -> list[AtRisk]:
    present = np.full(len(works), to_us(now), np.int64)
    begins = np.array([to_us(work.begins_at) for work in works], np.int64)
    due = np.array([to_us(work.due.due_at) if work.due else to_us(now) for work in works], np.int64)
    paused_h = np.array([work.paused_s / 3600 for work in works])
    age = np.maximum(calendar.work_columns(begins, present) / HOUR_US - paused_h, 0)
    left = calendar.work_columns(present, due) / HOUR_US
    left[due <= present] = 0
    # Closed hours before a due time are no work, but it is not missed yet: what is promised for tonight may be done.
    left[(due > present) & (left <= 0)] = 1e-6
    left[[work.due is None for work in works]] = np.nan
    seen = experience.ask([work.category for work in works], [work.area for work in works], age, left)
    finish = np.nan_to_num(seen.finish_in)
    ends = calendar.add_working_columns(present, (finish * HOUR_US).astype(np.int64))
    return [
        AtRisk(
            None if np.isnan(seen.risk[row]) else float(seen.risk[row]),
            None if np.isnan(seen.finish_in[row]) else from_us(int(ends[row]), calendar.zone),
            int(seen.based_on[row]),
        )
        for row in range(len(works))
    ]


def worked_h(calendar: WorkCalendar, starts: Sequence[datetime], ends: Sequence[datetime], paused_s: Floats) -> Floats:
    """Hours of work between moments, less pauses: what `learn` wants to know of past reports."""
    first, last = (np.array([to_us(moment) for moment in side], np.int64) for side in (starts, ends))
    hours: Floats = np.maximum(calendar.work_columns(first, last) / HOUR_US - paused_s / 3600, 0)
    return hours
