"""How a page looks: accessible in light and dark, no wider than a phone; `SHOTS=dir` keeps its pictures."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SHOTS = os.environ.get("SHOTS", "")


def look(page: Page, url: str, name: str) -> None:
    """No violations in light and dark, and nothing wider than a phone."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(url)
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)
            if width == 390:
                assert not page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"), name
            else:
                page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                found = Axe().run(page)
                assert found.violations_count == 0, (name, scheme, found.generate_report())
