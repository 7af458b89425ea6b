"""A story that has nothing to do asks for next to nothing whether anything is new."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from amends.worker import news


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseDatabaseWrapper]:
    """Another process's connection to the same database: to a file, where that is SQLite."""
    ours, theirs = connections.create_connection("default"), connections.create_connection("default")
    if ours.vendor == "sqlite":
        for one in (ours, theirs):
            one.settings_dict = one.settings_dict | {"NAME": str(tmp_path / "amends.sqlite3")}
    monkeypatch.setattr(news, "connection", ours)
    with theirs.cursor() as cursor:
        cursor.execute("CREATE TABLE told_elsewhere (what text)")
    yield theirs
    with theirs.cursor() as cursor:
        cursor.execute("DROP TABLE told_elsewhere")
    ours.close()
    theirs.close()


def write(other: BaseDatabaseWrapper) -> None:
    with other.cursor() as cursor:
        cursor.execute("INSERT INTO told_elsewhere VALUES ('an answer')")


def land() -> None:
    place = settings.AMENDS.var / "landing"
    place.mkdir(parents=True, exist_ok=True)
    (place / "1.landing").write_bytes(b"x")


@pytest.mark.django_db
def test_what_another_connection_commits_is_news_until_the_next_look(other: BaseDatabaseWrapper) -> None:
    before = news.mark()
    write(other)

    assert news.mark() != before
    if connection.vendor == "sqlite":  # elsewhere the server itself may write in between
        assert news.mark() == news.mark()


@pytest.mark.django_db
def test_what_lands_at_the_doors_is_news(other: BaseDatabaseWrapper) -> None:
    before = news.mark()
    land()

    assert news.mark() != before


@pytest.mark.django_db
def test_news_end_the_waiting_and_so_does_a_stop(other: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "AT_MOST_S", 60.0)
    before, stop, began = news.mark(), threading.Event(), time.monotonic()
    soon = threading.Timer(0.3, land)
    soon.start()
    news.wait(stop, before)
    soon.join()

    stop.set()
    news.wait(stop, news.mark())
    assert time.monotonic() - began < 30


@pytest.mark.django_db
def test_without_news_the_next_turn_comes_after_a_moment(
    other: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_written", lambda: "the same")
    began = time.monotonic()

    news.wait(threading.Event(), news.mark())

    assert time.monotonic() - began >= news.AT_MOST_S
