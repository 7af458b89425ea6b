"""A double click at the desk is one click: the page's mark and all that was filled in make the second the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.reports.town import intake
from tests.web.report.krems import picture

from amends.reports import queries, steps
from amends.reports.models import PhotoRow
from amends.reports.records import Report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_krems")]


@pytest.fixture
def lamp() -> Report:
    return steps.receive(intake("f", "tree"), datetime.now(UTC))


def marks(eva: Client, lamp: Report) -> set[str]:
    page = eva.get(f"/desk/reports/{lamp.number}").content.decode()
    return set(re.findall(r'name="form" value="(\w+)"', page))


def said(lamp: Report) -> list[str]:
    (moves,) = queries.history([lamp.number], public_only=False).values()
    return [move.words or move.note for move in moves if move.who == "eva"]


def test_words_and_notes_are_said_once(eva: Client, lamp: Report) -> None:
    (mark,) = marks(eva, lamp)
    for whom in ("all", "all", "staff", "staff"):
        form = {"form": mark, "for": whom, "words": "We come on Monday"}
        assert eva.post(f"/desk/reports/{lamp.number}/write", form).status_code == 302

    assert said(lamp) == ["We come on Monday"] * 2  # to everybody, and as a note
    eva.post(f"/desk/reports/{lamp.number}/write", form | {"words": "On Tuesday"})
    eva.post(f"/desk/reports/{lamp.number}/write", form | {"form": marks(eva, lamp).pop()})
    assert len(said(lamp)) == 4


def test_a_move_with_its_photo_is_made_once(eva: Client, lamp: Report) -> None:
    (mark,) = marks(eva, lamp)
    pages = [_closed(eva, lamp, mark) for _ in range(2)]

    assert all("It is fixed now." in page for page in pages)
    assert said(lamp) == ["Cut back"]
    assert PhotoRow.objects.count() == 1


def _closed(eva: Client, lamp: Report, mark: str) -> str:
    photo = SimpleUploadedFile("a.jpg", picture(), "image/jpeg")
    form: dict[str, Any] = {"form": mark, "to": "fixed", "words": "Cut back", "photo": photo}
    return eva.post(f"/desk/reports/{lamp.number}/move", form, follow=True).content.decode()
