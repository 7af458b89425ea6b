"""A browser at the desk, and how a page looks: accessible in light and dark, no wider than a phone.

`SHOTS=dir` keeps its pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SHOTS = os.environ.get("SHOTS", "")


@contextmanager
def at_the_desk(url: str, *, also: Sequence[str] = ()) -> Iterator[Page]:
    """A page signed in at the desk that is served there; it must ask nobody but that server, and `also` of URLs."""
    client = Client()
    client.force_login(User.objects.create_superuser("eva"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
        opened = context.new_page()
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        yield opened
        assert [one for one in asked if not one.startswith((url, "data:", *also))] == []
        browser.close()


def look(page: Page, url: str, name: str) -> None:
    """No violations in light and dark, and nothing wider than a phone."""
    _look(page, name, lambda: page.goto(url))


def look_here(page: Page, name: str) -> None:
    """The same for what a page shows now, such as the answer to a form."""
    _look(page, name, lambda: None)


def accessible(page: Page, scheme: str, *where: object) -> None:
    """No violations as the page stands; what is dark differs in its colours only, so only they are looked at again."""
    colours = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
    found = Axe().run(page, options={"resultTypes": ["violations"]} | (colours if scheme == "dark" else {}))
    assert found.violations_count == 0, (scheme, *where, found.generate_report())


def _look(page: Page, name: str, go: Callable[[], object]) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            if scheme == "light":
                go()
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)
            if width == 390:
                assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"), name
            else:
                page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                accessible(page, scheme, name)
