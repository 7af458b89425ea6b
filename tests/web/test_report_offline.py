"""Without a mouse, without the map, on a phone, in the second language, offline for a minute: a report gets in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.web.krems_server import Town
from tests.web.report.krems import picture
from tests.web.test_report_browser import PHONE, begin, fill, look, photo

ONE = "SELECT number, asset, privacy, description, requested_at, due_at FROM reports_reportrow WHERE form = ?"
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("report-browser")]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=PHONE, locale="de-AT", has_touch=True)  # type: ignore[arg-type]
    failed: list[str] = []
    opened.on("weberror", lambda one: failed.append(str(one.error)))
    yield opened
    opened.close()
    assert failed == []


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Go on with the tab key until this has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(what) => document.activeElement.matches(what)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def count(krems: Town, form: str) -> int:
    return int(krems.stored("SELECT COUNT(*) FROM reports_reportrow WHERE form = ?", f"web-{form}")[0][0])


def test_by_keyboard_on_a_phone_in_german_without_the_map_and_offline_for_a_minute(
    context: BrowserContext, krems: Town
) -> None:
    context.route("**/leaflet/*", lambda route: route.abort())  # the map never comes
    page = context.new_page()
    page.on("filechooser", lambda _: None)  # they are caught from now on
    page.clock.install()
    page.goto(f"{krems.url}/report")
    page.locator("html[lang=de][data-kept]").wait_for()
    tab_to(page, "#photo")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([photo(gps=(48.41297, 15.64228))])  # type: ignore[list-item]
    page.locator("#photos input:enabled").wait_for(state="attached")
    tab_to(page, "input[name=category]")
    page.keyboard.press("Space")

    context.set_offline(True)
    page.locator("#network", has_text="Gerade gibt es kein Netz").wait_for()
    page.locator("#questions .question").first.wait_for()
    tab_to(page, "#where")
    page.keyboard.type("gegenüber der Admonterstraße 3")
    tab_to(page, "#asset_number")
    page.keyboard.type("0001")
    tab_to(page, "input[name=answer-what]")
    page.keyboard.press("Space")
    tab_to(page, "#description")
    page.keyboard.type("Seit Sonntag dunkel")
    page.clock.run_for(1_000)
    page.reload()  # a phone closes pages as it likes
    page.locator(".restored").wait_for()
    expect(page.locator("#description")).to_have_value("Seit Sonntag dunkel")
    expect(page.locator("#photos li")).to_have_count(1)
    form = page.locator("input[name=form]").input_value()

    tab_to(page, "input[name=privacy]:checked")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#name")).to_be_hidden()  # anonymous: nothing is asked
    tab_to(page, "button.main[value=check]")
    page.keyboard.press("Enter")
    expect(page.locator("#look")).to_be_focused()
    look(page, "de-offline-look")
    tab_to(page, "#keep")
    page.keyboard.press("Enter")
    page.locator("#queue li.waiting", has_text="Wartet auf Netz").wait_for()
    expect(page.locator("#queue")).to_be_focused()
    look(page, "de-offline-waits")
    page.clock.fast_forward(61_000)  # tries meanwhile, in vain
    assert count(krems, form) == 0

    context.set_offline(False)
    page.evaluate("Promise.all([queue.flush(), queue.flush()])")  # as impatient as two open pages
    page.locator("#queue li.sent", has_text="Gesendet, Nummer").wait_for()
    assert count(krems, form) == 1
    look(page, "de-offline-sent")
    promised = page.locator("#queue .done").inner_text()
    assert "bis " in promised
    tab_to(page, "#queue li.sent a")
    page.keyboard.press("Enter")
    page.locator("#own").wait_for()
    assert promised.removeprefix("Zugesagt: ") in page.locator("main").inner_text()

    ((number, asset, privacy, description, requested, due),) = krems.stored(ONE, f"web-{form}")
    assert (asset, privacy, description) == ("L0001", "anonymous", "Seit Sonntag dunkel")
    assert due
    received = krems.stored("SELECT at FROM reports_moverow WHERE report = ? ORDER BY id LIMIT 1", number)
    assert requested < received[0][0]  # promised from when it was written
    names = [name for (name,) in krems.stored("SELECT name FROM reports_photorow WHERE report = ?", number)]
    assert len(names) == 1
    assert b"Exif" not in httpx.get(f"{krems.url}/photos/{names[0]}.jpg").content
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 1
    page.goto(f"{krems.url}/report")
    page.locator("#report[data-ready]").wait_for()
    expect(page.locator("#description")).to_have_value("")  # nothing of it comes back into the form


def ready_to_send(context: BrowserContext, krems: Town) -> tuple[Page, str]:
    """A filled report at its last look, and the key of its form."""
    page = begin(context, krems, "/report?lang=en")
    fill(page)
    form = page.locator("input[name=form]").input_value()
    page.locator("button.main[value=check]").click()
    page.locator("#send").wait_for()
    return page, form


def test_the_network_goes_at_the_last_look_and_the_report_goes_by_itself(context: BrowserContext, krems: Town) -> None:
    page, form = ready_to_send(context, krems)
    context.set_offline(True)
    page.locator("button[value=send]").click()
    page.locator("#send-says", has_text="kept on this device").wait_for()
    assert count(krems, form) == 0

    context.set_offline(False)
    page.locator("#own").wait_for()
    assert "We promise to be done by" in page.locator("main").inner_text()
    assert count(krems, form) == 1


def test_an_answer_that_is_lost_on_its_way_makes_no_second_report(context: BrowserContext, krems: Town) -> None:
    page, form = ready_to_send(context, krems)
    lost = []

    def lose(route, request):  # type: ignore[no-untyped-def]
        if request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            return route.abort()
        return route.continue_()

    context.route("**/report?lang=en", lose)
    page.locator("button[value=send]").click()
    page.locator("#own").wait_for()  # it was tried again by itself
    assert lost == [201]
    assert count(krems, form) == 1


def test_what_is_missing_is_told_without_a_network_all_at_once(context: BrowserContext, krems: Town) -> None:
    page = begin(context, krems, "/report?lang=en")
    page.locator("html[data-kept]").wait_for()
    context.set_offline(True)
    page.locator("input[value=pothole]").check()
    page.get_by_label("With my name").check()
    page.locator("#questions .question").first.wait_for()
    page.locator("button.main[value=check]").click()
    page.locator("#problems").wait_for()

    links = [one.get_attribute("href") for one in page.locator("#problems a").all()]
    assert links == ["#where", "#answer-deep", "#answer-sign", "#name"]
    page.locator("#problems a").nth(1).click()
    expect(page.locator("#answer-deep")).to_be_focused()


def test_what_the_server_cannot_take_comes_back_into_the_form(context: BrowserContext, krems: Town) -> None:
    page = begin(context, krems, "/report?lang=en")
    page.locator("html[data-kept]").wait_for()
    context.set_offline(True)
    page.locator("input[value=tree]").check()
    page.locator("#where").fill("Admonterstraße")
    page.locator("#description").fill("A branch")
    page.locator("#email").fill("not an address")
    page.locator("button.main[value=check]").click()
    page.locator("#keep").click()
    page.locator("#queue li.waiting").wait_for()
    context.set_offline(False)
    page.locator("#queue li.wrong", has_text="not a complete mail address").wait_for()
    page.get_by_role("button", name="Look at it again").click()
    expect(page.locator("#description")).to_have_value("A branch")
    expect(page.locator("#queue")).to_be_hidden()


def test_a_photo_taken_offline_is_sent_when_the_network_returns(context: BrowserContext, krems: Town) -> None:
    page = begin(context, krems, "/report?lang=en")
    context.set_offline(True)
    page.locator("#photo").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    page.locator("#photos .state", has_text="is sent with the report").wait_for()
    context.set_offline(False)
    page.locator("#photos input:enabled").wait_for(state="attached")
    assert krems.stored(
        "SELECT COUNT(*) FROM reports_photorow WHERE name = ?", page.locator("#photos input").input_value()
    ) == [(1,)]
