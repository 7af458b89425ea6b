"""The SQL text against the columns: on DuckDB always, on Spark where Java runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from amends.recoveries import files
from amends.recoveries.policy import packs, sparksql
from amends.recoveries.policy.column_answers import BEYOND, NO_AMOUNT, Decided
from amends.recoveries.policy.columns import decide_columns
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.sparksql import DUCKDB, SPARK, NotInSql
from amends.recoveries.policy.tree import Kind, Table, TableVersion
from tests.recoveries.made_tables import tables
from tests.recoveries.policy_records import records

MILLION = 1_000_000
DIGITS = 3
STARTER = Path(files.__file__).parents[1] / "scenarios/starter"


def as_sql_has_it(data: pa.Table) -> pa.Table:
    """The same records in the types that the text expects, with a number for each."""
    columns: dict[str, Any] = {"given_id": pa.array(np.arange(data.num_rows))}
    decimal = pa.decimal128(18, DIGITS)
    for name in data.column_names:
        column = data[name].combine_chunks()
        if pa.types.is_floating(column.type):
            column = pc.round(column, DIGITS).cast(decimal)
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_list(column.type) and pa.types.is_floating(column.type.value_type):
            column = column.cast(pa.list_(decimal))
        columns[name] = column
    return pa.table(columns)


def queries(table: Table, dialect: sparksql.Dialect, currency: str = "") -> Iterator[tuple[TableVersion, str]]:
    for version in table.versions:
        among = f"(SELECT * FROM records WHERE {sparksql.in_force(table, version, dialect)})"
        if table.promise:
            among = "records"
        yield (
            version,
            sparksql.text(table, version, source=among, dialect=dialect, digits=DIGITS, currency=currency),
        )


def differing(table: Table, said: pa.Table, out: Decided) -> list[str]:
    """The columns of the answer in which SQL and columns differ."""
    at = said["given_id"].to_numpy()
    names = list(table.inputs)
    refused = np.where(out.refused[at] == BEYOND, NO_AMOUNT, out.refused[at])
    if table.promise:
        refused = np.where(refused == NO_AMOUNT, NO_AMOUNT, 0)
    codes = {None: 0, "amount": NO_AMOUNT} | {name: number + 1 for number, name in enumerate(names)}
    ids = pa.array([row.row_id for row in out.by_row.rows])
    mine = {
        "total_minor": pa.array(out.total[at]),
        "owed_minor": pa.array(out.owed[at]),
        "reason": out.reason.take(pa.array(at)).cast(pa.string()),
        "row_id": ids.take(pa.array(np.maximum(out.row[at], 0), mask=out.row[at] < 0)),
        "pay_by": out.pay_by.take(pa.array(at)),
        "person": pa.array(out.person[at]),
        "refused": pa.array(refused.astype(np.int64)),
    }
    theirs = {name: said[name].combine_chunks() for name in mine}
    theirs["refused"] = pa.array([codes[name] for name in said["refused"].to_pylist()], pa.int64())
    return [name for name, column in mine.items() if not column.equals(theirs[name].cast(column.type))]


def by_duckdb(table: Table, data: pa.Table, out: Decided, currency: str = "") -> int:
    """How many records were compared; every one equal."""
    with duckdb.connect() as engine:
        engine.register("records", as_sql_has_it(data))
        compared = 0
        for _, text in queries(table, DUCKDB, currency):
            said = engine.sql(text).to_arrow_table()
            assert differing(table, said, out) == []
            compared += said.num_rows
    return compared


@pytest.mark.parametrize("rule", [name for name in packs.names() if name not in ("ofcom_delayed_repair",)])
def test_a_published_rule_says_the_same_in_sql_on_a_million_records(rule: str) -> None:
    table = packs.rule(rule)
    data = records(table, MILLION, seed=11, tame=True)

    assert by_duckdb(table, data, decide_columns(table, data)) > MILLION // 2


def test_a_rules_version_is_that_of_the_day_in_sql_too() -> None:
    table = packs.rule("eu_rail")
    data = records(table, 20_000, seed=14, tame=True)
    day = np.datetime64("2023-06-07") + np.random.default_rng(14).integers(-3, 3, data.num_rows)
    out = decide_columns(table, data, day=pa.array(day))
    asked = as_sql_has_it(data).append_column("day_of_it", pa.array(day))
    with duckdb.connect() as engine:
        engine.register("records", asked)
        said = []
        for version in table.versions:
            falls = sparksql.in_force(table, version, DUCKDB, day="day_of_it")
            text = sparksql.text(table, version, source=f"(SELECT * FROM records WHERE {falls})", dialect=DUCKDB)
            said.append(engine.sql(text).to_arrow_table())

    assert [differing(table, part, out) for part in said] == [[], []]
    assert min(part.num_rows for part in said) > 9_000
    assert sum(part.num_rows for part in said) == data.num_rows


def test_working_days_say_the_same_in_sql() -> None:
    table = packs.rule("ofcom_delayed_repair")
    data = records(table, 100_000, seed=12, tame=True)

    assert by_duckdb(table, data, decide_columns(table, data)) > 50_000


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables(), seed=st.integers(0, 2**30))
def test_any_table_says_the_same_in_sql(table: Table, seed: int) -> None:
    data = records(table, 300, seed, tame=True)
    try:
        by_duckdb(table, data, decide_columns(table, data))
    except NotInSql:
        assume(False)


@pytest.mark.parametrize("policy", files.read_all(STARTER)[0], ids=lambda policy: policy.name)
def test_a_companys_policy_says_the_same_in_sql(policy: Table) -> None:
    data = records(policy, 100_000, seed=13, tame=True, currency="EUR")
    for name, one in policy.inputs.items():
        if name not in data.column_names:
            data = data.append_column(
                name, pa.nulls(data.num_rows, pa.int64() if one.kind is Kind.MONEY else pa.float64())
            )

    out = decide_columns(policy, data, currency="EUR", day=policy.versions[-1].since)
    assert by_duckdb(policy, data, out, "EUR") == data.num_rows


def test_another_rounding_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    table = packs.rule("uk_delay_repay")
    data = records(table, 5_000, seed=3, tame=True)
    out = decide_columns(table, data)

    monkeypatch.setattr(
        "amends.recoveries.policy.sql_rows.Amounts.rounded", lambda self, exact: f"{exact.over} // {exact.under}"
    )
    with pytest.raises(AssertionError, match="total_minor"):
        by_duckdb(table, data, out)


REGION = """
rule: r
currency: GBP
inputs: {seen_on: {type: day}}
derive:
  due_on: {working_days_after: seen_on, count: 2, holidays: GB-ENG}
