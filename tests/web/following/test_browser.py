"""Following and the scoreboard in a real browser: accessible, in the dark, on a phone, in two languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, sync_playwright
from pytest_django.live_server_helper import LiveServer
from tests.reports.town import intake, town
from tests.web.looking import CHROMIUM, QUIET, look

from amends.reports import following, scoreboard, steps
from amends.reports.follows import What, Wish
from amends.reports.models import MonthRow, TallyRow
from amends.reports.records import Reporter, State

NOW = datetime.now(UTC)
BEA = steps.resident(Reporter(email="bea@example.org"))
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A browser that asks nobody else for anything."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with town(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        opened = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        yield opened
        assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
        browser.close()


def fill() -> int:
    """A year of promises, and a few reports; the number of one."""
    for n in range(12):
        day = (NOW - timedelta(days=30 * n)).date()
        counts = {"made": 40 + 3 * n, "kept": 24 + n, "late": 5, "late_s": 5 * 90_000, "late_open": 2, "unrepaired": 3}
        rows = [("lamp", "Old Town", 9), ("pothole", "", 2), ("tree", "Harbour", 31)]
        TallyRow.objects.bulk_create(
            TallyRow(
                day=day,
                category=category,
                area=area,
                without=more,
                reopened=1,
                late_bins={"76": 5},
                reckoned_at=NOW,
                **counts,
            )
            for category, area, more in rows
        )
        scoreboard.add_up({(day.replace(day=1), category) for category, _, _ in rows}, NOW)
    return steps.receive(intake("a", address="Untere Landstraße 4", lat=48.41, long=15.6), NOW).number


def test_every_page_is_accessible_and_fits_a_phone(page: Page, live_server: LiveServer) -> None:
    number = fill()
    for wish in (Wish(What.REPORT, report=number), Wish(What.CATEGORY, category="lamp")):
        following.ask(wish, "bea@example.org", "en", NOW)
    following.confirm(Wish(What.CATEGORY, category="lamp").follow_id(BEA), NOW)
    asked = following.token(following.ONE, Wish(What.REPORT, report=number).follow_id(BEA))
    own = following.token(following.ALL, BEA)
    paths = {
        "follow": "/follow",
        "follow-de": "/follow?lang=de",
        "follow-report": f"/reports/{number}/follow",
        "asked": "/follow/asked",
        "confirm": f"/follow/confirm/{asked}",
        "yours": f"/follow/yours/{own}",
        "news": f"/follow/yours/{own}/news?after=0&upto=999",
        "end": f"/follow/end/{own}",
        "promises": "/promises",
        "promises-de": "/promises?lang=de&category=tree",
    }
    for name, path in paths.items():
        look(page, live_server.url + path, name)
    TallyRow.objects.all().delete()
    MonthRow.objects.all().delete()
    look(page, live_server.url + "/promises", "promises-empty")


def test_somebody_without_a_mouse_follows_a_place_and_ends_it(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/follow?lang=de")
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Breite").focus()
    page.keyboard.type("48.41")
    page.keyboard.press("Tab")
    page.keyboard.type("15.6")
    page.get_by_label("Ihre Mailadresse").focus()
    page.keyboard.type("bea@example.org")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sehen Sie in Ihr Postfach").wait_for()

    (asked,) = following.to_confirm(10)
    page.goto(f"{live_server.url}/follow/confirm/{following.token(following.ONE, asked.follow_id)}?lang=de")
    page.get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.locator(".grow", has_text="500 m").wait_for()
    page.get_by_role("button", name="Alles beenden").click()
    page.locator(".empty").wait_for()
    assert following.of_customer(BEA) == []


def test_the_scoreboard_is_counted_while_people_look(page: Page, live_server: LiveServer) -> None:
    lamp = steps.receive(intake("a"), NOW - timedelta(hours=2))
    steps.move(lamp.number, State.FIXED, who="x", now=NOW - timedelta(hours=1))
    scoreboard.keep_up(NOW + timedelta(minutes=1))

    page.goto(f"{live_server.url}/promises")

    assert page.locator(".bars rect.kept").count() == 1
    assert "100 %" in page.locator("dl.figures").inner_text()
