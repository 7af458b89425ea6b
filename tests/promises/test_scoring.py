"""The scoreboard: every promise counted once, what has no target said and never counted as kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.promises import scoring
from amends.promises.repairs import Standing

S = Standing

ROWS = [
    ("lamp", "north", S.KEPT, 0),
    ("lamp", "north", S.KEPT, 0),
    ("lamp", "north", S.LATE, 3600),
    ("lamp", "north", S.LATE, 7200),
    ("lamp", "south", S.REOPENED, 86400),
    ("lamp", "south", S.OPEN, 0),
    ("hole", "north", S.CLOSED_WITHOUT_REPAIR, 900),
    ("idea", "north", S.WITHOUT_TARGET, 0),
]


def scored(*by: str, rows: list[tuple[str, str, S, float]] = ROWS) -> scoring.Scores:
    columns = {"category": [row[0] for row in rows], "area": [row[1] for row in rows]}
    standing = scoring.codes([row[2] for row in rows])
    return scoring.score({name: columns[name] for name in by}, standing, np.array([row[3] for row in rows], np.float64))


def test_everything_is_counted_once() -> None:
    whole = scored()

    assert {one: int(count[0]) for one, count in whole.counts.items()} == {
        S.KEPT: 2, S.OPEN: 1, S.WITHOUT_TARGET: 1, S.LATE: 2, S.CLOSED_WITHOUT_REPAIR: 1, S.REOPENED: 1,
    }  # fmt: skip
    assert (whole.made[0], whole.decided[0]) == (7, 6)
    assert whole.kept_share[0] == pytest.approx(2 / 6)


def test_by_category_and_area() -> None:
    found = scored("category", "area")

    assert list(zip(*found.groups.values(), strict=True)) == [
        ("hole", "north"), ("idea", "north"), ("lamp", "north"), ("lamp", "south"),
    ]  # fmt: skip
    assert found.made.tolist() == [1, 0, 4, 2]
    assert np.isnan(found.kept_share[1])  # no target: neither good nor bad
    assert found.kept_share[[0, 2, 3]].tolist() == [0, 0.5, 0]


def test_late_by_how_much_is_of_what_was_late() -> None:
    found = scored("area")

    assert found.late_median_s.tolist() == [5400, 86400]
    assert found.late_p90_s[0] == pytest.approx(6840)
    assert np.isnan(scored(rows=ROWS[:2]).late_median_s[0])


def test_no_reports_are_no_groups() -> None:
    assert scored("category", rows=[]).made.tolist() == []
    assert scored(rows=[]).made.tolist() == [0]


RANDOM = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(list(S)), st.floats(1, 1e8)), max_size=40
)


@given(RANDOM)
def test_parts_add_up_and_quantiles_are_numpy_s(rows: list[tuple[str, str, S, float]]) -> None:
    parts, whole = scored("category", "area", rows=rows), scored(rows=rows)

    assert all(part.sum() == whole.counts[one][0] for one, part in parts.counts.items())
    for place in range(len(parts.made)):
        names = [parts.groups[name][place] for name in ("category", "area")]
        late = [row[3] for row in rows if list(row[:2]) == names and row[2] in (S.LATE, S.REOPENED)]
        assert np.isnan(parts.late_p90_s[place]) if not late else True
        if late:
            assert parts.late_p90_s[place] == pytest.approx(np.quantile(late, 0.9))


@given(st.lists(st.floats(60, 1e8), min_size=1, max_size=60), st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_sums_of_steps_give_quantiles_within_a_twentieth(late: list[float], share: float) -> None:
    bins: dict[int, int] = {}
    for step in scoring.late_bin(np.array(late)).tolist():
        bins[step] = bins.get(step, 0) + 1

    exact = float(np.quantile(late, share, method="inverted_cdf" if share < 1 else "higher"))
    nearest = min(sorted(late), key=lambda one: abs(one - scoring.late_of(bins, share)))
    assert scoring.late_of(bins, share) == pytest.approx(nearest, rel=0.055)
    assert scoring.late_of(bins, share) >= exact * 0.94


def test_nothing_late_has_no_median() -> None:
    assert np.isnan(scoring.late_of({}, 0.5))
