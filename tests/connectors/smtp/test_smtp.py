"""Mail keeps the contract of connectors, as far as SMTP can."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from typing import Any, Self, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from amends.connectors.smtp.mailer import SmtpMailer, build
from amends.outbox.records import Connector, Order
from amends.testing import FAULTS, ConnectorContract, StandIn, StandInRequest
from amends.testing.contract import NOW

PASSWORD = "p4ss-w0rd"
PLAYED = {"refuse", "hang", "drop", "cut"}


class MailServer(StandIn):
    """An SMTP server (aiosmtpd) that accepts, refuses, or goes away before or after it has taken a mail."""

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}"

    def key_of(self, request: StandInRequest) -> str:
        return request.headers["message-id"]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content)
        headers = {"message-id": str(message["Message-ID"])}
        del message["Date"]  # the only line in which two tries may differ
        self.requests.append(StandInRequest("POST", "/", {}, headers, message.as_bytes()))
        key = headers["message-id"]
        self.seen[key] += 1
        fault = self.fault(key, self.seen[key])
        if fault == "refuse":
            return "550 no such person"
        if fault != "cut":
            self.effect(key)
        if fault:
            cast(Any, server.transport).abort()
        return "250 kept"


class TestMail(ConnectorContract):
    looks_up = False
    cannot_play = frozenset(FAULTS) - PLAYED
    secrets = (PASSWORD,)

    def make_standin(self) -> StandIn:
        return MailServer()

    def make_connector(self, url: str) -> Connector:
        return SmtpMailer(url.replace("http:", "smtp:"), "Care <care@amends.example>", timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        mail = {"to": "ada@viewers.example", "subject": "We are sorry", "text": "Hello", "html": "<p>Hello</p>"}
        return Order(key, "mail.apology", "smtp", "rec_1", "ada", mail | {"message_id": f"<{key[-1]}@amends.example>"})

    def test_every_try_carries_the_same_key_and_the_same_words(self, connector: Connector, standin: StandIn) -> None:
        self.play(standin, "refuse")
        for _ in range(2):
            connector.act(self.make_order("refund:a"), NOW)

        first, second = standin.requests
        assert (first.headers, first.body) == (second.headers, second.body)

    @pytest.mark.parametrize(
        "subject",
        [
            "We have your report: Street light, Untere Landstraße 24, 3500 Krems an der Donau (report 71)",
            "Wir haben den Termin nicht gehalten: Straßenlampe, Austraße 12, 3500 Krems an der Donau (Meldung 71)",
            "We have your report: Pothole, Linke Kremszeile 16, 3500 Krems an der Donau, by the river (report 88)",
            "道路の穴 " * 30,
            "ä" * 300,
        ],
    )
    def test_a_long_subject_arrives_as_it_was_written(self, subject: str) -> None:
        order = self.make_order("a")
        order = order._replace(payload={**order.payload, "subject": subject})

        raw = build(order, "Care <care@amends.example>", NOW)

        assert str(message_from_bytes(raw, policy=policy.default)["Subject"]) == subject.strip()
        unfolded = "".join(str(message_from_bytes(raw)["Subject"]).splitlines())
        assert str(make_header(decode_header(unfolded))) == subject.strip()
        assert max(len(line) for line in raw.split(b"\r\n")) < 100

    def test_a_mail_says_its_language_beside_its_words(self) -> None:
        order = self.make_order("a")
        german = order._replace(payload={**order.payload, "locale": "de_AT"})

        message = message_from_bytes(build(german, "Care <care@amends.example>", NOW))

        assert message["Content-Language"] == "de-AT"
        assert message.get_content_type() == "multipart/alternative"
