"""A real browser before the real server, after a small real evening: accessible, keyboard-able, and nothing leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from rich.console import Console
from tests.web.looking import accessible

from amends.scenarios.buffering_evening.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("evening"), 0, Console(quiet=True))
    demo.set_up()
    demo.send({"seed": 5, "sessions": 60})
    demo.wait()
    yield demo
    demo.stop()


@pytest.fixture
def page(browser: Browser, evening: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    assert [url for url in asked if not url.startswith((evening.url, "data:"))] == []
    context.close()


def sign_in(page: Page, evening: Demo) -> None:
    page.goto(f"{evening.url}/desk/")
    page.wait_for_function("document.activeElement.id === 'id_username'")
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type(evening.password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Today").wait_for()


def refund_mail(evening: Demo) -> str:
    """The address in a refund mail, as its customer finds it."""
    for path in sorted((evening.place / "demo-mails").glob("*.eml")):
        text = path.read_text().replace("=\n", "").replace("=3D", "=")
        if "paid back" in text and "/yours/" in text:
            return f"{evening.url}/yours/{text.split('/yours/')[1].split()[0]}"
    raise AssertionError("no refund mail in English")


def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(page: Page, evening: Demo) -> None:
    sign_in(page, evening)
    recovery = page.locator("section.card a[href*='/desk/recoveries/rec_']").first.get_attribute("href")
    paths = [
        "/desk/",
        "/desk/recoveries",
        "/desk/failures",
        "/desk/acts",
        "/desk/sessions",
        "/desk/quarantine",
        "/desk/pieces",
    ]
    for path in [*paths, str(recovery), "/", "/v1/docs", refund_mail(evening).removeprefix(evening.url)]:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": 1280, "height": 900})
            if scheme == "light":
                page.goto(evening.url + path)
            accessible(page, scheme, path)
        page.set_viewport_size({"width": 390, "height": 844})
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"), path


def test_a_customer_answers_and_the_desk_hears_it(page: Page, evening: Demo) -> None:
    page.goto(refund_mail(evening))
    assert page.locator("svg[role=img]").count() == 1
    page.get_by_label("Partly").check()
    page.get_by_label("Tell us more").fill("The second half is still missing")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("a person is looking at it").wait_for()

    sign_in(page, evening)
    page.locator("text=reopened").first.wait_for()
    page.locator("section.card", has_text="Needs a person").locator("a[href*='/desk/recoveries/']").first.click()
    page.get_by_text("The second half is still missing").first.wait_for()
    page.get_by_label("What was done with the customer").fill("Sent them the film again")
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_text("Closed.").wait_for()
