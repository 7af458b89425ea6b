"""Real worker processes beside each other, on either database: killed, stopped past their lease, told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.environment import fresh_database

ROOT = Path(__file__).resolve().parents[2]


class Place:
    """A directory and a database of their own, and worker processes on them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.environment = os.environ | {
            "AMENDS_DIR": str(directory),
            "AMENDS_DATABASE_URL": url,
            "PYTHONPATH": str(ROOT),
        }
        self.workers: list[subprocess.Popen[str]] = []
        self.watcher: subprocess.Popen[str] | None = None

    def start(self, **provider: float) -> subprocess.Popen[str]:
        environment = self.environment | {f"JOURNAL_{name}": str(value) for name, value in provider.items()}
        with (self.directory / "log").open("a") as log:
            command = [sys.executable, "-m", "tests.outbox.process", "work"]
            worker = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self.workers.append(worker)
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n", (self.directory / "log").read_text()
        return worker

    def fill(self, number: int) -> None:
        command = [sys.executable, "-m", "tests.outbox.process", "fill", str(number)]
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    def show(self) -> dict[str, Any]:
        """What stands in the database, as one process tells that is asked again and again."""
        if self.watcher is None:
            command = [sys.executable, "-m", "tests.outbox.process", "show"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.watcher = subprocess.Popen(command, env=self.environment, text=True, **pipes)
        assert self.watcher.stdin
        assert self.watcher.stdout
        self.watcher.stdin.write("\n")
        self.watcher.stdin.flush()
        shown: dict[str, Any] = json.loads(self.watcher.stdout.readline())
        return shown

    def end(self) -> None:
        if self.watcher is not None:
            self.watcher.communicate()
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()

    def journal(self) -> list[list[str]]:
        path = self.directory / "journal"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, (self.show()["counts"], len(self.journal()))
            time.sleep(0.05)

    def wait_done(self, number: int) -> None:
        self.wait(lambda: len(self.journal()) >= number)
        self.wait(lambda: self.show()["counts"] == {"done": number})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path, fresh_database() if os.environ.get("AMENDS_TEST_POSTGRES") else "")
    yield found
    found.end()


def test_two_workers_share_the_work_and_never_an_act(place: Place) -> None:
    place.fill(0)
    place.start(SLOW_S=0.02)
    place.start(SLOW_S=0.02)
    place.fill(300)  # both are there when the first act comes, however long they take to start
    place.wait_done(300)

    assert Counter(key for key, _, _ in place.journal()).most_common(1)[0][1] == 1
    assert len({pid for _, pid, _ in place.journal()}) == 2
    assert set(place.show()["attempts"]) == {1}


def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_done_twice(place: Place) -> None:
    place.fill(120)
    for done in (10, 30, 50, 70):
        worker = place.start(SLOW_S=0.05)
        place.wait(lambda done=done: len(place.journal()) >= done)  # type: ignore[misc]
        worker.kill()
        worker.wait()
    place.start(SLOW_S=0.01)
    place.wait_done(120)

    assert Counter(Counter(key for key, _, _ in place.journal()).values()) == {1: 120}


def test_told_to_end_a_worker_finishes_what_is_on_the_wire_and_gives_back_the_rest(place: Place) -> None:
    place.fill(60)
    worker = place.start(SLOW_S=0.4)
    place.wait(lambda: len(place.journal()) >= 1)
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(10) == 0
    counts = place.show()["counts"]
    assert counts == {"done": len(place.journal()), "due": 60 - len(place.journal())}
    assert set(place.show()["attempts"]) == {0, 1}


@pytest.mark.slow
def test_a_worker_stopped_past_its_lease_sends_nothing_more_on_an_old_claim(place: Place) -> None:
    place.fill(40)
    first = place.start(SLOW_S=0.3)
    place.wait(lambda: len(place.journal()) >= 4)
    first.send_signal(signal.SIGSTOP)
    second = place.start(SLOW_S=0.01)
    place.wait(lambda: place.show()["counts"] == {"done": 40}, 90)  # after the lease of 30 s
    first.send_signal(signal.SIGCONT)
    time.sleep(2)

    twice = {key for key, n in Counter(key for key, _, _ in place.journal()).items() if n > 1}
    assert len(twice) <= 4  # only what was on the wire when it was stopped, under the same key
    assert place.show()["counts"] == {"done": 40}
    assert second.poll() is None


def test_two_workers_together_keep_to_the_rate(place: Place) -> None:
    place.fill(45)
    for _ in range(2):
        place.start(PER_S=15)
    place.wait_done(45)

    moments = sorted(float(at) for _, _, at in place.journal())
    for start in moments:
        assert sum(start <= at < start + 1 for at in moments) <= 15 * 1.75  # the bucket, and what was held up before
    assert moments[-1] - moments[0] >= (45 - 15 * 0.25) / 15 - 0.5
