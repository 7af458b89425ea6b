"""The queue and its map side by side in a real browser: each leads to the other, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer
from tests.reports.town import ann, intake
from tests.web.looking import at_the_desk, look
from tests.web.report.krems import CATEGORIES, krems

from amends.reports import steps
from amends.reports.models import ReportRow

NOW = datetime.now(UTC)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


def fill() -> None:
    for n, days in enumerate((0, 1, 30, 0, 2)):
        where = {"lat": 48.4105 + n / 900, "long": 15.600 + n / 700, "address": f"Untere Landstraße {n + 1}"}
        steps.receive(intake(f"m{n}", "lamp", reporter=ann(), **where), NOW - timedelta(days=days))
    steps.pause(ReportRow.objects.order_by("number")[3].number, "weather", "A storm", who="eva", now=NOW)
    ReportRow.objects.filter(pk=ReportRow.objects.order_by("number")[1].number).update(risk=0.8)


@pytest.fixture
def page(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with krems(categories=CATEGORIES):
        fill()
        with at_the_desk(live_server.url, also=["blob:"]) as opened:
            yield opened


def test_queue_and_map_lead_to_each_other_and_look_well(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/desk/reports")
    dots, rows = page.locator(".leaflet-marker-icon.dot"), page.locator("table.queue tbody tr")
    expect(dots).to_have_count(5)
    expect(page.locator(".dot.leaflet-interactive.late")).to_have_text("!")  # not by colour alone
    expect(page.locator(".dot.leaflet-interactive.paused")).to_have_text("=")

    page.locator(".dot.leaflet-interactive.late").press("Enter")  # the map to the list, by keyboard
    late = page.locator("tr.here")
    expect(late).to_contain_text("late")
    expect(page.locator(".leaflet-popup-content a")).to_have_attribute(
        "href", f"/desk/reports/{late.get_attribute('data-number')}"
    )
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    rows.nth(3).locator(".said").click()  # the list to the map
    expect(page.locator("tr.here")).to_have_count(1)
    expect(page.locator(".ring")).to_be_visible()
    ringed = page.locator(".ring").bounding_box()
    page.keyboard.press("k")
    assert page.locator(".ring").bounding_box() != ringed

    assert page.locator(".bar nav").bounding_box()["height"] < 50, "the navigation wraps"  # type: ignore[index]
    look(page, f"{live_server.url}/desk/reports", "queue-with-map")

    page.set_viewport_size({"width": 390, "height": 844})  # a phone: one of both
    page.goto(f"{live_server.url}/desk/reports")
    expect(page.locator("#map")).to_be_hidden()
    page.get_by_role("button", name="Map", exact=True).click()
    expect(dots.first).to_be_visible()
    expect(rows.first).to_be_hidden()
    page.get_by_role("button", name="List", exact=True).click()
    expect(rows.first).to_be_visible()


def test_without_a_script_the_list_is_whole(page: Page, live_server: LiveServer) -> None:
    page.route("**/*.js", lambda route: route.abort())
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/desk/reports")

    expect(page.locator("table.queue tbody tr")).to_have_count(5)
    expect(page.locator("table.queue tbody tr").first).to_be_visible()
    expect(page.locator("#map-part")).to_be_hidden()
    expect(page.locator("#tabs")).to_be_hidden()
