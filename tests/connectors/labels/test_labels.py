"""Return labels: read back from the page as a scanner and a person would read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from amends.connectors.labels.connector import ReturnLabels
from amends.connectors.labels.numbers import number_of
from amends.ground.config import Company, Labels
from amends.outbox.records import Connector, Done, Later, NotDone, Order, Refused
from amends.testing import FAULTS, ConnectorContract, StandIn
from amends.testing.contract import NOW

ADDRESS = Labels("Retourenabteilung\nLagerstraße 12\n20357 Hamburg", "DE")
COMPANY = Company(name="Nordlicht Outdoor GmbH", contact_email="hilfe@nordlicht.example")


def order(key: str = "label:a", **payload: Any) -> Order:
    return Order(key, "remedy.label", "labels", "rec_1", "ada", payload)


@pytest.fixture
def labels(tmp_path: Path) -> ReturnLabels:
    return ReturnLabels(tmp_path, COMPANY, ADDRESS)


class OurFolder(StandIn):
    """The outside system is a folder of ours: the journal is its files."""

    def __init__(self, var: Path) -> None:
        self.var = var
        super().__init__()

    @property
    def journal(self) -> Any:
        return sorted((self.var / "labels").glob("*.pdf"))

    @journal.setter
    def journal(self, value: Any) -> None:
        """Files are made by the connector only."""

    def keys(self) -> Any:
        return self.journal


class TestReturnLabels(ConnectorContract):
    cannot_play = frozenset(FAULTS)

    @pytest.fixture(autouse=True)
    def _var(self, tmp_path: Path) -> None:
        self.var = tmp_path

    def make_standin(self) -> StandIn:
        return OurFolder(self.var)

    def make_connector(self, url: str) -> Connector:
        return ReturnLabels(self.var, COMPANY, ADDRESS)

    def make_order(self, key: str) -> Order:
        return order(key)

    def test_every_try_carries_the_same_key_and_the_same_words(self, connector: Connector, standin: StandIn) -> None:
        first = connector.act(self.make_order("label:a"), NOW)
        (made,) = standin.journal
        before = made.read_bytes()
        made.unlink()

        assert connector.act(self.make_order("label:a"), NOW) == first
        assert made.read_bytes() == before

    def test_nobody_there_is_later(self) -> None:
        """There is always somebody: it is our own disk."""


def page(labels: ReturnLabels, act: Order) -> Any:
    done = labels.act(act, NOW)
    assert isinstance(done, Done), done
    number, name = done.ref.split(" ")
    assert number == number_of(act.key)
    return pypdfium2.PdfDocument(labels.folder.parent / name)[0]


def test_a_scanner_reads_the_bars_and_the_square(labels: ReturnLabels) -> None:
    link = "https://care.example.org/yours/abcdefgh.ijkl"
    image = page(labels, order(link=link)).render(scale=3).to_pil()

    found = {str(code.format).rsplit(".")[-1].replace(" ", ""): code.text for code in zxingcpp.read_barcodes(image)}
    assert found["Code128"] == number_of("label:a").replace("-", "")
    assert link in found.values()


def test_a_person_reads_names_amounts_and_where_it_goes(labels: ReturnLabels) -> None:
    sender = ["Zoë Łukasiewicz", "Příčná 7", "11000 Praha", "Ελλάδα Страна"]
    act = order(**{"from": sender}, order_id="2026-118", items=["Shorts, Gr. 44"], locale="de")
    text = page(labels, act).get_textpage().get_text_bounded()

    for words in (*sender, "2026-118", "Shorts, Gr. 44", "Nordlicht Outdoor GmbH", "20357 Hamburg", "DEUTSCHLAND"):
        assert words in text


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "words"),
    [
        (500, "JPY", "en", "¥500"),
        (1250, "KWD", "en", "KWD1.250"),
        (1250, "KWD", "de", "1,250 KWD"),
        (499, "EUR", "en", "€4.99"),
    ],
)
def test_amounts_have_their_currencys_digits(
    labels: ReturnLabels, minor: int, currency: str, locale: str, words: str
) -> None:
    act = order(amount_minor=minor, currency=currency, locale=locale)
    text = page(labels, act).get_textpage().get_text_bounded()

    assert words in text.replace("\u00a0", " ").replace("KWD 1", "KWD1")


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"from": ["山田太郎"]}, "no letters"),
        ({"from": ["אורי"]}, "no letters"),
        ({"from": ["x" * 81]}, "at most"),
        ({"from": ["a"] * 8}, "at most"),
        ({"from": "one line"}, "list of lines"),
        ({"amount_minor": 5, "currency": "XYZ"}, "ISO 4217"),
    ],
)
def test_a_label_that_nobody_could_read_is_refused_in_words(
    labels: ReturnLabels, payload: dict[str, Any], why: str
) -> None:
    answer = labels.act(order(**payload), NOW)

    assert isinstance(answer, Refused), answer
    assert why in answer.reason
    assert isinstance(labels.find(order(**payload)), NotDone)


def test_without_an_address_it_waits(tmp_path: Path) -> None:
    assert isinstance(ReturnLabels(tmp_path, COMPANY, Labels()).act(order(), NOW), Later)


def test_what_is_printed_cannot_leave_its_folder_or_be_read_by_others(labels: ReturnLabels) -> None:
    labels.act(order("label:../../../etc/passwd"), NOW)

    (made,) = labels.folder.rglob("*.*")
    assert made.parent == labels.folder
    assert made.stat().st_mode & 0o077 == 0
