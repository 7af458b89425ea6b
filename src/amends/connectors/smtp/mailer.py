"""Mail by SMTP. It cannot be exactly once: what may have been accepted is never sent again by itself."""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from amends.outbox.records import Answer, Declaration, Done, Found, Later, Order, Refused, Unknown

TIMEOUT_S = 20
NEW_LINE = "\r\n"
_LEADING_DOT = re.compile(rb"(?m)^\.")  # RFC 5321, 4.5.2
NOT_SET = "no address: set AMENDS_SMTP_URL; the mail waits and is tried again"
NOT_SET_WAIT_S = 30.0


class _Unfolded(EmailPolicy):
    """Headers of lists stand on one line: what cannot be broken would be encoded, and no mail program reads that.

    Subjects are folded by the older `Header`; the newer way loses and adds spaces at encoded words.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.startswith("List-"):
            return f"{name}: {value}\r\n".encode("ascii")
        if name == "Subject":
            charset = "ascii" if str(value).isascii() else "utf-8"
            return f"{name}: {Header(str(value), charset, header_name=name).encode(linesep=NEW_LINE)}\r\n".encode(
                "ascii"
            )
        return super().fold_binary(name, value)


POLICY = _Unfolded() + SMTP


class SmtpMailer:
    """Sends composed mails; one connection per thread is kept while it works."""

    name = "smtp"
    can_find = False
    declaration = Declaration("smtp", batch=10)  # few, because all that are on their way at a kill stand in doubt

    def __init__(self, url: str, sender: str, timeout_s: float = TIMEOUT_S) -> None:
        self.parts = urlsplit(url) if url else None
        self.sender = sender
        self.timeout_s = timeout_s
        self._own = threading.local()

    def act(self, order: Order, now: datetime) -> Answer:
        if self.parts is None:
            return Later(NOT_SET, NOT_SET_WAIT_S)
        try:
            message = build(order, self.sender, now)
        except ValueError as error:
            return Refused(f"this mail cannot be sent: {error}")
        try:
            server = self._server()
        except (OSError, smtplib.SMTPException) as error:
            return Later(f"the mail server cannot be reached: {error}")
        answer = _deliver(server, message, parseaddr(self.sender)[1], str(order.payload["to"]))
        if not isinstance(answer, Done):
            self._drop()
        return answer

    def find(self, order: Order) -> Found:
        return Unknown("mail cannot be looked up")

    def _server(self) -> smtplib.SMTP:
        """This thread's connection, checked; a new one where it has gone."""
        server: smtplib.SMTP | None = getattr(self._own, "server", None)
        if server is not None:
            try:
                if server.noop()[0] == 250:
                    return server
            except (OSError, smtplib.SMTPException):
                pass
            self._drop()
        self._own.server = self._connect()
        return self._own.server  # type: ignore[no-any-return]

    def _connect(self) -> smtplib.SMTP:
        assert self.parts is not None
        host = self.parts.hostname or "localhost"
        if self.parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self.parts.port or 465, timeout=self.timeout_s, context=_tls()
            )
        else:
            server = smtplib.SMTP(host, self.parts.port or 25, timeout=self.timeout_s)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=_tls())
                server.ehlo()
        if self.parts.username:
            server.login(unquote(self.parts.username), unquote(self.parts.password or ""))
        return server

    def _drop(self) -> None:
        server = getattr(self._own, "server", None)
        self._own.server = None
        if server is not None:
            server.close()


@cache
def _tls() -> ssl.SSLContext:
    """Whom to trust: read once, and only where a server speaks TLS."""
    return ssl.create_default_context()


def _deliver(server: smtplib.SMTP, message: bytes, sender: str, to: str) -> Answer:
    """MAIL, RCPT, DATA by hand: what was refused before the final dot was certainly not sent."""
    try:
        for code, reply in _envelope(server, sender, to):
            if code not in (250, 251, 354):
                return _negative(code, reply)
    except (OSError, smtplib.SMTPException) as error:
        return Later(f"the mail server went away before the mail was handed over: {error}")
    try:
        server.send(_LEADING_DOT.sub(b"..", message).removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, reply = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Unknown(f"the connection broke after the mail was handed over: {error}")
    if code == 250:
        return Done(reply.decode("utf-8", "replace")[:200])
    return _negative(code, reply)


def _envelope(server: smtplib.SMTP, sender: str, to: str) -> Iterator[tuple[int, bytes]]:
    yield server.mail(sender)
    yield server.rcpt(to)
    server.putcmd("data")
    yield server.getreply()


def _negative(code: int, reply: bytes) -> Answer:
    words = f"{code} {reply.decode('utf-8', 'replace')[:200]}"
    if 400 <= code < 500:
        return Later(f"the mail server asks to wait: {words}")
    return Refused(f"the mail server refused it: {words}")


def build(order: Order, sender: str, now: datetime) -> bytes:
    """The mail as bytes, the same for every try but for its Date. ValueError when an address cannot be."""
    payload: Any = order.payload
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = payload["message_id"]
    message["From"] = _address(sender)
    message["To"] = _address(str(payload["to"]))
    message["Subject"] = " ".join(str(payload["subject"]).split())
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if payload.get("references"):
        message["References"] = " ".join(payload["references"])
        message["In-Reply-To"] = payload["references"][-1]
    for name, value in payload.get("headers", {}).items():  # List-Unsubscribe and its like (RFC 2369, RFC 8058)
        message[name] = str(value)
    message.set_content(str(payload["text"]), cte="quoted-printable")
    message.add_alternative(str(payload["html"]), subtype="html", cte="quoted-printable")
    boundary = hashlib.sha256(order.key.encode()).hexdigest()[:32]
    message.set_boundary(f"amends-{boundary}")
    message["Content-Language"] = str(payload.get("locale", "en")).replace("_", "-")  # setting content takes it away
    return message.as_bytes()


def _address(text: str) -> Address:
    name, spec = parseaddr(text)
    user, at, domain = spec.rpartition("@")
    if not at or not user or not domain or any(c in spec for c in " \r\n\t,;<>"):
        raise ValueError(f"{text[:100]!r} is not a mail address such as name@example.org")
    return Address(name, user, domain.encode("idna").decode() if not domain.isascii() else domain)
