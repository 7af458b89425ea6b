"""What somebody tells on the telephone is asked and checked as on the report page: all that is wrong at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from tests.web.report.krems import LAMP

from amends.reports.models import ReportRow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_krems")]
SAID = {"category": "lamp", "asset_number": "0001", "answer-what": "dark", "description": "Dark", "form": "desk-1"}


@pytest.fixture
def eva(eva: Client) -> Client:
    """Her browser speaks German; the desk does not."""
    eva.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    return eva


def tell(eva: Client, **more: Any) -> Any:
    return eva.post("/desk/reports/new", SAID | more)


def problems(answer: HttpResponse) -> str:
    assert answer.status_code == 422
    return answer.content.decode().split('role="alert"')[1].split("</div>")[0]


def test_a_lamp_is_taken_in_by_its_number_with_what_is_asked_about_it(eva: Client) -> None:
    assert tell(eva, locale="de", severity="severe", source="mail", email="Ann@example.org").status_code == 302

    report = ReportRow.objects.get()
    assert (report.asset, report.lat, report.answers) == (LAMP["id"], LAMP["lat"], [["what", ["dark"]]])
    assert (report.source, report.locale, report.severity, report.privacy) == ("mail", "de", "severe", "private")


def test_everything_that_is_missing_or_wrong_is_named_at_once(eva: Client) -> None:
    said = {"category": "pothole", "asset_number": "", "description": "", "email": "no", "severity": "huge"}
    told = problems(tell(eva, **said))

    for field in ("where", "answer-deep", "answer-sign", "description", "email", "severity"):
        assert f'href="#{field}"' in told, field
    assert 'href="#category"' in problems(tell(eva, category=""))
    assert not ReportRow.objects.exists()


def test_who_gives_no_name_is_anonymous_and_what_was_filled_in_stays(eva: Client) -> None:
    assert 'value="Bo"' in tell(eva, category="", name="Bo").content.decode()

    tell(eva, asset_number="", lat=str(LAMP["lat"]), long=str(LAMP["long"]))
    assert ReportRow.objects.get().privacy == "anonymous"


def test_what_was_said_is_never_cut_short_in_silence(eva: Client) -> None:
    assert "at most 4000 characters" in problems(tell(eva, description="x" * 4001))
    assert tell(eva, description="x" * 4000).status_code == 302
    assert len(ReportRow.objects.get().description) == 4000


def test_an_address_that_may_be_several_is_asked_about_and_none_is_guessed(eva: Client) -> None:
    asked = tell(eva, asset_number="", where="Landstrasse")
    assert 'name="place"' in asked.content.decode()
    assert not ReportRow.objects.exists()

    tell(eva, asset_number="", where="Landstrasse", asked="Landstrasse", place="written")
    report = ReportRow.objects.get()
    assert (report.address, report.lat) == ("Landstrasse", None)


def test_an_address_that_no_map_knows_is_taken_as_it_was_said(eva: Client) -> None:
    tell(eva, asset_number="", where="Qqxyzzy behind the hut")

    assert ReportRow.objects.get().address == "Qqxyzzy behind the hut"


@pytest.mark.parametrize(("lat", "long"), [("nan", "15.6"), ("1e999", "15.6"), ("0x10", "15.6"), ("48.41", "")])
def test_what_is_no_place_is_refused_at_the_desk_too(eva: Client, lat: str, long: str) -> None:
    assert 'href="#l' in problems(tell(eva, asset_number="", lat=lat, long=long))


def test_the_questions_of_a_category_are_shown_in_the_desks_language_before_anything_is_sent(eva: Client) -> None:
    answer = tell(eva, category="pothole", description="Half a", go="questions")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert 'name="answer-deep"' in page
    assert "Half a</textarea>" in page
    assert 'role="alert"' not in page
    assert not ReportRow.objects.exists()


def test_scripts_and_what_xml_cannot_carry_are_text_or_gone(eva: Client) -> None:
    evil = "<script>alert(1)</script>\x00\x0b"
    for more in ({"category": ""}, {}):
        page = tell(eva, **dict.fromkeys(("description", "where", "name", "phone", "form"), evil), **more)
        assert "<script>alert" not in page.content.decode()
    report = ReportRow.objects.get()

    assert report.description == "<script>alert(1)</script>"
    assert "<script>alert" not in eva.get(f"/desk/reports/{report.number}").content.decode()
