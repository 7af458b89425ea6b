"""The stories that `amends demo` can run."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

STORIES = {
    "buffering-evening": "amends.scenarios.buffering_evening.demo",
    "outage-yesterday": "amends.scenarios.outage_yesterday.demo",
    "power-is-back": "amends.scenarios.power_is_back.demo",
    "dead-street-light": "amends.scenarios.dead_street_light.demo",
}


def run(name: str, *, headless: bool, directory: Path | None, port: int) -> int:
    """Run one story; 0 when everything came out as its expected.toml says."""
    if name not in STORIES:
        print(f"no scenario {name!r}; there are: {', '.join(STORIES)}", file=sys.stderr)
        return 2
    code: int = import_module(STORIES[name]).run(headless=headless, directory=directory, port=port)
    return code
