"""A crew's page speaks the crew's language: as wished, else as the browser asks, else the installation's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from tests.reports.town import ann, intake
from tests.web.report.krems import picture

from amends.ground import clock
from amends.reports import crews, steps
from amends.reports.records import Report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_krems")]
ENGLISH = (
    *("To do", "open", "promised", "Promised", "late", "Where", "Number", "Affected", "person", "Photo", "Words"),
    *("Tell", "Only", "cannot", "because", "take it on", "is fixed", "History", "received", "major", "crew", "nowhere"),
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Choose", "Skip", "Light"),
)


@pytest.fixture
def report() -> Report:
    now = clock.now()
    made = steps.receive(intake("lamp", reporter=ann(), address="Ringstraße 4", lat=48.41, long=15.6), now)
    steps.change(made.number, who="eva", now=now, crew="north", severity="major")
    return steps.promise_anew(made.number, now + timedelta(days=40), "Ein Teil fehlt.", who="eva", now=now)


def link(report: Report | None = None) -> str:
    return f"/crew/{crews.renew('north', who='eva', now=clock.now())}" + (f"/{report.number}" if report else "")


def said(html: str) -> str:
    """What is read of a page, without its tags."""
    body = html.partition("<body")[2] + "".join(re.findall(r"<title>.*?</title>", html))
    alts = " ".join(re.findall(r'alt="([^"]*)"', body))
    return re.sub(r"<[^>]+>", " ", re.sub(r"<a [^>]*hreflang.*?</a>", " ", body)) + alts


@pytest.mark.parametrize("where", ["list", "one", "empty", "bad", "wrong"])
def test_in_german_no_word_of_it_is_english(client: Client, report: Report, where: str) -> None:
    if where == "empty":
        steps.change(report.number, who="eva", now=clock.now(), crew="south")
    path = "/crew/nonsense" if where == "bad" else link(report if where in ("one", "wrong") else None)
    german = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}
    answer = client.post(path, {"do": "cannot"}, **german) if where == "wrong" else client.get(path, **german)

    html = answer.content.decode()
    assert '<html lang="de" dir="ltr">' in html
    assert answer.headers["Content-Language"] == "de"
    assert [word for word in ENGLISH if re.search(rf"\b{word}\b", said(html))] == []
    wanted = {"list": "Zu tun: north", "empty": "Nichts zu tun", "bad": "führt nirgendwohin", "wrong": "welchem Grund"}
    assert wanted.get(where, "Was geschehen ist") in said(html)


def test_the_wish_comes_before_the_browser_and_the_browser_before_the_installation(
    client: Client, report: Report, settings: Any
) -> None:
    settings.AMENDS = replace(settings.AMENDS, company=replace(settings.AMENDS.company, locale="de"))
    asked = {"HTTP_ACCEPT_LANGUAGE": "en"}
    path = link()
    assert "Zu tun" in client.get(path).content.decode()
    assert "To do" in client.get(path, **asked).content.decode()
    wished = client.get(f"{path}?lang=de", **asked).content.decode()
    assert "Zu tun" in wished
    assert f'{path}/{report.number}?lang=de"' in wished, "links keep what was chosen"


def test_who_tells_something_comes_back_in_the_same_language(client: Client, report: Report) -> None:
    path = f"{link(report)}?lang=de"
    assert client.post(path, {"do": "take"}).headers["Location"] == path
    page = client.get(path).content.decode()
    assert "In Arbeit</strong>" in page
    assert "von Ihrem Trupp" in page


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "nonsense"}, "Wählen Sie aus, was Sie getan haben."),
        ({"do": "say"}, "Schreiben Sie ein paar Worte"),
        ({"do": "take", "words": "x" * 4001}, "höchstens 4000 Zeichen"),
        ({"do": "fixed", "photo": b"%PDF-1.7"}, "kein Foto"),
        ({"do": "fixed", "photo": picture()[:300]}, "beschädigt"),
    ],
)
def test_what_is_wrong_is_said_in_german(client: Client, report: Report, form: dict[str, Any], says: str) -> None:
    if "photo" in form:
        form = form | {"photo": SimpleUploadedFile("a.jpg", form["photo"], "image/jpeg")}
    answer = client.post(f"{link(report)}?lang=de", form)

    assert answer.status_code == 422
    assert says in re.findall(r'role="alert"[^>]*>([^<]*)<', answer.content.decode())[0]


def test_a_language_that_is_read_from_the_right_turns_the_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "get_language_bidi", lambda: True)
    assert ' dir="rtl"' in client.get(link()).content.decode()
