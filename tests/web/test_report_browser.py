"""The report page in a real browser before a real server: accessible at each step, light, quick, ours alone."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import ExifTags, Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.web.krems_server import Town
from tests.web.looking import accessible
from tests.web.report.krems import LAMP, picture

from amends.web.report.offline import MORE, SHELL

PHONE = {"width": 390, "height": 844}
SHOTS = os.environ.get("SHOTS", "")
HEAVIEST = 250_000
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
expect.set_options(timeout=20_000)  # others may use the machine as well
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("report-browser")]


@pytest.fixture
def context(browser: Browser, krems: Town, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser that asks nobody else for anything, and whose scripts never fail."""
    opened = browser.new_context(**{"viewport": PHONE, "locale": "en-GB", **getattr(request, "param", {})})
    asked: list[str] = []
    failed: list[str] = []
    opened.on("request", lambda one: asked.append(one.url))
    opened.on("weberror", lambda one: failed.append(str(one.error)))
    opened.on("console", lambda one: failed.append(one.text) if "Content Security Policy" in one.text else None)
    yield opened
    opened.close()
    assert [url for url in asked if not url.startswith((krems.url, "data:", "blob:"))] == []
    assert failed == []


def begin(context: BrowserContext, krems: Town, path: str = "/report") -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(krems.url + path)
    page.locator("#report[data-ready]").wait_for()
    return page


def photo(**more: Any) -> dict[str, Any]:
    return {"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": picture(**more)}


def fill(page: Page, number: str = "0001") -> None:
    page.get_by_label("Street light").check()
    page.get_by_label("It is dark").check()
    page.locator("#asset_number").fill(number)
    page.locator("#asset_number").blur()
    page.locator("#spot[data-lat]").wait_for()


def look(page: Page, name: str) -> None:
    """The page as it stands: no violations in light and dark, on a desk and on a phone, and nothing wider than that.

    The second language is looked at twice instead of four times: it differs in its words.
    """
    ways = [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)]
    for scheme, width in ways if name.startswith("en") else ways[::3]:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 844})
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)
        if (scheme, width) != ("dark", 390) or not name.startswith("en"):  # dark is about colours, whatever the width
            accessible(page, scheme, name, width)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"), (name, width)


@pytest.mark.parametrize("context", [{"locale": "en-GB"}, {"locale": "de-AT"}], ids=["en", "de"], indirect=True)
def test_every_step_is_accessible_and_fits(
    context: BrowserContext, krems: Town, request: pytest.FixtureRequest
) -> None:
    said = "de" if "de" in request.node.name.split("[")[1] else "en"
    krems.report(f"{said}-neighbour-000000", asset_number="0002")
    page = begin(context, krems)
    look(page, f"{said}-1-empty")
    page.locator("input[value=lamp]").check()
    page.locator("#questions fieldset").first.wait_for()
    page.locator("#photo").set_input_files(photo(gps=(48.41297, 15.64228)))
    page.locator(".offered").wait_for()
    page.locator("#where").press_sequentially("admonter")
    page.locator(".listed li").first.wait_for()
    page.keyboard.press("ArrowDown")
    look(page, f"{said}-2-listed")
    page.keyboard.press("Enter")
    page.locator(".near li").first.wait_for()
    page.locator("#map[data-ready]").wait_for()
    look(page, f"{said}-3-placed")
    page.locator("button.main[value=check]").click()
    page.locator("#problems").wait_for()
    look(page, f"{said}-4-wrong")
    page.locator("input[name=answer-what]").first.check()
    page.locator("button.main[value=check]").click()
    page.locator("#send").wait_for()
    look(page, f"{said}-5-check")
    page.locator("button[value=send]").click()
    page.locator("#own").wait_for()
    look(page, f"{said}-6-sent")
    number = krems.stored("SELECT MAX(number) FROM reports_reportrow")[0][0]
    for name, path in (("7-list", "/reports"), ("8-one", f"/reports/{number}")):
        page.goto(krems.url + path)
        page.locator("#map").scroll_into_view_if_needed()
        page.locator("#map[data-ready]").wait_for()
        look(page, f"{said}-{name}")
    page.goto(f"{krems.url}/reports/{number}/me-too")
    look(page, f"{said}-9-too")
    page.locator("main button.main").click()
    page.locator("h1", has_text=re.compile("counted|gezählt")).wait_for()
    look(page, f"{said}-9-too-done")


