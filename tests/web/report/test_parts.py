"""What the report page's script asks for: cards of dots, things with numbers, the words around a pin, packed files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from tests.web.report.krems import LAMP, lamp

from amends.reports.models import ReportRow
from amends.web.report.offline import MODULES, MORE, SHELL

pytestmark = pytest.mark.django_db
STATIC = Path(settings.STATICFILES_DIRS[0])


def test_a_dot_says_what_was_promised_and_nothing_of_what_is_hidden(browser: Client) -> None:
    browser.post("/report", lamp())
    number = ReportRow.objects.get().number
    for query in (f"number={number}", f"around={LAMP['lat']},{LAMP['long']}"):
        said = browser.get(f"/reports/cards?{query}").content.decode()
        assert "promised by" in said
        assert LAMP["number"] in said
    ReportRow.objects.update(visible=False)
    assert browser.get(f"/reports/cards?number={number}").status_code == 404
    assert "promised" not in browser.get(f"/reports/cards?around={LAMP['lat']},{LAMP['long']}").content.decode()


@pytest.mark.parametrize("query", ["", "number=x", "around=", "around=nan,1", "around=1", "around=1e999,0"])
def test_a_dot_that_is_none_is_told_as_such(browser: Client, query: str) -> None:
    assert browser.get(f"/reports/cards?{query}").status_code == 400


def test_only_layers_that_people_may_choose_from_are_given_out(browser: Client) -> None:
    box = "15.640,48.412,15.645,48.414"
    found = browser.get(f"/report/things/lamps?bbox={box}").json()["features"]
    assert LAMP["id"] in {one["properties"]["asset_id"] for one in found}
    assert browser.get(f"/report/things/addresses?bbox={box}").status_code == 404
    assert browser.get("/report/things/lamps?bbox=nan").status_code == 400


def test_around_a_pin_stand_its_address_and_the_lamps_or_why_it_is_no_place(browser: Client) -> None:
    said = browser.get(
        "/report/around", {"category": "lamp", "lat": LAMP["lat"], "long": LAMP["long"]}
    ).content.decode()
    assert 'data-address="Admonterstraße' in said
    assert f'value="{LAMP["id"]}"' in said
    assert "must be numbers" in browser.get("/report/around?category=lamp&lat=nan&long=1").content.decode()


def test_static_files_go_out_packed_and_are_the_same_unpacked(browser: Client) -> None:
    for name in (*SHELL, *MORE):
        answer = browser.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
        packed = answer.headers.get("Content-Encoding") == "gzip"
        body = answer.content if packed else b"".join(answer.streaming_content)
        assert (gzip.decompress(body) if packed else body) == (STATIC / name).read_bytes()
        assert answer.headers["Content-Length"] == str(len(body))
    first = browser.head(f"/static/{SHELL[0]}", headers={"Accept-Encoding": "gzip"})
    known = {"If-None-Match": first.headers["ETag"], "Accept-Encoding": "gzip"}
    assert browser.get(f"/static/{SHELL[0]}", headers=known).status_code == 304
    assert "Content-Encoding" not in browser.get(f"/static/{SHELL[0]}").headers


def test_every_script_of_the_page_is_kept_by_the_worker(browser: Client) -> None:
    worker = browser.get("/report/sw.js").content.decode()
    page = browser.get("/report").content.decode()
    named = {name for name in MODULES if f'href="/static/{name}"' in page}
    imported = {
        f"report/{line.split('./')[1].split(chr(34))[0]}"
        for script in (STATIC / "report").glob("*.js")
        if script.name in {Path(name).name for name in SHELL}
        for line in script.read_text("utf-8").splitlines()
        if line.startswith("import ") and "./" in line
    }
    assert imported == named == set(MODULES)
    assert all(f'"/static/{name}"' in worker for name in SHELL)


def test_a_category_without_a_group_does_not_stand_under_anothers_heading(browser: Client) -> None:
    path = settings.AMENDS.directory / "categories.yaml"
    before = path.read_text("utf-8")
    told = {
        "{en: Tree, de: Baum}, group: {en: Green, de: Grün}": "{en: Tree, de: Baum}",
        "": "",
    }
    for old, new in told.items():
        path.write_text(before.replace(old, new), "utf-8")
        page = browser.get("/report?lang=en").content.decode()
        heading = page.rfind("<h3>", 0, page.index("<span>Tree"))
        under = page[heading + 4 : page.index("</h3>", heading)]
        assert under == ("Something else" if old else "Green")


def test_on_a_phone_the_map_below_the_list_is_one_step_away(browser: Client) -> None:
    page = browser.get("/reports").content.decode()

    assert page.index('id="to-map" href="#map-part"') < page.index('<ul class="reports">') < page.index('id="map-part"')
    assert '"to-map"' in (STATIC / "report/list.js").read_text("utf-8"), (
        "the script shows it; without one there is no map"
    )
