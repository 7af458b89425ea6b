"""A field for each database, made once; a machine without the means says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.campaign.faking import faketime
from tests.campaign.field import Field


@pytest.fixture(scope="session", autouse=True)
def _clocks_can_jump() -> None:
    if not faketime():
        pytest.skip("libfaketime does not load on this machine: the campaign needs clocks that jump")


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    field = Field(tmp_path_factory.mktemp("sqlite"), "sqlite")
    yield field
    field.end()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    field = Field(tmp_path_factory.mktemp("postgres"), "postgres")
    yield field
    field.end()


@pytest.fixture
def ground(request: pytest.FixtureRequest, database: str) -> Field:
    found: Field = request.getfixturevalue(database)
    return found