def test_a_pin_is_put_by_mouse_by_keyboard_and_by_the_phone_and_gets_its_address(
    context: BrowserContext, krems: Town
) -> None:
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": LAMP["lat"], "longitude": LAMP["long"]})
    page = begin(context, krems)
    page.locator("#here").click()
    expect(page.locator("#lat")).to_have_value(f"{LAMP['lat']:.6f}")
    expect(page.locator("#where")).to_have_value(re.compile("."))
    page.locator("#map").scroll_into_view_if_needed()
    page.locator("#map[data-ready]").wait_for()
    page.locator("#map .pin").wait_for()

    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)  # the map comes to rest
    page.keyboard.press("Enter")
    expect(page.locator("#lat")).to_have_value(re.compile(r"48\.41"))
    by_keyboard = page.locator("#long").input_value()
    assert float(by_keyboard) > LAMP["long"]
    page.locator("#map").click(position={"x": 60, "y": 200})
    expect(page.locator("#long")).not_to_have_value(by_keyboard)
    before = page.locator("#long").input_value()
    page.locator("#map .pin").drag_to(page.locator("#map"), target_position={"x": 250, "y": 150})
    expect(page.locator("#long")).not_to_have_value(before)
    context.set_geolocation({"latitude": 40.0, "longitude": 15.6})
    page.locator("#here").click()
    expect(page.locator("#where-says")).to_contain_text("outside")


