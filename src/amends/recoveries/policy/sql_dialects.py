"""What Spark and DuckDB write differently. Whole numbers throughout: no engine's decimals divide exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Dialect:
    """One engine's words; `whole` is its widest whole number."""

    name: str
    whole: str
    quote: str
    divided: str  # whole part of a division of positive numbers
    day_later: str
    days_between: str
    weekday: str  # 1 to 5 is Monday to Friday
    numbers_up_to: str
    mapped: str
    kept: str
    size: str
    has: str
    at: str
    total: str
    list_of_days: str

    def column(self, name: str) -> str:
        return f"{self.quote}{name}{self.quote}"

    def divide(self, one: str, other: str) -> str:
        return f"CAST({self.divided.format(one, other)} AS {self.whole})"

    def days(self, days: Sequence[date]) -> str:
        return self.list_of_days.format(", ".join(day_text(day) for day in days))


def day_text(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


SPARK = Dialect(
    name="spark",
    whole="DECIMAL(38, 0)",
    quote="`",
    divided="(({0}) div ({1}))",
    day_later="date_add({0}, CAST({1} AS INT))",
    days_between="datediff({1}, {0})",
    weekday="(weekday({0}) + 1)",
    numbers_up_to="sequence(1, CAST({0} AS INT))",
    mapped="transform({0}, x -> {1})",
    kept="filter({0}, x -> {1})",
    size="size({0})",
    has="array_contains({0}, {1})",
    at="element_at({0}, CAST({1} AS INT))",
    total="aggregate({0}, CAST(0 AS DECIMAL(38, 0)), (a, x) -> CAST(a + x AS DECIMAL(38, 0)))",
    list_of_days="CAST(array({0}) AS ARRAY<DATE>)",
)

DUCKDB = Dialect(
    name="duckdb",
    whole="HUGEINT",
    quote='"',
    divided="(({0}) // ({1}))",
    day_later="({0} + CAST({1} AS INTEGER))",
    days_between="({1} - {0})",
    weekday="isodow({0})",
    numbers_up_to="range(1, CAST({0} AS BIGINT) + 1)",
    mapped="list_transform({0}, lambda x: {1})",
    kept="list_filter({0}, lambda x: {1})",
    size="len({0})",
    has="list_contains({0}, {1})",
    at="list_extract({0}, CAST({1} AS BIGINT))",
    total="coalesce(list_sum({0}), 0)",
    list_of_days="CAST([{0}] AS DATE[])",
)
