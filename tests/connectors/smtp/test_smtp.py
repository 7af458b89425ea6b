"""Mail keeps the contract of connectors, as far as SMTP can."""

from __future__ import annotations

import socket
from email import message_from_bytes
from typing import Any, Self, cast

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

    def test_a_mail_says_its_language_beside_its_words(self) -> None:
        order = self.make_order("a")
        german = order._replace(payload={**order.payload, "locale": "de_AT"})

        message = message_from_bytes(build(german, "Care <care@amends.example>", NOW))

        assert message["Content-Language"] == "de-AT"
        assert message.get_content_type() == "multipart/alternative"
