"""The desk's reports: one queue by promise at risk; every act is a POST under the operator's name."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from tests.reports.town import ann, intake

from amends.reports import album, crews, merging, moderation, queries, steps
from amends.reports.models import PhotoRow, ReportRow
from amends.reports.records import Privacy, Report, Reporter, State
from amends.web.desk import reports_bulk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = datetime.now(UTC)


def received(form: str = "f", category: str = "lamp", ago: timedelta = timedelta(), **more: object) -> Report:
    return steps.receive(intake(form, category, **more), NOW - ago)


def now_of(report: Report) -> Report:
    found = queries.one(report.number)
    assert found
    return found


def post(client: Client, path: str, **fields: object) -> str:
    """POST and read the page that follows."""
    response = client.post(f"/desk/reports/{path}", fields, follow=True)
    return response.content.decode()


# Who may


def test_a_stranger_signs_in_and_who_only_reads_may_not_act() -> None:
    number = received().number
    assert Client().get("/desk/reports").status_code == 302

    reader = Client()
    reader.force_login(User.objects.create_user("reader", is_staff=True))
    assert reader.get(f"/desk/reports/{number}").status_code == 200
    for path in (f"{number}/move", f"{number}/split", "bulk", "undo", "ban", "crews/link", "new"):
        assert reader.post(f"/desk/reports/{path}").status_code == 403, path


def test_an_act_is_a_post_with_a_token(eva: Client) -> None:
    number = received().number
    assert eva.get(f"/desk/reports/{number}/move").status_code == 405

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="eva"))
    assert strict.post(f"/desk/reports/{number}/move", {"to": "scheduled"}).status_code == 403
    assert now_of(received()).state is State.RECEIVED


# The queue


def test_what_is_most_at_risk_comes_first_and_late_before_later(eva: Client) -> None:
    late, early = received("late", ago=timedelta(days=20)), received("early")
    risky, none = received("risky", "pothole"), received("none", "tree")
    ReportRow.objects.filter(pk=risky.number).update(risk=0.9)
    page = eva.get("/desk/reports").content.decode()
    places = [page.index(f'data-number="{one.number}"') for one in (late, risky, early, none)]

    assert places == sorted(places)
    assert "at risk 90%" in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("category=tree", {"tree"}),
        ("body=roads", {"hole"}),
        ("state=scheduled", {"tree"}),
        ("standing=late", {"old"}),
        ("standing=no+target", {"tree"}),
        ("mine=1", {"hole"}),
        ("q=branch", {"tree"}),
        ("standing=over", {"done"}),
        ("state=fixed", {"done"}),
        ("category=nonsense", set()),
        ("state=nonsense&standing=nonsense&page=x&order=y", {"tree", "hole", "old"}),
    ],
)
def test_filters_narrow_it(eva: Client, query: str, wanted: set[str]) -> None:
    found = {
        "tree": received("1", "tree", description="A branch"),
        "hole": received("2", "pothole"),
        "old": received("3", ago=timedelta(days=20)),
        "done": received("4"),
    }
    steps.move(found["tree"].number, State.SCHEDULED, who="eva", now=NOW)
    steps.change(found["hole"].number, who="eva", now=NOW, assignee="eva")
    steps.move(found["done"].number, State.FIXED, who="eva", now=NOW)
    page = eva.get(f"/desk/reports?{query}").content.decode()

    assert {name for name, one in found.items() if f'data-number="{one.number}"' in page} == wanted


def test_a_number_finds_its_report(eva: Client) -> None:
    report = received("1")
    received("2")
    page = eva.get(f"/desk/reports?q={report.number}").content.decode()

    assert page.count("data-number") == 1


# One report


def test_a_reports_page_tells_its_whole_story(eva: Client) -> None:
    report = received(reporter=ann(), description="<script>alert(1)</script> dark")
    steps.pause(report.number, "weather", "A storm", who="eva", now=NOW)
    steps.move(report.number, State.RECEIVED, who="eva", now=NOW, note="he is deaf", public=False)
    page = eva.get(f"/desk/reports/{report.number}").content.decode()

    for said in ("A storm", "he is deaf", "Ann", "ann@example.org".replace("ann", "Ann"), "staff only"):
        assert said in page
    assert "<script>alert" not in page
    assert eva.get("/desk/reports/404404").status_code == 404


def test_only_moves_that_may_be_are_offered_and_reasons_are_asked_for(eva: Client) -> None:
    report = received()
    assert "say in words why" in post(eva, f"{report.number}/move", to="closed without repair")
    assert "It is fixed now." in post(eva, f"{report.number}/move", to="fixed", words="New lamp")

    page = eva.get(f"/desk/reports/{report.number}").content.decode()
    assert '<option value="reopened">' in page
    assert '<option value="scheduled">' not in page
    assert queries.history([report.number])[report.number][-1].who == "eva"


def test_a_better_promise_is_told_and_a_worse_one_changes_nothing(eva: Client) -> None:
    report = received()
    assert "the promise stays" in post(eva, f"{report.number}/change", category="pothole", severity="")
    assert "better and holds" in post(eva, f"{report.number}/change", category="lamp", severity="severe")
    assert "Nothing was different" in post(eva, f"{report.number}/change", category="lamp", severity="severe")


def test_bad_places_and_numbers_are_refused_in_words(eva: Client) -> None:
    number = received().number
    for lat in ("nan", "1e999", "0x10", "91", "48,41"):
        assert "Not done: lat" in post(eva, f"{number}/change", lat=lat, long="15.6"), lat
    for into in ("x", "²", str(number), "404404", "9" * 40):
        assert "Not done:" in post(eva, f"{number}/merge", into=into)


def test_a_slipping_promise_gets_a_new_date_and_a_pause_is_lifted(eva: Client) -> None:
    report = received()
    assert "new date is told" in post(eva, f"{report.number}/clock", do="anew", due_on="2099-01-01", words="A part")
    assert "2026-12-01" in post(eva, f"{report.number}/clock", do="anew", due_on="soon", words="A part")
    assert "stands still" in post(eva, f"{report.number}/clock", do="pause", why="weather", words="A storm")
    assert "runs again" in post(eva, f"{report.number}/clock", do="resume")


def test_put_together_apart_and_in_parts(eva: Client) -> None:
    first, second = received("1"), received("2")
    assert "takes over" in post(eva, f"{second.number}/merge", into=f"#{first.number}")
    assert now_of(second).duplicate_of == first.number
    assert "Taken apart" in post(eva, f"{second.number}/unmerge")

    split = post(eva, f"{first.number}/split", category=["tree", "lamp"], description=["A branch", " "])
    assert "have the promise of this report" in split
    assert ReportRow.objects.get(split_from=first.number).category == "tree"


def test_a_crew_brings_its_body_and_a_stranger_is_none(eva: Client) -> None:
    report = received(category="pothole")
    post(eva, f"{report.number}/assign", crew="north", body="roads")
    assert (now_of(report).body, now_of(report).crew) == ("works", "north")
    assert "no crew" in post(eva, f"{report.number}/assign", crew="west")

    post(eva, f"{report.number}/assign", me="1")
    assert now_of(report).assignee == "eva"
    assert queries.history([report.number])[report.number][-1].kind != "routing"  # for staff only


def test_a_hidden_category_is_published_after_a_look(eva: Client) -> None:
    report = received(category="graffiti")
    assert str(report.number) in eva.get("/desk/reports/moderation").content.decode()
    post(eva, f"{report.number}/show", do="publish")
    assert (now_of(report).visible, now_of(report).state) == (True, State.RECEIVED)

    assert "say why" in post(eva, f"{report.number}/show", do="hide", words=" ")
    post(eva, f"{report.number}/show", do="hide", words="names a neighbour")
    assert now_of(report).hidden_why == "names a neighbour"
    assert "names a neighbour" in eva.get("/desk/reports/moderation").content.decode()


# On behalf of callers


def test_a_caller_is_taken_in_with_a_promise_once(eva: Client) -> None:
    said = {"category": "lamp", "description": "Dark", "where": "Hauptstraße 1", "phone": "+43 660 1", "form": "d1"}
    assert "promised by" in post(eva, "new", **said)
    post(eva, "new", **said)
    report = ReportRow.objects.get()

    assert (report.source, report.privacy, report.customer_id[:9]) == ("phone", Privacy.PRIVATE, "resident_")


# Many at once


def test_many_at_once_are_summed_up_first_and_what_fails_is_named(eva: Client) -> None:
    open_one, closed = received("1"), received("2")
    steps.move(closed.number, State.FIXED, who="eva", now=NOW)
    asked = {"number": [open_one.number, closed.number, 404404], "do": "move", "to": "scheduled", "words": "Soon"}
    summary = post(eva, "bulk", **asked)
    assert "Do it for 1" in summary
    assert now_of(open_one).state is State.RECEIVED

    done = post(eva, "bulk", **asked, sure="yes")
    assert "Done for 1 report." in done
    assert f"{closed.number}: a report that is fixed cannot" in done
    assert "404404: there is no such report" in done
    assert now_of(open_one).state is State.SCHEDULED


def test_a_standard_text_speaks_the_language_of_each_report(eva: Client) -> None:
    german, english, tree = received("1", locale="de"), received("2", locale="en"), received("3", "tree")
    numbers = [german.number, english.number, tree.number]
    done = post(eva, "bulk", number=numbers, do="move", to="scheduled", template="scheduled", sure="yes")

    assert now_of(german).status_notes.startswith("Ein Trupp")
    assert now_of(english).status_notes.startswith("A crew")
    assert f"{tree.number}: its category has no standard text" in done


def test_closing_and_assigning_can_be_taken_back_within_a_minute(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    report = received()
    post(eva, "bulk", number=report.number, do="move", to="fixed", sure="yes")
    assert "Taken back for 1" in post(eva, "undo")
    assert (now_of(report).state, now_of(report).kept) == (State.REOPENED, None)

    post(eva, "bulk", number=report.number, do="route", crew="north", sure="yes")
    post(eva, "undo")
    assert now_of(report).crew == ""

    post(eva, "bulk", number=report.number, do="assign", assignee="bob", sure="yes")
    monkeypatch.setattr(reports_bulk, "UNDO_S", -1)
    assert "within a minute only" in post(eva, "undo")
    assert now_of(report).assignee == "bob"


def test_nothing_marked_or_nothing_chosen_does_nothing(eva: Client) -> None:
    assert "mark the reports first" in post(eva, "bulk", do="assign")
    assert "choose what to do" in post(eva, "bulk", number=received().number)


# Photos


def kept_photo(report: Report) -> str:
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(out, "JPEG")
    name = album._write(out.getvalue())
    PhotoRow.objects.create(name=name, report=report.number, width=200, height=100, at=NOW)
    return name


def test_a_face_is_blackened_for_good_and_the_log_says_so(eva: Client) -> None:
    report = received()
    name = kept_photo(report)
    assert eva.get(f"/desk/reports/photo/{name}").status_code == 200
    post(eva, f"{report.number}/blacken", photo=name, boxes="0 0 50 50\n90, 90, 10, 10", words="a face")

    (photo,) = queries.photos_of([report.number])[report.number]
    picture = Image.open(album.path(photo.name))
    assert picture.getpixel((10, 10))[0] < 16  # type: ignore[index]
    assert picture.getpixel((195, 10))[0] > 240  # type: ignore[index]
    assert not album.path(name).exists()
    assert eva.get(f"/desk/reports/photo/{name}").status_code == 404
    assert [(one.who, one.why, len(one.boxes)) for one in moderation.redactions_of(report.number)] == [
        ("eva", "a face", 2)
    ]


@pytest.mark.parametrize("boxes", ["", "1 2 3", "a b c d", "0 0 0 9", "nan 0 9 9", "-1 0 9 9", "0 0 999 9"])
def test_parts_that_are_none_blacken_nothing(eva: Client, boxes: str) -> None:
    report = received()
    name = kept_photo(report)

    assert "Not done" in post(eva, f"{report.number}/blacken", photo=name, boxes=boxes, words="a face")
    assert album.path(name).exists()


def test_a_nul_in_a_field_is_no_photo_and_no_ban(eva: Client) -> None:
    number = received().number
    for path, form in (
        (f"{number}/show", {"do": "photo-hide", "photo": "a\0"}),
        (f"{number}/blacken", {"photo": "a\0"}),
        ("ban", {"lift": "a\0"}),
    ):
        refused = eva.post(f"/desk/reports/{path}", form)
        assert (refused.status_code, b"a NUL character" in refused.content) == (400, True)


def test_no_name_leads_out_of_the_album(eva: Client) -> None:
    for name in ("..%2F..%2Fsecret_key", "x.jpg", "secret"):
        assert eva.get(f"/desk/reports/photo/{name}").status_code == 404


def test_the_desk_closes_with_a_photo_of_the_work(eva: Client) -> None:
    report, out = received(), io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(out, "JPEG")
    picture = SimpleUploadedFile("done.jpg", out.getvalue(), "image/jpeg")
    no_picture = SimpleUploadedFile("done.jpg", b"<svg/>", "image/jpeg")

    assert "Not done" in post(eva, f"{report.number}/move", to="fixed", photo=no_picture)
    assert now_of(report).state is State.RECEIVED
    post(eva, f"{report.number}/move", to="fixed", words="A new bulb", photo=picture)

    (photo,) = queries.photos_of([report.number])[report.number]
    assert (now_of(report).state, photo.kind, photo.who) == (State.FIXED, "after", "eva")


# Crews


def crew_of(name: str = "north") -> str:
    return f"/crew/{crews.renew(name, who='eva', now=NOW)}"


def test_a_crew_sees_its_own_work_by_due_time_and_takes_it(client: Client) -> None:
    pothole, lamp, other = received("1", "pothole"), received("2", answers=(("WHAT", ("dark",)),)), received("3")
    for one in (pothole, lamp):
        steps.change(one.number, who="eva", now=NOW, crew="north")
    path = crew_of()
    page = client.get(path).content.decode()
    assert page.index(f"{lamp.number} Street light") < page.index(f"{pothole.number} Pothole")
    assert client.get(f"{path}/{other.number}").status_code == 404

    page = client.get(f"{path}/{lamp.number}").content.decode()
    assert "<dt>WHAT</dt><dd>dark</dd>" in page, "the crew reads what was asked and answered"

    client.post(f"{path}/{lamp.number}", {"do": "take"})
    assert now_of(lamp).state is State.IN_PROGRESS
    assert queries.history([lamp.number])[lamp.number][-1].who == "crew north"


def test_what_cannot_be_done_needs_a_because(client: Client) -> None:
    report = received()
    steps.change(report.number, who="eva", now=NOW, crew="north")
    path = f"{crew_of()}/{report.number}"
    refused = client.post(path, {"do": "cannot"})
    assert (refused.status_code, "because of what" in refused.content.decode()) == (422, True)

    client.post(path, {"do": "cannot", "words": "The mast is private"})
    assert (now_of(report).state, now_of(report).kept) == (State.NOT_FIXED, False)
    assert client.post(path, {"do": "nonsense"}).status_code == 422


def test_a_renewed_or_revoked_link_is_worthless(client: Client) -> None:
    old = crew_of()
    new = crew_of()
    assert [client.get(path).status_code for path in (old, new, new[:-1], "/crew/x")] == [404, 200, 404, 404]
    assert client.get(new).headers["Referrer-Policy"] == "no-referrer"

    crews.revoke("north", who="eva", now=NOW)
    assert client.get(new).status_code == 404


def test_the_desk_makes_links_for_crews_that_there_are(eva: Client) -> None:
    assert "/crew/" in post(eva, "crews/link", crew="north")
    assert "no crew west" in post(eva, "crews/link", crew="west")
    assert "worthless" in post(eva, "crews/link", crew="north", do="revoke")


# Routing


def test_a_draft_is_rehearsed_over_last_years_reports(eva: Client) -> None:
    received("1"), received("2"), received("3", "tree")
    draft = "rules:\n  - {name: all lamps, category: [lamp], body: roads}\n  - {category: [batch], crew: south}\n"
    page = post(eva, "routing", draft=draft)

    assert "2 of 3 reports would go another way" in page
    assert "all lamps" in page
    assert now_of(received("1")).body == "works"
    assert "Line 2" in post(eva, "routing", draft="rules:\n  - {body: police}\n")


def test_a_ban_is_made_and_lifted_at_the_desk(eva: Client) -> None:
    post(eva, "ban", address="Troll@example.org", words="insults", days="30")
    (ban,) = moderation.bans(datetime.now(UTC))
    assert "example" not in ban.mark
    assert moderation.refuse("troll@example.org", now=datetime.now(UTC))

    post(eva, "ban", lift=ban.mark)
    assert moderation.refuse("troll@example.org", now=datetime.now(UTC)) is None


def test_a_duplicates_page_leads_to_the_first(eva: Client) -> None:
    first, second = received("1"), received("2", reporter=Reporter(email="b@example.org"))
    merging.merge(second.number, first.number, who="eva", now=NOW)

    assert f'href="/desk/reports/{first.number}"' in eva.get(f"/desk/reports/{second.number}").content.decode()
