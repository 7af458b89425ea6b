"""The desk's reports and a crew's page in a real browser: accessible, by keyboard, in the dark and on a phone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer
from tests.reports.town import CATEGORIES, ann, intake, town
from tests.web.looking import SHOTS, at_the_desk, look, look_here

from amends.reports import album, crews, moderation, queries, steps
from amends.reports.models import PhotoRow, ReportRow
from amends.reports.records import State

NOW = datetime.now(UTC)
ASKING = CATEGORIES.replace(
    "pothole: {name: Pothole, body: roads}",
    "pothole: {name: Pothole, body: roads, attributes: "
    '[{code: deep, datatype: singlevaluelist, required: true, description: "How deep is it?", '
    "values: [{key: a, name: A hand}, {key: b, name: An arm}]}]}",
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A browser that is signed in at the desk of a town with a few reports; it asks nobody else for anything."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with town(categories=ASKING):
        fill()
        with at_the_desk(live_server.url) as opened:
            yield opened


def fill() -> None:
    texts = ("Dark since Sunday", "A hole as deep as a bucket", "A branch hangs over the path", "The lamp flickers")
    for n, (category, text) in enumerate(zip(("lamp", "pothole", "tree", "lamp"), texts, strict=True)):
        where = {"address": f"Untere Landstraße {n + 1}", "lat": 48.41 + n / 5000, "long": 15.6}
        ago = timedelta(days=20 * (n == 3), hours=n)
        steps.receive(intake(f"b{n}", category, description=text, reporter=ann(), **where), NOW - ago)
    lamp, hole, tree, old = ReportRow.objects.order_by("number").values_list("number", flat=True)
    ReportRow.objects.filter(pk=hole).update(risk=0.8)
    steps.pause(tree, "weather", "A storm: nobody may climb", who="eva", now=NOW)
    moderation.hide(tree, "names a neighbour", who="eva", now=NOW)
    for number in (lamp, old):
        steps.change(number, who="eva", now=NOW, crew="north")
    steps.promise_anew(old, NOW + timedelta(days=3), "A part is late", who="eva", now=NOW)
    picture = Image.new("RGB", (640, 400), "#8fa2b4")
    ImageDraw.Draw(picture).ellipse((260, 120, 380, 260), fill="#e2b48c")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    PhotoRow.objects.create(name=album._write(out.getvalue()), report=lamp, width=640, height=400, at=NOW)


def test_every_page_of_it_is_accessible_dark_or_light_and_fits_a_phone(page: Page, live_server: LiveServer) -> None:
    number = ReportRow.objects.order_by("number").values_list("number", flat=True)[0]
    crew = f"/crew/{crews.renew('north', who='eva', now=NOW)}"
    paths = {"queue": "", "report": f"/{number}", "new": "/new", "moderation": "/moderation"}
    paths |= {"crews": "/crews", "routing": "/routing"}
    for name, path in paths.items():
        look(page, f"{live_server.url}/desk/reports{path}", name)
    look(page, live_server.url + crew, "crew")
    look(page, f"{live_server.url}{crew}/{number}", "crew-report")


def test_by_keyboard_and_by_mouse(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/desk/reports")
    for key in "jxjx":
        page.keyboard.press(key)
    assert page.locator("input[name=number]:checked").count() == 2
    page.get_by_label("Do").select_option("route")
    page.get_by_label("Crew (send)").select_option("south")
    page.get_by_role("button", name="See what will happen").click()
    page.get_by_role("button", name="Do it for 2").click()
    page.get_by_text("Done for 2 reports.").wait_for()
    assert ReportRow.objects.filter(crew="south").count() == 2

    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Promise").wait_for()
    lamp = ReportRow.objects.order_by("number")[0].number
    page.goto(f"{live_server.url}/desk/reports/{lamp}")
    page.get_by_text("Blacken parts of it").click()
    box = page.locator(".redact").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.38, box["y"] + box["height"] * 0.28)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.68, steps=4)
    page.mouse.up()
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "redacting.png")
    page.get_by_label("Why", exact=True).first.fill("a face")
    page.get_by_role("button", name="Blacken; it cannot").click()
    page.get_by_text("what was there is gone").wait_for()
    (photo,) = queries.photos_of([lamp])[lamp]
    assert Image.open(album.path(photo.name)).getpixel((320, 190))[0] < 16  # type: ignore[index]


def test_a_crew_on_a_phone_tells_that_it_is_fixed(page: Page, live_server: LiveServer) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/crew/{crews.renew('north', who='eva', now=NOW)}")
    page.get_by_role("link", name="Street light").first.click()
    page.get_by_label("Words, as everybody reads them").fill("New lamp")
    page.get_by_role("button", name="It is fixed").click()
    page.get_by_text("New lamp").wait_for()

    assert ReportRow.objects.get(state=State.FIXED).status_notes == "New lamp"


def test_a_caller_is_asked_what_the_category_asks(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/desk/reports/new")
    page.get_by_label("What was said").fill("A deep one")
    page.get_by_label("Address").fill("Untere Landstraße 9")
    page.get_by_label("Category").select_option("pothole")
    page.get_by_text("How deep is it?").wait_for()
    page.get_by_role("button", name="Take it in").click()
    page.get_by_role("alert").get_by_role("link", name="Please answer: How deep is it?").wait_for()
    look_here(page, "new-wrong")
    page.get_by_label("An arm").check()
    page.get_by_role("button", name="Take it in").click()
    page.get_by_text("is taken in").wait_for()

    assert ReportRow.objects.latest("number").answers == [["deep", ["b"]]]
