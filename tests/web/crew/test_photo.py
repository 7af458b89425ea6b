"""A crew sends a photo of the finished work by its link; the resident sees it, and nothing of what the camera wrote."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from tests.open311.test_robustness import bomb
from tests.reports.town import ann, intake
from tests.web.report.krems import LAMP, picture

from amends.notices import reporting, tokens
from amends.reports import crews, queries, steps
from amends.reports.models import PhotoRow
from amends.reports.records import Report, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_krems")]
NOW = datetime.now(UTC)
WHERE = (48.4111, 15.6022)


@pytest.fixture
def report() -> Report:
    made = steps.receive(intake("lamp", reporter=ann(), lat=WHERE[0], long=WHERE[1]), NOW)
    return steps.change(made.number, who="eva", now=NOW, crew="north")


def tell(client: Client, report: Report, photo: bytes, **form: str) -> int:
    link = f"/crew/{crews.renew('north', who='eva', now=NOW)}/{report.number}"
    file = SimpleUploadedFile("done.jpg", photo, "image/jpeg")
    return client.post(link, {"do": "fixed", "words": "New lamp", "photo": file} | form).status_code


def shown(client: Client, report: Report) -> list[bytes]:
    """The photos of the resident's own page, as they are served."""
    page = client.get(f"/yours/{tokens.make(reporting.subject(report.number))}")
    assert page.status_code == 200
    found = re.findall(r'<img class="photo" src="([^"]+)"', page.content.decode())
    return [b"".join(client.get(address)) for address in found]


def test_the_resident_sees_the_finished_work_without_what_the_camera_wrote(client: Client, report: Report) -> None:
    photo = picture(gps=WHERE)
    assert b"Secretphone" in photo

    assert tell(client, report, photo) == 302

    (served,) = shown(client, report)
    assert Image.open(io.BytesIO(served)).size == (640, 480)
    assert dict(Image.open(io.BytesIO(served)).getexif()) == {}
    assert b"Exif" not in served
    assert b"Secretphone" not in served
    found = queries.one(report.number)
    assert found is not None
    assert found.state is State.FIXED
    assert [one.kind for one in queries.photos_of([report.number])[report.number]] == ["after"]


@pytest.mark.parametrize(
    "data",
    [
        *(b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", b"<html><script>1</script>"),
        *(b"GIF89a" + bytes(64), b"%PDF-1.7", picture()[:300], bomb(), picture()[:-2] + bytes(3_000_000)),
    ],
    ids=["svg", "html", "gif", "pdf", "damaged", "bomb", "too large"],
)
def test_what_is_no_photo_is_refused_and_nothing_is_told(
    client: Client, report: Report, settings: Any, data: bytes
) -> None:
    settings.AMENDS = replace(settings.AMENDS, map=replace(settings.AMENDS.map, photo_mb=2))
    assert tell(client, report, data) == 422

    found = queries.one(report.number)
    assert found is not None
    assert found.is_open
    assert shown(client, report) == []
    assert not PhotoRow.objects.exists()


def test_a_photo_that_is_also_a_page_comes_out_as_a_photo_only(client: Client, report: Report) -> None:
    assert tell(client, report, picture() + b"<html><script>alert(1)</script>") == 302

    (served,) = shown(client, report)
    assert b"<script>" not in served


def test_the_crews_own_page_serves_it_to_nobody_else(client: Client, report: Report) -> None:
    tell(client, report, picture(gps=WHERE))
    (photo,) = queries.photos_of([report.number])[report.number]
    token, other = (crews.renew(crew, who="eva", now=NOW) for crew in ("north", "south"))

    assert client.get(f"/crew/{token}/photo/{photo.name}").status_code == 200
    assert client.get(f"/crew/{other}/photo/{photo.name}").status_code == 404


def test_crew_and_resident_read_the_number_that_is_painted_on_the_lamp(client: Client) -> None:
    made = steps.receive(intake("one", asset=LAMP["id"], reporter=ann(), lat=WHERE[0], long=WHERE[1]), NOW)
    steps.change(made.number, who="eva", now=NOW, crew="north")

    crew = client.get(f"/crew/{crews.renew('north', who='eva', now=NOW)}/{made.number}").content.decode()
    own = client.get(f"/yours/{tokens.make(reporting.subject(made.number))}").content.decode()

    assert f"<dd>{LAMP['number']} <small>{LAMP['id']}</small></dd>" in crew
    assert re.search(rf"<h1>[^<]* {LAMP['number']}</h1>", own)
