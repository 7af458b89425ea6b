from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.ground.moments import format_moment, from_ms, parse_moment, to_ms

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_milliseconds_come_back(moment: datetime) -> None:
    whole = from_ms(to_ms(moment))

    assert parse_moment(format_moment(whole)) == whole


@pytest.mark.parametrize("text", ["2026-11-20T20:15:00", "2026-11-20", "yesterday", "2026-13-01T00:00:00Z", "٢٠٢٦"])
def test_a_moment_without_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)


def test_a_leap_second_is_the_second_before_it() -> None:
    assert parse_moment("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_an_offset_is_read() -> None:
    assert parse_moment("2026-11-20T20:15:00.25+01:00") == datetime(2026, 11, 20, 19, 15, 0, 250000, UTC)
