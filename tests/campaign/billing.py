"""A billing side that we do not control: its own process, its own journal, honest about keys, and otherwise a bad day.

`python -m tests.campaign.billing PLACE PORT SEED`. What it does wrong depends on seed, key and number of the try only.
PLACE/mood.json says how bad the day is: {"calm": true}, {"ignore_keys": true}, {"key_window_s": 0},
{"always": ["kill-before", "kill-after"]} (the acts take turns, in the order in which they come),
{"acts": 6} (so many of them; afterwards all is well).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.campaign.outside import Hand, Journal, pick

KEY_WINDOW_S = 24 * 3600  # afterwards a key is forgotten, as Stripe and others do; look-ups still find it
MOST_BAD_TRIES = 4
REFUSED = "closed-account"  # a payment_ref that begins so is refused for good
BEFORE = ("before-500", "busy-429", "busy-503", "drop-before", "kill-before", "freeze-before")
POSTS = {
    **dict.fromkeys(("before-500", "busy-429", "busy-503", "drop-before", "after-500", "after-502", "html"), 0.035),
    **dict.fromkeys(("truncated", "other-key", "other-amount", "drop-after", "late", "slow"), 0.035),
    **dict.fromkeys(("kill-before", "kill-after", "kill-middle"), 0.06),
    **dict.fromkeys(("freeze-before", "freeze-after"), 0.02),
    "die": 0.02,
}
GETS = {"get-500": 0.08, "get-html": 0.06, "get-drop": 0.06, "get-other": 0.04, "get-kill": 0.06}


class Billing:
    """The effects, by key, and whether a key is still remembered."""

    def __init__(self, place: Path, seed: str) -> None:
        self.place, self.seed = place, seed
        self.hand = Hand(place)
        self.journal = Journal(place / "effects.jsonl")
        self.tries = Journal(place / "tries.jsonl")
        self.lock = threading.Lock()
        self.effects = {line["key"]: line for line in self.journal.lines()}
        self.seen: dict[str, int] = {}
        for line in self.tries.lines():
            self.seen[line["what"]] = line["n"]

    def mood(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.place / "mood.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def fault(self, what: str, menu: dict[str, float]) -> str:
        """What goes wrong with this try; the first few of a key only, so that the day ends."""
        mood = self.mood()
        always = mood.get("always", ()) if menu is POSTS else ()
        with self.lock:
            self.seen[what] = n = self.seen.get(what, 0) + 1
            turn = [each for each in self.seen if each.startswith("POST")].index(what) if always else 0
        fault = ""
        met = turn < mood.get("acts", turn + 1)
        if met and not mood.get("calm") and n <= mood.get("bad_tries", MOST_BAD_TRIES):
            fault = always[turn % len(always)] if always else pick(menu, self.seed, what, n)
        self.tries.append({"what": what, "n": n, "fault": fault})
        return fault

    def take_effect(self, kind: str, data: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Move the money, once for a key that we remember; the effect and whether it is new."""
        with self.lock:
            known, now = self.effects.get(data["key"]), self.hand.clock.now()
            window_s = self.mood().get("key_window_s", KEY_WINDOW_S)
            if known and now - known["clock"] < window_s and not self.mood().get("ignore_keys"):
                return known, False
            names = ("key", "customer_id", "amount_minor", "currency", "payment_ref")
            ref = f"pay_{len(self.effects) + 1:04d}_{len(self.journal.lines()) + 1:04d}"
            effect = {"ref": ref, "kind": kind, "clock": now} | {name: data.get(name) for name in names}
            self.journal.append(effect)
            self.effects[data["key"]] = effect
            return effect, True


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    billing: Billing

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the journal says it all."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        data = body["data"]
        if str(data.get("payment_ref")).startswith(REFUSED):
            return self._answer(422, {"error": "this account is closed"})
        fault = self.billing.fault(f"POST {data['key'].partition('#')[0]}", POSTS)
        if fault in BEFORE:
            return self._before(fault)
        if fault == "late":
            threading.Timer(0.7, self.billing.take_effect, [body["type"], data]).start()
            return self._drop()
        effect, new = self.billing.take_effect(body["type"], data)
        return self._after(fault, {name: effect[name] for name in ("key", "ref", "amount_minor", "currency")}, new)

    def _before(self, fault: str) -> None:
        if fault == "kill-before":
            self.billing.hand.kill(self.connection, fault)
        if fault == "freeze-before":
            self.billing.hand.freeze(self.connection, fault)
        if fault == "before-500":
            return self._answer(500, {"error": "before"})
        if fault == "busy-429":
            return self._answer(429, {"error": "busy"}, {"Retry-After": "1"})
        if fault == "busy-503":
            return self._answer(503, {"error": "busy"}, {"Retry-After": formatdate(time.time() + 1, usegmt=True)})
        return self._drop()

    def _after(self, fault: str, shown: dict[str, Any], new: bool) -> None:
        status = 200 if new else 409
        if fault in ("after-500", "after-502"):
            return self._send(int(fault[-3:]), b"<html>Bad gateway</html>", "text/html")
        if fault == "html":
            return self._send(200, b"<html>Welcome to our proxy</html>", "text/html")
        if fault == "other-key":
            return self._answer(status, shown | {"key": "refund:somebody-else"})
        if fault == "other-amount":
            return self._answer(status, shown | {"amount_minor": shown["amount_minor"] + 1})
        if fault == "drop-after":
            return self._drop()
        if fault in ("truncated", "kill-middle"):
            return self._half(fault, json.dumps(shown).encode())
        if fault == "die":
            os._exit(9)
        if fault == "kill-after":
            self.billing.hand.kill(self.connection, fault)
            return self._drop()
        if fault == "freeze-after":
            self.billing.hand.freeze(self.connection, fault)
        time.sleep(0.8 if fault == "slow" else 0.02)
        return self._answer(status, shown)

    def _half(self, fault: str, raw: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw))
        self.wfile.write(raw[: len(raw) // 2])
        self.wfile.flush()
        if fault == "kill-middle":
            self.billing.hand.kill(self.connection, fault)
        self._drop()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/acts":
            names = ("key", "ref", "amount_minor", "currency")
            at = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            return self._answer(200, [{n: line[n] for n in names} | at for line in self.billing.journal.lines()])
        key = unquote(path.removeprefix("/acts/"))
        fault = self.billing.fault(f"GET {key}", GETS)
        if fault == "get-500":
            return self._answer(500, {})
        if fault == "get-html":
            return self._send(200, b"<html>", "text/html")
        if fault == "get-kill":
            self.billing.hand.kill(self.connection, fault)
        if fault in ("get-drop", "get-kill"):
            return self._drop()
        effect = self.billing.effects.get(key)
        if effect is None or self.billing.mood().get("ignore_keys"):
            return self._answer(404, {"error": "no such act"})
        shown = {name: effect[name] for name in ("key", "ref", "amount_minor", "currency")}
        return self._answer(200, shown | ({"key": "refund:somebody-else"} if fault == "get-other" else {}))

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # we have just killed who asked


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that died in the middle is what this is for."""


if __name__ == "__main__":
    Door.billing = Billing(Path(sys.argv[1]), sys.argv[3])
    Server(("127.0.0.1", int(sys.argv[2])), Door).serve_forever()