versions:
  - from: 2026-01-01
    rows: [{id: one, when: {due_on: {">": 2026-01-01}}, then: []}, {id: no, when: {}, then: []}]
"""


def test_what_sql_cannot_say_is_named() -> None:
    table = read_text(REGION, "r.yaml", {})

    with pytest.raises(NotInSql, match="calendar"):
        sparksql.text(table, table.versions[0])


QUOTED = """
rule: r
currency: EUR
inputs:
  k: {type: choice, of: ["a'); DROP TABLE x; --", b]}
versions:
  - from: 2026-01-01
    rows:
      - {id: one, when: {k: "a'); DROP TABLE x; --"}, then: [{credit: 5.00}]}
      - {id: no, when: {}, then: []}
"""


def test_quotes_in_a_choice_stay_text() -> None:
    table = read_text(QUOTED, "r.yaml", {})
    data = pa.table({"k": ["b", "a'); DROP TABLE x; --"]})

    assert by_duckdb(table, data, decide_columns(table, data)) == 2


# ---------------------------------------------------------------- Spark itself


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="pip install -r requirements/spark.txt")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 (apt-get install openjdk-17-jre-headless)")
    how = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = sql.SparkSession.builder.master("local[1]").config(map=how)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("rule", packs.names())
def test_a_published_rule_says_the_same_on_spark(rule: str, spark: Any, tmp_path: Path) -> None:
    table = packs.rule(rule)
    data = records(table, 20_000, seed=14, tame=True)
    pq.write_table(as_sql_has_it(data), tmp_path / "records.parquet")
    spark.read.parquet(str(tmp_path / "records.parquet")).createOrReplaceTempView("records")

    out = decide_columns(table, data)
    for _, text in queries(table, SPARK):
        assert differing(table, spark.sql(text).toArrow(), out) == []
