"""Files that change while we run: a mistake turns nothing off, and is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import amends.promises.files
import amends.recoveries.files
from amends.ground.kept import Kept
from amends.ground.marked import Mistake, loads
from amends.scenarios.starter import files as starter

POLICY = "policies/film-plays.yaml"
PROMISE = "promises/film-plays.yaml"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    starter.write(tmp_path)
    return tmp_path


def _spoil(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_a_typo_leaves_the_last_good_policy_in_use_and_is_told_with_its_line(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept("policies", amends.recoveries.files.read)
    before = {policy.name: policy.digest for policy in kept.all(shop)}
    _spoil(shop / POLICY, "severity: [major", "sevrity: [major")

    with caplog.at_level(logging.ERROR, "amends.files"):
        after = {policy.name: policy.digest for policy in kept.all(shop)}
        kept.all(shop)

    assert after == before
    (told,) = [record.__dict__ for record in caplog.records]
    assert "last good version" in told["msg"]
    assert told["file"].endswith(POLICY)
    assert told["line"] > 1
    assert told["hint"]


def test_the_last_good_version_outlives_a_restart(shop: Path) -> None:
    Kept("promises", amends.promises.files.read).all(shop)
    _spoil(shop / PROMISE, "broken_if:", "broken_fi:")

    (promise,) = Kept("promises", amends.promises.files.read).all(shop)

    assert promise.name == "film-plays"


def test_a_file_that_never_was_right_is_told_and_not_used(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    _spoil(shop / POLICY, "from: 2026-01-01", "from: 2026-13-01")

    found = Kept("policies", amends.recoveries.files.read).all(shop)

    assert [policy.name for policy in found] == ["any"]
    assert "nothing of it is in use" in caplog.text


def test_a_file_that_is_mended_is_used_again(shop: Path) -> None:
    kept = Kept("policies", amends.recoveries.files.read)
    good = (shop / POLICY).read_text("utf-8")
    (shop / POLICY).write_text("policy: [", "utf-8")
    assert [policy.name for policy in kept.all(shop)] == ["any"]

    (shop / POLICY).write_text(good, "utf-8")

    assert [policy.name for policy in kept.all(shop)] == ["any", "film-plays"]


def test_a_file_that_is_gone_is_out_of_use(shop: Path) -> None:
    kept = Kept("policies", amends.recoveries.files.read)
    kept.all(shop)
    (shop / POLICY).unlink()

    assert [policy.name for policy in kept.all(shop)] == ["any"]


@pytest.mark.parametrize("day", ["2026-13-01", "2026-02-30"])
def test_a_day_that_is_none_is_a_mistake_with_its_line(day: str) -> None:
    with pytest.raises(Mistake) as wrong:
        loads(f"policy: any\nversions:\n  - from: {day}\n", "x.yaml")

    assert (wrong.value.line, day in wrong.value.says, bool(wrong.value.hint)) == (3, True, True)


@pytest.mark.parametrize("text", ["a: !!int b", "a: \x00b", "a: !!timestamp nonsense", "[" * 5000, "a: &x [*x]"])
def test_no_text_at_all_ends_in_anything_but_a_mistake(text: str) -> None:
    with pytest.raises(Mistake):
        loads(text, "x.yaml")


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        (POLICY, "from: 2026-01-01", "from: 2026-13-01"),
        (PROMISE, "from: 2026-01-01", "from: 2026-02-30"),
        (POLICY, "{days: 90,", "{days: ninety,"),
        (POLICY, "words:\n", "words: nothing\nwrods:\n"),
        (PROMISE, "played_s: 600", "played_s: long"),
        (PROMISE, "{played_share: 0.80, played_s: 600}", "often"),
        (PROMISE, "minor: 10,", "minor: .nan,"),
        (PROMISE, "versions:", "versions: 3\nwords:"),
    ],
)
def test_whatever_is_written_is_a_mistake_and_no_traceback(shop: Path, file: str, before: str, after: str) -> None:
    _spoil(shop / file, before, after)
    read = amends.recoveries.files.read if file == POLICY else amends.promises.files.read

    with pytest.raises(Mistake) as wrong:
        read(shop / file)

    assert wrong.value.file.endswith(file)
