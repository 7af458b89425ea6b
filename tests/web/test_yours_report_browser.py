"""A report's own page in a real browser: what is added there is looked at on a desk, on a phone, in light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from tests.web.krems_server import Town
from tests.web.looking import look_here
from tests.web.report.krems import picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("report-browser")]


def test_words_and_a_photo_are_added_on_ones_own_page(browser: Browser, krems: Town) -> None:
    told = krems.report("adding-0123456789abcdef")
    page = browser.new_page(locale="en-GB")
    page.set_default_timeout(30_000)
    page.goto(krems.url + told["url"].replace("/report/sent/", "/yours/"))
    look_here(page, "yours-before")

    page.get_by_label("In your words").fill("It is the third pole behind the school, and it hums.")
    picked = {"name": "pole.jpg", "mimeType": "image/jpeg", "buffer": picture(gps=(48.413, 15.6423))}
    page.get_by_label("Photo").set_input_files([picked])  # type: ignore[list-item]
    page.get_by_role("button", name="Add it").click()

    expect(page.get_by_role("status")).to_contain_text("Thank you.")
    expect(page.get_by_text("and it hums.")).to_be_visible()
    expect(page.locator("figcaption")).to_have_text(["added later"])
    look_here(page, "yours-added")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("alert")).to_contain_text("Write a few words, or choose a photo.")
    page.close()
