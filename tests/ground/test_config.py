from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from amends.ground.config import ConfigError, read_config
from amends.ground.marked import Mistake


def written(directory: Path, text: str) -> Path:
    (directory / "amends.toml").write_text(text)
    return directory


def test_an_empty_directory_has_sensible_values(tmp_path: Path) -> None:
    assert read_config(tmp_path, {}).company.currency == "EUR"


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    written(tmp_path, '[billing]\nurl = "http://from-file"')

    assert read_config(tmp_path, {"AMENDS_BILLING_URL": "http://from-env"}).billing.url == "http://from-env"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[compny]\n", "unknown section"),
        ("[company]\nnam = 'x'\n", "no field 'nam'"),
        ("[company]\nname = 3\n", "must be text"),
        ("[company]\ntime_zone = 'Mars/Olympus'\n", "no IANA zone"),
        ("[company]\ncurrency = 'EURO'\n", "ISO 4217"),
        ("[holdout]\nshare = 1.5\n", "between 0 and 1"),
        ("[company\n", "not readable as TOML"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_config(written(tmp_path, text), {})


@contextmanager
def block() -> Iterator[None]:
    yield


def test_a_mistake_passes_through_a_with_block_as_itself() -> None:
    with pytest.raises(Mistake, match="wrong"), block():
        raise Mistake("p.yaml", 3, "wrong")


@pytest.mark.parametrize("said", ["many", "-1", "0", "1.5", "²", "99999999"])
def test_a_cache_that_is_no_number_of_megabytes_is_told_in_a_sentence(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConfigError, match=r"AMENDS_SQLITE_CACHE_MB is .* a whole number of megabytes was expected"):
        read_config(tmp_path, {"AMENDS_SQLITE_CACHE_MB": said})


def test_the_cache_is_as_said_and_64_megabytes_without_a_word(tmp_path: Path) -> None:
    found = [read_config(tmp_path, {"AMENDS_SQLITE_CACHE_MB": said}).sqlite_cache_mb for said in ("8", "")]

    assert found == [8, 64]
