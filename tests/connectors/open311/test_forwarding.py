"""A report goes to the body that runs its own server, once; what is said of it there is taken in once, and in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.connectors.open311.standin import KEY, FarSide
from tests.outbox.working import work
from tests.reports.town import CATEGORIES, ann, at, intake, town

import amends.outbox.queries
import amends.outbox.steps
from amends.connectors.open311.connector import Open311Forwarder
from amends.connectors.open311.far import Far
from amends.ground.config import Config
from amends.outbox.records import ActState
from amends.reports import (
    categories,
    checking,
    forward_words,
    forwarding,
    forwards,
    moderation,
    queries,
    steps,
    updating,
)
from amends.reports.catalogue import Body
from amends.reports.forwards import Told
from amends.reports.models import MoveRow, ReportRow
from amends.reports.records import Move, Privacy, Report, State
from amends.worker import tidying

pytestmark = pytest.mark.django_db
NOON = at("2026-11-23T12:00")
THERE = """\
  roads:
    name: Road office
    open311: {url: "http://127.0.0.1:9", services: {pothole: "17"}, fixed: [Repair done, "060"], listed_within_s: 0}
"""
FILES = CATEGORIES.replace("  roads: {name: Road office}\n", THERE)


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    with town(categories=FILES):
        yield


@pytest.fixture
def there() -> Iterator[FarSide]:
    with FarSide() as standin:
        yield standin


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def received(form: str = "f", category: str = "pothole", now: datetime = NOON, **more: Any) -> Report:
    return steps.receive(intake(form, category, **({"lat": 48.41, "long": 15.61} | more)), now)


def roads() -> Body:
    return next(forwarding.bodies())


def send(now: datetime = NOON + timedelta(seconds=5)) -> int:
    return forwarding.send(now)


def act(report: Report) -> Any:
    return amends.outbox.queries.act(forwards.key(report.number, "roads"))


def deliver(there: FarSide, now: datetime = NOON + timedelta(seconds=9)) -> None:
    body = roads().open311
    assert body
    far = Far("Road office", type(body)(there.url, listed_within_s=0), KEY, timeout_s=5)
    work(Open311Forwarder("open311:roads", far), now)
    forwarding.settle(now)


def passed_on(report: Report, number: str = "SR:1") -> Report:
    ReportRow.objects.filter(pk=report.number).update(external_id=number)
    return one(report)


def one(report: Report) -> Report:
    found = queries.one(report.number)
    assert found
    return found


def moves(report: Report, *, public: bool = True) -> list[Move]:
    return queries.history([report.number], public_only=public)[report.number]


def take(report: Report, status: str, minutes: float = 60, words: str = "", **more: Any) -> Report:
    told = Told("SR:1", more.pop("update_id", f"u-{status}-{minutes}"), status, later(minutes), words, **more)
    updating.take(roads(), [told], later(minutes + 1))
    return one(report)


# Going out


def test_a_report_goes_once_however_often_the_story_turns(there: FarSide) -> None:
    report = received()

    assert (send(), send()) == (1, 0)
    assert one(report).external_id == forwards.ON_ITS_WAY
    deliver(there)
    assert one(report).external_id == "SR:1"
    assert moves(report)[-1].words == "Passed on to Road office. Their number is SR:1."
    assert (send(later(1)), len(there.journal)) == (0, 1)


def test_only_what_is_open_public_and_theirs_goes() -> None:
    received("ours", "lamp")
    received("hidden", hidden=True)
    closed = received("closed")
    steps.move(closed.number, State.FIXED, who="eva", now=NOON)

    assert send() == 0


def test_a_hidden_report_goes_once_somebody_has_let_it_through() -> None:
    report = received(hidden=True)
    send()
    moderation.publish(report.number, who="eva", now=later(1))

    assert send(later(2)) == 1


def test_nothing_goes_that_is_older_than_the_day_from_which_it_shall() -> None:
    with town(categories=FILES.replace("listed_within_s: 0", "since: 2026-11-23")):
        old, new = received("old", now=at("2026-11-23T00:59")), received("new", now=at("2026-11-23T01:00"))
        send()

        assert (act(old), act(new) is None) == (None, False)


@pytest.mark.parametrize(
    ("privacy", "told"),
    [(Privacy.NAMED, {"first_name": "Ann Marie", "last_name": "Ax"}), (Privacy.PRIVATE, {}), (Privacy.ANONYMOUS, {})],
)
def test_of_a_person_no_more_goes_than_everybody_may_see(privacy: Privacy, told: dict[str, str]) -> None:
    who = type(ann())(name="Ann Marie Ax", email="ann@example.org", phone="+431234")
    report = received(reporter=who, privacy=privacy)
    send()
    payload = act(report).payload
    fields = dict(payload["fields"])

    assert {name: fields[name] for name in fields if name.endswith("_name")} == told
    assert not any(secret in str(payload) for secret in ("ann@example.org", "+431234"))
    assert ("Ax" in str(payload)) is bool(told)


def test_a_name_that_was_given_for_one_report_goes_with_no_other() -> None:
    who = type(ann())(name="Ann Ax", email="ann@example.org")
    named, private = received("n", reporter=who, privacy=Privacy.NAMED), received("p", reporter=who)
    send()

    assert ["Ax" in str(act(report).payload) for report in (named, private)] == [True, False]


def test_a_person_who_is_forgotten_takes_only_their_name_along(there: FarSide) -> None:
    from amends.ground.personal import Words
    from amends.outbox import erasing

    report = received(reporter=type(ann())(name="Ann Marie Ax", email="ann@example.org"), privacy=Privacy.NAMED)
    send()
    erasing.erase(Words(report.customer_id, ["Ann Marie Ax", "Ann Marie", "Ax", "ann@example.org"]), later(1))
    deliver(there, later(2))
    said = there.journal[0]["said"]

    assert (said["lat"], said["description"].splitlines()[0]) == ("48.41", "It is dark here")
    assert "Marie" not in str(said)


def test_routed_there_later_it_goes_then_and_routed_back_it_has_its_number_again(there: FarSide) -> None:
    report = received("f", "lamp")
    assert send() == 0
    steps.change(report.number, who="eva", now=later(1), body="roads")
    assert send(later(2)) == 1
    deliver(there, later(3))
    steps.change(report.number, who="eva", now=later(4), body="works")
    steps.change(report.number, who="eva", now=later(5), body="roads")

    assert send(later(6)) == 0
    assert one(report).external_id == "SR:1"


def test_another_body_with_a_server_gets_it_too_and_neither_takes_the_other_ones_number(there: FarSide) -> None:
    water = THERE.replace("roads:", "water:").replace("Road office", "Water works")
    with town(categories=FILES + water):
        report = received()
        send()
        deliver(there)
        steps.change(report.number, who="eva", now=later(1), body="water")
        assert send(later(2)) == 1
        assert one(report).external_id == forwards.ON_ITS_WAY
        assert updating.take(roads(), [Told("SR:1", "9", "FIXED", later(3))], later(3)) == 0
        steps.change(report.number, who="eva", now=later(4), body="roads")
        send(later(5))

    assert one(report).external_id == "SR:1"
    assert len(there.journal) == 1


def test_a_number_that_staff_know_already_is_not_asked_for_again() -> None:
    report = received("f", "lamp")
    steps.change(report.number, who="eva", now=later(1), body="roads", external_id="by telephone 17")

    assert send(later(2)) == 0
    assert one(report).external_id == "by telephone 17"


def test_a_refusal_stands_before_staff_with_its_words_once(there: FarSide) -> None:
    del there.types["17"]
    report = received()
    send()
    for minute in (1, 2):
        deliver(there, later(minute))

    assert act(report).state is ActState.REFUSED
    notes = [move.note for move in moves(report, public=False) if move.note]
    assert notes == ["passing it on to Road office is refused: Road office refused it: service_code is not known here"]
    assert not any("refused" in move.words for move in moves(report))


def test_settled_by_a_person_their_note_is_the_number(there: FarSide) -> None:
    report = received()
    send()
    amends.outbox.steps.settle_by_person(forwards.key(report.number, "roads"), "17/4", "eva", later(1))
    forwarding.settle(later(2))

    assert one(report).external_id == "17/4"


def test_what_was_told_is_forgotten_after_a_month_and_the_number_stays(there: FarSide) -> None:
    report = received()
    send()
    deliver(there)
    for days, left in ((29, True), (31, False)):
        tidying.part(later(60 * 24 * days), 0)
        assert ("It is dark here" in str(act(report).payload)) is left

    assert (act(report).ref, one(report).external_id) == ("SR:1", "SR:1")


def test_what_was_forgotten_is_not_sent_half(there: FarSide) -> None:
    del there.types["17"]
    report = received()
    send()
    deliver(there)
    tidying.part(later(60 * 24 * 31), 0)
    there.types["17"] = "realtime"
    amends.outbox.steps.retry_now(forwards.key(report.number, "roads"), "eva", later(60 * 24 * 32))
    deliver(there, later(60 * 24 * 32))

    assert act(report).last_answer.startswith("what there was to tell has been taken out")
    assert there.journal == []


def test_long_words_leave_room_for_our_mark() -> None:
    report = received(description="x" * 4000)
    send()
    told = act(report).payload
    words = forwards.description(told, ())

    assert len(words) == 4000
    assert words.endswith(told["mark"])


def test_every_report_has_a_mark_and_a_connector_of_its_own() -> None:
    reports = [received(f"f{n}") for n in range(20)]
    send()
    marks = {act(report).payload["mark"] for report in reports}

    assert len(marks) == 20
    assert forwards.connector("roads") == "open311:roads"
    assert forwards.connector("Roads") != forwards.connector("roads")
    assert len(forwards.connector("r" * 63)) <= 40


# Coming in


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *(("OPEN", State.RECEIVED), ("open", State.RECEIVED), ("INVESTIGATING", State.INVESTIGATING)),
        *(("Action scheduled", State.SCHEDULED), ("in_progress", State.IN_PROGRESS), ("FIXED", State.FIXED)),
        *(("fixed - council", State.FIXED), ("closed", State.NOT_FIXED), ("NO_FURTHER_ACTION", State.NOT_FIXED)),
        *(("NOT_COUNCILS_RESPONSIBILITY", State.INVESTIGATING), ("DUPLICATE", State.RECEIVED)),
        *(("whatever", State.RECEIVED), ("", State.RECEIVED)),
    ],
)
def test_what_a_status_means(status: str, state: State) -> None:
    assert take(passed_on(received()), status, words="Their words").state is state


def test_closed_is_not_fixed_and_says_so() -> None:
    report = take(passed_on(received()), "closed", words="Case closed.")

    assert (report.state, report.kept) == (State.NOT_FIXED, False)
    assert report.status_notes == "Case closed.\nRoad office has closed this without saying that it is repaired."


@pytest.mark.parametrize(
    ("words", "code", "state"),
    [
        ("Repair done on Monday.", "", State.FIXED),
        ("repair  DONE", "", State.FIXED),
        ("Repair done-ish", "", State.FIXED),
        ("Repair donee", "", State.NOT_FIXED),
        ("No repair done", "", State.NOT_FIXED),
        ("", "060", State.FIXED),
        ("", "061", State.NOT_FIXED),
    ],
)
def test_closed_is_fixed_where_the_configuration_knows_their_words(words: str, code: str, state: State) -> None:
    assert take(passed_on(received()), "closed", words=words, code=code).state is state


def test_a_repair_by_them_keeps_the_promise() -> None:
    assert take(passed_on(received()), "FIXED").kept is True


def test_the_same_update_is_taken_once() -> None:
    report = passed_on(received())
    told = [Told("SR:1", "7", "IN_PROGRESS", later(5), "We are there"), Told("SR:1", "8", "OPEN", later(6), "Still")]

    assert [updating.take(roads(), told, later(7 + n)) for n in range(3)] == [2, 0, 0]
    assert [move.words for move in moves(report)][1:] == ["We are there", "Still"]


def test_updates_without_an_id_are_told_apart_by_what_they_say() -> None:
    report = passed_on(received())
    for _ in range(2):
        take(report, "OPEN", 5, "One", update_id="")
        take(report, "OPEN", 5, "Two", update_id="")

    assert [move.words for move in moves(report)][1:] == ["One", "Two"]


def test_what_comes_out_of_order_is_told_and_moves_nothing() -> None:
    report = passed_on(received())
    take(report, "FIXED", 30, "Done")
    late = take(report, "IN_PROGRESS", 20, "We have begun")

    assert late.state is State.FIXED
    assert moves(report)[-1].words == "We have begun"
    assert take(report, "REOPEN", 50).state is State.REOPENED


def test_an_older_word_about_an_open_report_moves_it_nowhere() -> None:
    report = passed_on(received())
    take(report, "ACTION_SCHEDULED", 30)

    assert take(report, "INVESTIGATING", 20, "We look").state is State.SCHEDULED
    assert take(report, "IN_PROGRESS", 31).state is State.IN_PROGRESS


def test_in_one_answer_the_order_is_that_of_their_times() -> None:
    report = passed_on(received())
    told = [Told("SR:1", "b", "FIXED", later(9)), Told("SR:1", "a", "INVESTIGATING", later(3))]
    updating.take(roads(), told, later(10))

    assert one(report).state is State.FIXED


def test_what_we_closed_ourselves_is_not_opened_by_older_words() -> None:
    report = passed_on(received())
    steps.move(report.number, State.FIXED, who="eva", now=later(30))

    assert take(report, "OPEN", 20).state is State.FIXED
    assert take(report, "closed", 40, "Closed").state is State.FIXED
    assert take(report, "FIXED", 41).state is State.FIXED


def test_numbers_of_other_bodies_and_of_nobody_change_nothing() -> None:
    ours = passed_on(received("f", "lamp"))
    theirs = passed_on(received("g"), "SR:2")

    assert updating.take(roads(), [Told("SR:1", "1", "FIXED"), Told("SR:3", "2", "FIXED")], later(1)) == 0
    assert [one(ours).state, one(theirs).state] == [State.RECEIVED] * 2


def test_what_cannot_be_shown_is_not() -> None:
    report = passed_on(received())
    take(report, "OPEN", words="a\0\x08b <b>", media_url="javascript:alert(1)", code="x" * 300)
    last = moves(report)[-1]

    assert (last.words, last.media_url, len(last.external_code)) == ("ab <b>", "", 100)


def test_a_photo_of_theirs_is_told() -> None:
    report = passed_on(received())
    take(report, "FIXED", media_url="https://roads.example/after.jpg")

    assert moves(report)[-1].media_url == "https://roads.example/after.jpg"


def test_their_date_stands_beside_ours_and_moves_nothing() -> None:
    report = passed_on(received())
    when = later(60 * 24 * 40)

    assert [updating.expect(roads(), "SR:1", when, later(n)) for n in range(2)] == [1, 0]
    after = one(report)
    assert (after.due_at, after.new_due_at) == (report.due_at, None)
    assert (
        moves(report)[-1].words == "Road office expects to be done by 2 January 2027. What we promised stays as it is."
    )


def test_a_token_gets_its_number_and_staff_hear_where_it_does_not() -> None:
    report = passed_on(received(), "token:T1")
    body = roads()

    assert updating.watched(body, later(1)) == updating.Watched([], ["T1"])
    assert updating.late(body, "T1", later(1)) == 0
    assert [updating.late(body, "T1", later(60 * 24 * n)) for n in (4, 5)] == [1, 0]
    assert updating.resolve(body, "T1", "", later(2)) == 0
    assert updating.resolve(body, "T1", "SR:4", later(2)) == 1
    assert one(report).external_id == "SR:4"
    assert updating.watched(body, later(1)) == updating.Watched(["SR:4"], [])


def test_what_was_closed_long_ago_is_not_asked_for() -> None:
    report = passed_on(received())
    steps.move(report.number, State.FIXED, who="eva", now=later(1))
    body = roads()

    assert updating.watched(body, later(60 * 24 * 29)).ids == ["SR:1"]
    assert updating.watched(body, later(60 * 24 * 31)).ids == []


def test_an_update_never_writes_over_history() -> None:
    report = passed_on(received())
    before = list(MoveRow.objects.filter(report=report.number).values())
    take(report, "FIXED")

    assert list(MoveRow.objects.filter(report=report.number).values())[: len(before)] == before


# What the file says


def test_what_the_file_may_say_of_a_server() -> None:
    with town(
        categories=FILES.replace(
            "listed_within_s: 0",
            "format: xml, listed_within_s: never, idempotent: true, every_s: 60, since: 2026-01-02",
        )
    ):
        there = roads().open311
    assert there
    assert (there.form, there.listed_within_s, there.idempotent, there.every_s) == ("xml", None, True, 60)
    assert (str(there.since), there.fixed) == ("2026-01-02", ("Repair done", "060"))


@pytest.mark.parametrize(
    "wrong", ["format: yaml", "listed_within_s: soon", "listed_within_s: -1", "idempotent: maybe", "since: yesterday"]
)
def test_what_it_may_not_say_is_told_with_its_line(wrong: str) -> None:
    with town(categories=FILES.replace("listed_within_s: 0", wrong)) as here:
        _, mistakes = categories.read_all(here)

    assert [mistake.line for mistake in mistakes] == [FILES[: FILES.index("listed_within_s")].count("\n") + 1]


def test_orders_name_no_recovery() -> None:
    report = received()
    send()
    sent = act(report)

    assert (sent.kind, sent.recovery_id, sent.connector) == (forwards.KIND, "", "open311:roads")


def test_a_strange_category_and_a_missing_key_are_told_with_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADS_KEY", raising=False)
    text = FILES.replace('pothole: "17"', 'potholes: "17"').replace("listed_within_s: 0", "key_env: ROADS_KEY")
    with town(categories=text) as here:
        found = list(checking.check(here, Config(here)))
        monkeypatch.setenv("ROADS_KEY", "k")
        mended = list(checking.check(here, Config(here)))

    assert [(one.line, one.severity) for one in found if one.says.startswith("roads")] == [
        (text[: text.index("open311")].count("\n") + 1, "error"),
        (text[: text.index("open311")].count("\n") + 1, "warning"),
    ]
    assert len(found) - len(mended) == 1


def test_the_history_speaks_the_language_of_the_house(settings: Any) -> None:
    settings.AMENDS = replace(settings.AMENDS, company=replace(settings.AMENDS.company, locale="de-AT"))
    report = passed_on(received())
    updating.expect(roads(), "SR:1", later(60 * 24 * 40), later(1))
    take(report, "closed")

    said = [move.words for move in moves(report)][1:]
    assert said == [
        "Road office rechnet damit, bis zum 2. Januar 2027 fertig zu sein. Was wir zugesagt haben, bleibt, wie es ist.",
        "Road office hat die Meldung geschlossen, ohne zu sagen, dass der Schaden behoben ist.",
    ]


def test_every_sentence_is_there_in_every_language_with_the_same_blanks() -> None:
    blanks = [
        {what: sorted(re.findall(r"{\w+}", text)) for what, text in said.items()}
        for said in forward_words.SAID.values()
    ]

    assert all(each == blanks[0] for each in blanks)
