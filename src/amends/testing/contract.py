"""The contract of connectors as a test suite: subclass `ConnectorContract`, and pytest asks your connector everything.

A class needs three things: `make_standin`, `make_connector` and `make_order`. Nothing here is mocked: your connector
talks to a real socket, whose other end misbehaves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from amends.outbox.records import Connector, Done, Later, NotDone, Order, Refused, Unknown, declared
from amends.testing.standin import FAULTS, RETRY_AFTER_S, StandIn

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SAYS_NOTHING = ("before", "cut", "after", "hang", "drop", "html", "truncated", "other", "huge", "redirect")
BROKEN_LOOKUPS = ("before", "hang", "drop", "html", "truncated", "huge", "redirect", "busy")


def faults(*names: str, by_look_up: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test once for each of these faults, as far as the class's stand-in can play them."""

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        test.faults, test.by_look_up = names, by_look_up  # type: ignore[attr-defined]
        return test

    return mark


class ConnectorContract:
    """Everything that amends relies on. Name the faults that your stand-in cannot play in `cannot_play`."""

    cannot_play: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()  # what must never come back in an answer or a log
    looks_up = True  # False for a connector whose `can_find` is False
    moves_money = False  # then an answer about another amount is no receipt
    effects_per_act = 1

    def make_standin(self) -> StandIn:
        raise NotImplementedError

    def make_connector(self, url: str) -> Connector:
        """Your connector against the stand-in's address, with time-outs of about half a second."""
        raise NotImplementedError

    def make_order(self, key: str) -> Order:
        raise NotImplementedError

    @pytest.fixture
    def standin(self) -> Iterator[StandIn]:
        with self.make_standin() as standin:
            yield standin

    @pytest.fixture
    def connector(self, standin: StandIn) -> Connector:
        return self.make_connector(standin.url)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        asked = getattr(metafunc.function, "faults", ())
        if getattr(metafunc.function, "by_look_up", False) and not self.looks_up:
            metafunc.parametrize("fault", [])
        elif asked:
            metafunc.parametrize("fault", [fault for fault in asked if fault not in self.cannot_play])

    def play(self, standin: StandIn, fault: str, times: int = 1) -> None:
        """Let the first `times` tries of every key go wrong in this way."""
        assert fault in FAULTS
        if fault in self.cannot_play:
            pytest.skip(f"this stand-in cannot play {fault!r}")
        standin.fault = lambda key, tried: fault if tried <= times else ""

    def effects(self, standin: StandIn) -> int:
        return len(standin.journal) // self.effects_per_act

    def test_what_is_done_has_a_ref(self, connector: Connector, standin: StandIn) -> None:
        answer = connector.act(self.make_order("refund:a"), NOW)

        assert isinstance(answer, Done), answer
        assert answer.ref.strip() == answer.ref != ""
        assert len(answer.ref) <= 400
        assert self.effects(standin) == 1

    def test_every_try_carries_the_same_key_and_the_same_words(self, connector: Connector, standin: StandIn) -> None:
        self.play(standin, "before")
        for _ in range(2):
            connector.act(self.make_order("refund:a"), NOW)

        tries = [request for request in standin.requests if standin.changes(request)]
        first = [request for request in tries if (request.path, request.body) == (tries[0].path, tries[0].body)]
        assert len(first) >= 2, "the second try differs from the first"
        assert len({standin.key_of(request) for request in first}) == 1

    def test_two_acts_have_two_keys(self, connector: Connector, standin: StandIn) -> None:
        connector.act(self.make_order("refund:a"), NOW)
        before = set(standin.keys())
        connector.act(self.make_order("refund:b"), NOW)

        assert set(standin.keys()) - before, "two acts were sent under one key"
        assert self.effects(standin) == 2

    @faults(*SAYS_NOTHING)
    def test_an_answer_that_says_nothing_is_unknown_and_never_a_no(
        self, connector: Connector, standin: StandIn, fault: str
    ) -> None:
        self.play(standin, fault)
        answer = connector.act(self.make_order("refund:a"), NOW)

        if isinstance(answer, Done):  # it may have looked for itself, and found what there is
            assert self.effects(standin) == 1
        else:
            assert isinstance(answer, Unknown), f"{fault}: {answer}"

    def test_an_answer_about_another_amount_is_no_receipt(self, connector: Connector, standin: StandIn) -> None:
        if not self.moves_money:
            pytest.skip("moves no money")
        self.play(standin, "wrong amount")

        assert isinstance(connector.act(self.make_order("refund:a"), NOW), Unknown)

    def test_a_no_is_a_no(self, connector: Connector, standin: StandIn) -> None:
        self.play(standin, "refuse")
        answer = connector.act(self.make_order("refund:a"), NOW)

        assert isinstance(answer, Refused), answer
        assert answer.reason
        assert self.effects(standin) == 0

    @faults("busy", "closed")
    def test_asked_to_wait_it_waits_as_long_as_asked(self, connector: Connector, standin: StandIn, fault: str) -> None:
        self.play(standin, fault)
        answer = connector.act(self.make_order("refund:a"), NOW)

        assert isinstance(answer, Later), answer
        assert answer.after_s == RETRY_AFTER_S
        assert self.effects(standin) == 0

    def test_nobody_there_is_later(self) -> None:
        answer = self.make_connector("http://127.0.0.1:9").act(self.make_order("refund:a"), NOW)

        assert isinstance(answer, Later), answer

    def test_it_goes_nowhere_but_to_its_address(self, connector: Connector, standin: StandIn) -> None:
        self.play(standin, "redirect", times=99)
        connector.act(self.make_order("refund:a"), NOW)

        assert not [request for request in standin.requests if "elsewhere" in request.path]

    @faults("echo", "after", "html")
    def test_secrets_stay_where_they_are(
        self, connector: Connector, standin: StandIn, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        self.play(standin, fault)
        words = repr(connector.act(self.make_order("refund:a"), NOW)) + repr(
            connector.find(self.make_order("refund:a"))
        )

        for secret in self.secrets:
            assert secret not in words
            assert secret not in caplog.text

    def test_looked_up_before_anything_was_done(self, connector: Connector, standin: StandIn) -> None:
        found = connector.find(self.make_order("refund:a"))

        assert isinstance(found, NotDone if connector.can_find else Unknown), found
        assert self.effects(standin) == 0, "looking up did something"

    def test_looked_up_after_it_was_done(self, connector: Connector, standin: StandIn) -> None:
        done = connector.act(self.make_order("refund:a"), NOW)
        connector.act(self.make_order("refund:b"), NOW)
        found = connector.find(self.make_order("refund:a"))

        if connector.can_find:
            assert isinstance(found, Done), found
            assert isinstance(done, Done)
            assert found.ref == done.ref
        else:
            assert isinstance(found, Unknown)

    @faults(*BROKEN_LOOKUPS, by_look_up=True)
    def test_a_look_up_that_fails_proves_nothing(self, connector: Connector, standin: StandIn, fault: str) -> None:
        connector.act(self.make_order("refund:a"), NOW)
        standin.lookup_fault = fault

        assert isinstance(connector.find(self.make_order("refund:a")), Unknown)

    @faults(*(fault for fault in FAULTS if fault not in ("refuse", "echo")), by_look_up=True)
    def test_whatever_goes_wrong_once_it_is_done_once(self, connector: Connector, standin: StandIn, fault: str) -> None:
        """The outbox's way: what is unknown is looked up, and only what was never done is tried again."""
        self.play(standin, fault)
        answer = None
        for _ in range(4):
            if isinstance(answer, Unknown):
                found = connector.find(self.make_order("refund:a"))
                answer = found if isinstance(found, Done | Unknown) else None
            if not isinstance(answer, Done | Unknown):
                answer = connector.act(self.make_order("refund:a"), NOW)

        assert self.effects(standin) <= 1
        assert self.may_wait(fault) or (isinstance(answer, Done) and self.effects(standin) == 1), answer

    def may_wait(self, fault: str) -> bool:
        """Whether the other side keeps a faulty answer for so long that four tries do not see the end of it."""
        return False

    def test_it_may_be_used_from_many_threads(self, connector: Connector, standin: StandIn) -> None:
        orders = [self.make_order(f"refund:{n}") for n in range(12)]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda order: connector.act(order, NOW), orders))

        assert [type(answer) for answer in answers] == [Done] * 12
        assert self.effects(standin) == 12

    def test_it_says_who_it_is(self, connector: Connector) -> None:
        assert connector.name == connector.name.strip().lower() != ""
        assert connector.can_find is self.looks_up
        own = declared(connector)
        assert (own.name, own.can_find) == (connector.name, connector.can_find)
        assert own.batch >= 1
        assert own.at_once >= 1
