"""Asking to follow, confirming, being told and ending: limits hold, and nobody is told who did not confirm."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.reports.town import at, intake

from amends.reports import following, steps
from amends.reports.follows import Asked, News, What, Wish, for_one
from amends.reports.records import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")
LAMPS = Wish(What.CATEGORY, category="lamp")
HERE = Wish(What.PLACE, lat=48.41, long=15.60, radius_m=250, place="Ringstraße 4")


def confirmed(wish: Wish, email: str = "bea@example.org", now: datetime = NOW) -> following.Follow:
    following.ask(wish, email, "en", now)
    found = following.confirm(wish.follow_id(steps.resident(steps.Reporter(email=email))), now)
    assert found is not None
    return found


def news_of(follow: following.Follow) -> list[int]:
    return [item.number for item in for_one([follow], following.news(follow.read_upto, 10**9))]


def test_asking_ten_times_is_asking_once() -> None:
    asked = [following.ask(LAMPS, " Bea@Example.org", "de", NOW) for _ in range(10)]

    assert asked == [Asked.WRITTEN, *[Asked.KNOWN] * 9]
    assert len(following.to_confirm(100)) == 1


def test_one_address_is_written_to_three_times_a_day_and_no_more() -> None:
    wishes = [replace(HERE, radius_m=radius) for radius in (100, 250, 500, 1000)]

    asked = [following.ask(wish, "bea@example.org", "en", NOW) for wish in wishes]
    tomorrow = following.ask(wishes[3], "bea@example.org", "en", NOW + timedelta(days=1, seconds=1))

    assert asked == [*[Asked.WRITTEN] * 3, Asked.ENOUGH]
    assert tomorrow is Asked.WRITTEN


def test_one_network_address_cannot_ask_for_many_people() -> None:
    asked = [following.ask(LAMPS, f"p{n}@example.org", "en", NOW, asked_from="net") for n in range(21)]

    assert asked == [*[Asked.WRITTEN] * 20, Asked.TOO_MANY]
    assert following.ask(LAMPS, "other@example.org", "en", NOW, asked_from="elsewhere") is Asked.WRITTEN


def test_who_does_not_confirm_is_forgotten_after_seven_days() -> None:
    following.ask(LAMPS, "bea@example.org", "en", NOW)

    assert following.forget(NOW + timedelta(days=7), 100) == []
    assert [follow.email for follow in following.forget(NOW + timedelta(days=7, seconds=1), 100)] == ["bea@example.org"]
    assert following.confirm(LAMPS.follow_id(steps.resident(steps.Reporter(email="bea@example.org"))), NOW) is None


def test_confirming_twice_is_confirming_once_and_ending_leaves_nothing() -> None:
    first = confirmed(LAMPS)
    again = following.confirm(first.follow_id, NOW + timedelta(days=1))

    assert again == first
    assert following.ask(LAMPS, "bea@example.org", "en", NOW + timedelta(days=2)) is Asked.KNOWN
    assert following.end([first.follow_id]) == 1
    assert following.of_customer(first.customer_id) == []


def test_a_place_hears_of_what_lies_within_its_radius_and_nothing_from_before() -> None:
    before = steps.receive(intake("f0", lat=48.41, long=15.60), NOW - timedelta(hours=1))
    follow = confirmed(HERE)
    near = steps.receive(intake("f1", lat=48.4115, long=15.60), NOW + timedelta(hours=1))  # 167 m
    steps.receive(intake("f2", lat=48.4130, long=15.60), NOW + timedelta(hours=1))  # 333 m
    steps.receive(intake("f3"), NOW + timedelta(hours=1))  # without a place

    assert news_of(follow) == [near.number]
    steps.move(before.number, State.FIXED, who="x", now=NOW + timedelta(hours=2))
    assert news_of(follow) == [before.number, near.number]


def test_what_is_not_public_is_no_news() -> None:
    follow = confirmed(Wish(What.CATEGORY, category="graffiti"))
    steps.receive(intake("hidden", "graffiti"), NOW + timedelta(hours=1))  # waits for a look
    lamps = confirmed(LAMPS)
    lamp = steps.receive(intake("lamp"), NOW + timedelta(hours=1))
    assert news_of(lamps) == [lamp.number]

    steps.move(lamp.number, State.SCHEDULED, who="x", now=NOW + timedelta(hours=2), public=False)
    steps.me_too(lamp.number, "other", steps.Reporter(), NOW + timedelta(hours=2))

    assert news_of(follow) == []
    assert [len(item.moves) for item in for_one([lamps], following.news(lamps.read_upto, 10**9))] == [1]


def test_a_report_followed_twice_over_is_told_once_and_first_where_it_is_followed_itself() -> None:
    lamp = steps.receive(intake("one"), NOW)
    follows = [confirmed(LAMPS), confirmed(Wish(What.REPORT, report=lamp.number))]
    later = NOW + timedelta(hours=1)
    steps.move(lamp.number, State.SCHEDULED, who="x", now=later)
    other = steps.receive(intake("two"), later)

    found = for_one(follows, following.news(0, 10**9))

    assert [item.number for item in found] == [lamp.number, other.number]


def test_news_of_nothing_is_nothing() -> None:
    assert [News([]).of(wish) for wish in (LAMPS, HERE, Wish(What.AREA, area="x"), Wish(What.REPORT, report=1))] == [
        []
    ] * 4


def test_a_link_that_was_tampered_with_is_none_of_ours() -> None:
    token = following.token(following.ONE, "foll_x")
    assert following.read_token(token) == ("one", "foll_x")

    with pytest.raises(following.BadToken):
        following.read_token(token.replace("one", "all", 1))
