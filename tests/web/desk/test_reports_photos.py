"""What is sent at the desk instead of a photo of the work is refused as everywhere, and closes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.open311.test_robustness import bomb
from tests.reports.town import intake
from tests.web.report.krems import picture

from amends.reports import queries, steps
from amends.reports.models import PhotoRow, ReportRow
from amends.reports.records import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_krems")]


def close(eva: Client, *photos: bytes) -> Any:
    report = steps.receive(intake("f", "tree"), datetime.now(UTC))
    files = [SimpleUploadedFile("a.jpg", photo, "image/jpeg") for photo in photos]
    form = {"to": "fixed", "words": "Cut back", "photo": files}
    return eva.post(f"/desk/reports/{report.number}/move", form, follow=True)


@pytest.mark.parametrize(
    "data",
    [
        *(b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", b"GIF89a" + bytes(64)),
        *(b"%PDF-1.7", picture()[:300], bomb(), picture()[:-2] + bytes(3_000_000)),
    ],
    ids=["svg", "gif", "pdf", "damaged", "bomb", "too large"],
)
def test_what_is_no_photo_closes_nothing(eva: Client, settings: Any, data: bytes) -> None:
    settings.AMENDS = replace(settings.AMENDS, map=replace(settings.AMENDS.map, photo_mb=2))
    assert "Not done:" in close(eva, picture(), data).content.decode()

    assert ReportRow.objects.get().state == State.RECEIVED
    assert not [each for each in queries.photos_of([ReportRow.objects.get().number]).values() if each]


def test_more_files_than_can_be_close_nothing(eva: Client) -> None:
    assert close(eva, *[b"x"] * 101).status_code == 413
    assert "at most" in close(eva, *[picture(size=(16, 16))] * 9).content.decode()
    assert ReportRow.objects.get().state == State.RECEIVED
    assert not PhotoRow.objects.exists()


def test_a_photo_that_is_also_a_page_is_a_photo_without_place_or_maker(eva: Client) -> None:
    close(eva, picture(gps=(48.41, 15.6)) + b"<script>alert(1)</script>")

    number = ReportRow.objects.get().number
    (photo,) = queries.photos_of([number])[number]
    served = eva.get(f"/photos/{photo.name}.jpg").content
    assert photo.kind == "after"
    assert not [part for part in (b"<script>", b"Exif", b"Secretphone") if part in served]