def test_a_lamp_is_chosen_on_the_map_or_from_the_list_with_its_number(context: BrowserContext, krems: Town) -> None:
    page = begin(context, krems)
    page.get_by_label("Street light").check()
    page.locator("#asset_number").fill(LAMP["number"])
    page.locator("#asset_number").blur()
    page.locator("#spot[data-lat]").wait_for()
    page.locator("#map").scroll_into_view_if_needed()
    page.locator("path.thing").first.wait_for()
    chosen = page.locator("input[name=asset]:checked")
    expect(chosen).to_have_value(LAMP["id"])
    with page.expect_response(re.compile("/report/things/")):  # the map moves there
        page.locator("input[name=asset]").nth(1).check()
    by_list = page.locator("#asset_number").input_value()
    assert by_list not in ("", LAMP["number"])
    page.evaluate("document.querySelectorAll('path.thing')[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    expect(page.locator("#asset_number")).not_to_have_value(by_list)
    expect(chosen).to_have_count(1)
    page.locator("input[value=tree]").check()
    expect(page.locator("#asset_number")).to_have_value("")
    assert page.locator("#lat").input_value().startswith("48.41")  # it is another thing, but the place stays


def test_what_is_reported_stands_on_the_map_with_its_promise(context: BrowserContext, krems: Town) -> None:
    krems.report("map-0123456789abcdef", asset_number="0300")
    (lat, long), *_ = krems.stored("SELECT lat, long FROM reports_reportrow WHERE form = 'web-map-0123456789abcdef'")
    page = begin(context, krems, f"/report?lat={lat}&long={long}")
    page.locator("#map").scroll_into_view_if_needed()
    page.locator("#map[data-ready]").wait_for()
    page.locator("#map").focus()
    page.keyboard.press("+")  # from here on reports are shown as they lie; farther off a worker has to count them first
    page.locator(".dot").first.dispatch_event("click")
    page.locator(".dots").wait_for()
    assert "promised by" in page.locator(".dots").inner_text()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_where_a_photo_was_taken_is_offered_before_it_is_stripped(context: BrowserContext, krems: Town) -> None:
    page = begin(context, krems)
    page.locator("#photo").set_input_files(photo(gps=(48.41297, 15.64228)))
    page.get_by_role("button", name="Use as the place").click()
    expect(page.locator("#lat")).to_have_value(re.compile(r"48\.4129[67]"))
    expect(page.locator("#where")).to_have_value(re.compile("."))
    page.locator("#photos li:not(.loading)").wait_for()
    source = str(page.locator("#photos input").input_value())
    for size in ("", ".small"):
        served = httpx.get(f"{krems.url}/photos/{source}{size}.jpg").content
        assert not dict(Image.open(io.BytesIO(served)).getexif())
        assert b"Exif" not in served
        assert b"Secretphone" not in served
    page.get_by_role("button", name="Remove this photo").click()
    expect(page.locator("#photos li")).to_have_count(0)


def test_a_large_photo_is_made_smaller_and_upright_before_it_is_sent(context: BrowserContext, krems: Town) -> None:
    noise, out, exif = Image.frombytes("RGB", (2600, 1300), os.urandom(2600 * 1300 * 3)), io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    noise.save(out, "JPEG", quality=85, exif=exif)
    page = begin(context, krems)
    with page.expect_response("**/report/photos*") as answer:
        page.locator("#photo").set_input_files(photo() | {"buffer": out.getvalue()})
    assert int(answer.value.request.all_headers()["content-length"]) < len(out.getvalue())
    served = httpx.get(f"{krems.url}/photos/{answer.value.json()['name']}.jpg").content
    assert Image.open(io.BytesIO(served)).size == (1024, 2048)


def test_what_is_no_photo_is_refused_beside_the_field(context: BrowserContext, krems: Town) -> None:
    page = begin(context, krems)
    page.locator("#photo").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    expect(page.locator("#photo-says")).to_contain_text("this is no photo")
    expect(page.locator("#photos li")).to_have_count(0)


def test_the_page_weighs_less_than_a_quarter_of_a_megabyte(browser: Browser, krems: Town) -> None:
    context = browser.new_context(viewport=PHONE, service_workers="block")  # type: ignore[arg-type]
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    where: dict[str, str] = {}
    weight: dict[str, float] = {}
    cdp.on("Network.requestWillBeSent", lambda one: where.update({one["requestId"]: one["request"]["url"]}))
    cdp.on("Network.loadingFinished", lambda one: weight.update({one["requestId"]: one["encodedDataLength"]}))
    page.goto(f"{krems.url}/report")
    page.locator("#map").scroll_into_view_if_needed()
    page.locator("#map[data-ready]").wait_for()
    context.close()
    seen = {where[one]: size for one, size in weight.items() if "/report/map/" not in where[one]}
    assert next(size for url, size in seen.items() if "leaflet.js" in url) > 30_000
    assert sum(seen.values()) < HEAVIEST, seen

    with httpx.Client(base_url=krems.url) as client:  # what the worker keeps for later is counted by itself
        shell = {name: _sent(client, f"/static/{name}") for name in (*SHELL, *MORE)}
    assert sum(shell.values()) < HEAVIEST, shell


def _sent(client: httpx.Client, path: str) -> int:
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200
        return sum(len(part) for part in answer.iter_raw())


def test_a_slow_phone_can_use_the_page_within_three_seconds(browser: Browser, krems: Town) -> None:
    """Lighthouse's phone: four times slower, 1.6 Mbit/s, 150 ms; the best of three, since others use this machine."""
    took = [_until_usable(browser, krems) for _ in range(3)]
    assert min(took) < 3000, took


def _until_usable(browser: Browser, krems: Town) -> float:
    context = browser.new_context(viewport=PHONE, is_mobile=True)  # type: ignore[arg-type]
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send("Network.emulateNetworkConditions", SLOW)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(f"{krems.url}/report", wait_until="commit")
    page.locator("#report[data-ready]").wait_for()
    took = float(page.evaluate("performance.now()"))
    context.close()
    return took
