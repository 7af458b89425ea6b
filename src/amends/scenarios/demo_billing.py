"""A DEMO billing service: it pays nobody, honours keys, and remembers every effect on disk. For tests and demos only."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

Fault = Callable[[str, int], str]
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="2"><meta name="color-scheme" content="light dark"><title>Demo billing</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8884}
td.n{text-align:right;font-variant-numeric:tabular-nums}small{opacity:.7}</style></head><body>
<h1>Demo billing</h1><p><small>A demo part: it stands where the company's billing would stand, and pays nobody.</small></p>
<p>%d effects</p><table><thead><tr><th>when</th><th>key</th><th>customer</th><th>amount</th><th>ref</th></tr></thead>
<tbody>%s</tbody></table></body></html>"""


class DemoBilling:
    """Effects by key, and the faults a test asks for.

    `fault(key, times_seen)` names what goes wrong with this try: '' nothing, 'before' (500, no effect), 'after'
    (effect, then 500), 'hang' (effect, then silence), 'busy' (429), 'drop' (effect, connection cut), 'html', 'wrong-key',
    'refuse' (422).
    """

    def __init__(self, journal: Path, fault: Fault | None = None, hang_s: float = 20.0, durable: bool = True) -> None:
        self.journal = journal
        self.fault: Fault = fault or (lambda key, times: "")
        self.hang_s = hang_s
        self.durable = durable  # also through a power cut; without it only through the death of any process
        self.lock = threading.Lock()
        self.effects: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, int] = {}
        if journal.exists():
            for line in journal.read_text("utf-8").splitlines():
                effect = json.loads(line)
                self.effects[effect["key"]] = effect

    def take_effect(self, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The effect of a key, and whether it is new; written to disk before anybody hears of it."""
        data = body["data"]
        with self.lock:
            if data["key"] in self.effects:
                return self.effects[data["key"]], False
            effect = {
                "key": data["key"],
                "ref": f"demo_{len(self.effects) + 1:06d}",
                "type": body["type"],
                "customer_id": data["customer_id"],
                "amount_minor": data["amount_minor"],
                "currency": data["currency"],
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(effect) + "\n")
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())
            self.effects[data["key"]] = effect
            return effect, True

    def page(self) -> str:
        rows = [
            f"<tr><td>{escape(e['at'][11:19])}</td><td>{escape(e['key'])}</td><td>{escape(e['customer_id'])}</td>"
            f"<td class=n>{e['currency']} {e['amount_minor'] / 100:.2f}</td><td>{escape(e['ref'])}</td></tr>"
            for e in list(self.effects.values())[::-1][:300]
        ]
        return PAGE % (len(self.effects), "".join(rows))


class _Handler(BaseHTTPRequestHandler):
    service: DemoBilling
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a demo's terminal belongs to the demo."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        key, service = body["data"]["key"], self.service
        service.seen[key] = service.seen.get(key, 0) + 1
        fault = service.fault(key, service.seen[key])
        if fault in ("before", "busy", "refuse"):
            status = {"before": 500, "busy": 429, "refuse": 422}[fault]
            return self._answer(status, {"error": fault}, {"Retry-After": "1"} if fault == "busy" else {})
        effect, new = service.take_effect(body)
        if fault == "hang":
            time.sleep(service.hang_s)
        if fault in ("hang", "drop"):
            self.close_connection = True
            self.connection.close()
            return None
        if fault == "after":
            return self._answer(500, {"error": "after the effect"})
        if fault == "html":
            return self._send(200, b"<html>Bad gateway</html>", "text/html")
        shown = effect if fault != "wrong-key" else effect | {"key": "somebody-else"}
        return self._answer(
            200 if new else 409, {name: shown[name] for name in ("key", "ref", "amount_minor", "currency")}
        )

    def do_GET(self) -> None:
        path, service = urlsplit(self.path).path, self.service
        if path == "/":
            return self._send(200, service.page().encode(), "text/html; charset=utf-8")
        if path == "/acts":
            return self._answer(200, list(service.effects.values()))
        effect = service.effects.get(unquote(path.removeprefix("/acts/")))
        return self._answer(200, effect) if effect else self._answer(404, {"error": "no such act"})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def start(service: DemoBilling, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """Serve in a thread; the server and its address."""
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="demo-billing").start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"
