"""A DEMO mail server: it delivers nowhere, keeps every mail on disk, and shows them on a page. Tests and demos only."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Demo mailbox</title><style>
body{font:15px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}a{color:inherit}
ul{list-style:none;padding:0}li{border-bottom:1px solid #8884;padding:.6rem 0}small{opacity:.7}
pre{white-space:pre-wrap;background:#8881;padding:1rem;border-radius:6px}
iframe{width:100%;height:34rem;border:1px solid #8886;border-radius:6px;background:#fff}</style></head><body>"""


class DemoMailbox:
    """Mails as files, written to disk before they are acknowledged; `answer(to, times)` may refuse, as a server can."""

    def __init__(self, directory: Path, answer: Callable[[str, int], str] | None = None, durable: bool = True) -> None:
        self.directory = directory
        self.answer = answer or (lambda to, times: "")
        self.durable = durable  # also through a power cut; without it only through the death of any process
        self.times: dict[str, int] = {}
        self.lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        self.kept = len(list(directory.glob("*.eml")))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        to = envelope.rcpt_tos[0]
        self.times[to] = self.times.get(to, 0) + 1
        verdict = self.answer(to, self.times[to])
        if verdict.startswith(("4", "5")):
            return verdict
        content = envelope.content
        self._keep(content if isinstance(content, bytes) else str(content).encode())
        if verdict == "drop":
            cast(Any, server.transport).abort()
        return "250 kept"

    def _keep(self, content: bytes) -> None:
        with self.lock:
            self.kept += 1
            path = self.directory / f"{self.kept:06d}.eml"
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())

    def mails(self) -> list[EmailMessage]:
        """Every mail, oldest first."""
        return [self._read(path) for path in sorted(self.directory.glob("*.eml"))]

    @staticmethod
    def _read(path: Path) -> EmailMessage:
        return message_from_bytes(path.read_bytes(), policy=policy.default)

    def index(self) -> str:
        items = [
            f'<li><a href="/mail/{number}"><strong>{escape(mail["subject"])}</strong></a><br>'
            f"<small>to {escape(mail['to'])} · {escape(mail['date'])}</small></li>"
            for number, mail in list(enumerate(self.mails(), 1))[::-1][:300]
        ]
        note = "<p><small>A demo part: it stands where a mail server would stand, and delivers nowhere.</small></p>"
        listed = f"<ul>{''.join(items)}</ul>" if items else "<p>No mail yet.</p>"
        return f"{HEAD}<h1>Demo mailbox</h1>{note}{listed}</body></html>"

    def show(self, number: int) -> str:
        mail = self.mails()[number - 1]
        head = "".join(f"<br><small>{escape(n)}: {escape(v)}</small>" for n, v in mail.items() if n != "Content-Type")
        plain = mail.get_body(("plain",))
        text = escape(plain.get_content()) if plain else ""
        return (
            f'{HEAD}<p><a href="/">All mails</a></p><h1>{escape(mail["subject"])}</h1><p>{head}</p>'
            f'<iframe sandbox="allow-popups" src="/mail/{number}.html" title="The mail as HTML"></iframe>'
            f"<h2>As plain text</h2><pre>{text}</pre></body></html>"
        )

    def html(self, number: int) -> str:
        part = self.mails()[number - 1].get_body(("html",))
        return str(part.get_content()) if part else ""


class _Page(BaseHTTPRequestHandler):
    box: DemoMailbox

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a demo's terminal belongs to the demo."""

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.removeprefix("/mail/").strip("/")
        number = name.removesuffix(".html")
        try:
            if not name:
                body = self.box.index()
            elif name.endswith(".html"):
                body = self.box.html(int(number))
            else:
                body = self.box.show(int(number))
        except (ValueError, IndexError):
            self.send_error(404)
            return
        raw = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def start(box: DemoMailbox, smtp_port: int = 0, page_port: int = 0) -> tuple[Controller, str, str]:
    """Start both; the SMTP controller, its smtp:// address and the page's http:// address."""
    controller = Controller(box, hostname="127.0.0.1", port=smtp_port or _free_port(), data_size_limit=2**22)
    controller.start()
    handler = type("Page", (_Page,), {"box": box})
    server = ThreadingHTTPServer(("127.0.0.1", page_port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="demo-mailbox").start()
    return controller, f"smtp://127.0.0.1:{controller.port}", f"http://127.0.0.1:{server.server_address[1]}"


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
