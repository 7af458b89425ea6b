"""The house stays as it was drawn, and what can be set is written down."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from amends.ground.config import FROM_ENVIRONMENT, SECTIONS

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
PY_FILES = sorted(path for path in (ROOT / "src").rglob("*.py") if "migrations" not in path.parts)


def test_the_import_contracts_hold() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PY_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_holds_two_ideas(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("room", sorted({path.parent.name for path in PY_FILES if path.name == "__init__.py"}))
def test_opening_a_room_starts_nothing(room: str) -> None:
    for path in (ROOT / "src").rglob(f"{room}/__init__.py"):
        if path == ROOT / "src/amends/testing/__init__.py":
            continue  # no room: what a connector's tests import, and nothing else does
        assert path.read_text("utf-8").strip() == "", f"{path} must stay empty"


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_every_setting_is_documented(section: str) -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text("utf-8")
    for setting in fields(SECTIONS[section]):
        assert f"`{section}.{setting.name}`" in page, f"{section}.{setting.name} is missing in configuration.md"


def test_every_environment_variable_is_documented() -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text("utf-8")
    for variable in [*FROM_ENVIRONMENT, "AMENDS_DIR", "AMENDS_DATABASE_URL", "AMENDS_PUBLIC_URL", "AMENDS_SECRET_KEY"]:
        assert f"`{variable}`" in page


def test_no_outside_address_is_built_in() -> None:
    """Every outward address comes from configuration: nothing in the package names a host to call."""
    allowed = ("127.0.0.1", "localhost", "example.org", "www.w3.org", "amends.example", "schema", "problems")
    allowed += ("wiki.open311.org",)  # GeoReport's own name in discovery, which nobody calls
    for path in PY_FILES:
        for host in re.findall(r"https?://([a-z0-9.-]+\.[a-z]{2,})", path.read_text("utf-8")):
            assert any(word in host for word in allowed), f"{path.name} names {host}"


def test_every_page_of_the_docs_is_in_the_menu() -> None:
    """Packs of rules are many and are listed on their own page."""
    listed = set(re.findall(r"[\w/.-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}

    assert {page for page in pages if not page.startswith("reference/rules/")} == listed
