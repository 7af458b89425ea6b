"""Findings for people, and files that are none to lint."""

from __future__ import annotations

from pathlib import Path

import pytest

from amends.notices import lint


def test_people_read_place_words_and_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mail.txt"
    path.write_text("We are sorry.\nYou may have experienced issues.\n")

    assert lint.lint_paths([str(path)], "text") == 1
    assert f"{path}:2: error: conditional-impact" in capsys.readouterr().out


def test_nothing_found_is_said_to_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mail.txt"
    path.write_text("Your film stopped. That was our fault, and we are sorry.\n")

    assert lint.lint_paths([str(path)], "text") == 0
    assert capsys.readouterr().out == "No weaselly words found.\n"


def test_a_binary_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(b"\x89PNG\r\n\0\0\0\rIHDR")

    assert lint.lint_paths([str(path)], "text") == 2
    assert "binary" in capsys.readouterr().out
