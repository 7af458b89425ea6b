"""A mail server that we do not control: slow, busy, forgetful; it keeps what it acknowledges, and more.

`python -m tests.campaign.mailbox PLACE PORT SEED`; PLACE/mood.json as for billing.
"""

from __future__ import annotations

import json
import socketserver
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from tests.campaign.outside import Hand, Journal, pick

GONE = "gone-"  # an address that begins so is refused for good
MOST_BAD_TRIES = 3
FAULTS = {
    **dict.fromkeys(("slow", "421-mail", "451-rcpt", "451-data", "drop-before"), 0.06),
    **dict.fromkeys(("drop-after", "lost-after"), 0.02),
    **dict.fromkeys(("kill-before", "kill-after"), 0.025),
}


class Box(socketserver.ThreadingTCPServer):
    """What was kept, and how often each address was tried."""

    daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

    def __init__(self, place: Path, port: int, seed: str) -> None:
        self.place, self.seed, self.hand = place, seed, Hand(place)
        self.journal = Journal(place / "mails.jsonl")
        self.tries: dict[str, int] = {}
        super().__init__(("127.0.0.1", port), Talk)

    def fault(self, to: str) -> str:
        try:
            mood = json.loads((self.place / "mood.json").read_text())
        except (OSError, ValueError):
            mood = {}
        self.tries[to] = n = self.tries.get(to, 0) + 1
        if mood.get("calm") or n > MOST_BAD_TRIES:
            return ""
        return pick(FAULTS, self.seed, "mail", to, n)

    def keep(self, to: str, content: bytes) -> None:
        mail = message_from_bytes(content, policy=policy.default)
        part = mail.get_body(("plain",))
        text = str(part.get_content()) if part else ""
        self.journal.append({"id": mail["Message-ID"], "to": to, "subject": str(mail["Subject"]), "text": text})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that died in the middle is what this is for."""


class Talk(socketserver.StreamRequestHandler):
    server: Box

    def handle(self) -> None:
        self.fault, self.to = "", ""
        self._say("220 ready")
        while line := self.rfile.readline():
            if not self._one(line.decode("utf-8", "replace").strip()):
                return

    def _one(self, line: str) -> bool:
        verb = line.split(":")[0].upper()
        if verb == "RCPT TO":
            return self._rcpt(line.split("<")[1].split(">")[0])
        if verb == "DATA":
            return self._data()
        self._say("221 bye" if verb == "QUIT" else "250 ok")
        return verb != "QUIT"

    def _rcpt(self, to: str) -> bool:
        self.to = to
        if to.startswith(GONE):
            return self._say("550 no such mailbox")
        self.fault = self.server.fault(to)
        if self.fault == "slow":
            time.sleep(0.7)
        if self.fault in ("421-mail", "451-rcpt"):
            self._say(f"{self.fault[:3]} come back later")
            return self.fault == "451-rcpt"
        return self._say("250 ok")

    def _data(self) -> bool:
        self._say("354 go on")
        if self.fault in ("drop-before", "kill-before"):
            if self.fault == "kill-before":
                self.server.hand.kill(self.connection, "mail-kill-before")
            return False
        content = self._content()
        if content is None:
            return False
        if self.fault == "lost-after":
            return False
        if self.fault == "451-data":
            return self._say("451 come back later")
        self.server.keep(self.to, content)
        if self.fault == "kill-after":
            self.server.hand.kill(self.connection, "mail-kill-after")
        return self.fault not in ("drop-after", "kill-after") and self._say("250 kept")

    def _content(self) -> bytes | None:
        """The mail up to its final dot; None when the sender died before it."""
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return None
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, words: str) -> bool:
        self.wfile.write(words.encode() + b"\r\n")
        return True


if __name__ == "__main__":
    Box(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).serve_forever()
