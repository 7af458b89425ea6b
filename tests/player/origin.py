"""A local origin for the player tests: serves a small film as slowly as told, and keeps a log as a CDN would."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).parent
FILM_S = 16
TYPES = {
    ".mpd": "application/dash+xml",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".js": "text/javascript",
    ".html": "text/html",
}
FAST, SLOW = 4_000_000, 1_500  # bytes a second
SLOW_FROM_S, SLOW_UNTIL_S = 2.0, 16.0

DASH = """<!doctype html><video muted></video><script src="/players/dash.js"></script><script>
const player = dashjs.MediaPlayer().create();
player.updateSettings({streaming: {buffer: {bufferTimeDefault: 4, bufferTimeAtTopQuality: 4, bufferTimeAtTopQualityLongForm: 4},
  cmcd: {enabled: true, version: 2, sid: "%(sid)s", cid: "film", mode: "query", eventTargets: [{enabled: true, url: "%(events)s",
  events: ["ps", "e", "t"], interval: 5, enabledKeys: ["sid", "cid", "e", "sta", "ts", "sn", "br", "bl", "v", "ec", "st", "sf"]}]}}});
player.initialize(document.querySelector("video"), "/film/film.mpd", true);
document.querySelector("video").addEventListener("ended", () => document.title = "ended");
</script>"""
HLS = """<!doctype html><video muted></video><script src="/players/hls.js"></script><script>
const video = document.querySelector("video");
const hls = new Hls({maxBufferLength: 4, maxMaxBufferLength: 4, cmcd: {sessionId: "%(sid)s", contentId: "film"}});
hls.loadSource("/film/master.m3u8"); hls.attachMedia(video);
hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
video.addEventListener("timeupdate", () => { if (video.currentTime > %(end)s) document.title = "ended"; });
</script>"""
PAGES = {"dash": DASH, "hls": HLS}
PLAYERS = {
    "dash.js": "node_modules/dashjs/dist/modern/umd/dash.all.min.js",
    "hls.js": "node_modules/hls.js/dist/hls.min.js",
}


def make_film(folder: Path) -> None:
    """Sixteen seconds of test picture and tone in two rungs, as DASH and HLS over the same segments."""
    command = (
        f"ffmpeg -hide_banner -loglevel error -f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=440 -t {FILM_S} "
        "-map 0:v -map 0:v -map 1:a -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -keyint_min 50 -sc_threshold 0 "
        "-b:v:0 200k -b:v:1 600k -c:a aac -b:a 64k -f dash -seg_duration 2 -use_template 1 -use_timeline 0 "
        "-hls_playlist 1 -adaptation_sets"
    )
    sets = "id=0,streams=v id=1,streams=a"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command.split(), sets, str(folder / "film.mpd")], check=True)


class Origin:
    """Serves the film and the players; remembers each request for the log."""

    def __init__(self, folder: Path, events_url: str) -> None:
        self.folder = folder
        self.events_url = events_url
        self.log: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.began: float | None = None
        handler = type("Handler", (_Handler,), {"origin": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def rate(self) -> int:
        """How many bytes a second may leave just now."""
        if self.began is None:
            return FAST
        return SLOW if SLOW_FROM_S <= time.monotonic() - self.began < SLOW_UNTIL_S else FAST

    def restart_clock(self) -> None:
        self.began = None
        self.log.clear()


class _Handler(BaseHTTPRequestHandler):
    origin: Origin

    def log_message(self, format: str, *args: Any) -> None:
        """The log is kept elsewhere."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name = parts.path.rsplit("/", 1)[-1]
        if parts.path.startswith("/play/"):
            sid = parse_qs(parts.query)["sid"][0]
            values = {"sid": sid, "events": self.origin.events_url, "end": FILM_S - 0.5}
            return self._send((PAGES[name] % values).encode(), ".html")
        path = HERE / PLAYERS[name] if parts.path.startswith("/players/") else self.origin.folder / name
        if not path.is_file():
            return self.send_error(404)
        if name.endswith(".m4s") and "init" not in name and self.origin.began is None:
            self.origin.began = time.monotonic()
        at, sent = time.time(), time.monotonic()
        self._send(path.read_bytes(), path.suffix, slowly=parts.path.startswith("/film/"))
        line = {"t": at, "kind": "request", "path": parts.path, "query": parts.query, "status": 200}
        with self.origin.lock:
            self.origin.log.append(line | {"bytes": path.stat().st_size, "secs": round(time.monotonic() - sent, 3)})

    def _send(self, body: bytes, ending: str, slowly: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", TYPES.get(ending, "video/mp4"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        step = 0.05
        while body:
            count = max(1, int(self.origin.rate() * step)) if slowly else len(body)
            try:
                self.wfile.write(body[:count])
            except (BrokenPipeError, ConnectionResetError):
                return
            body = body[count:]
            if slowly and body:
                time.sleep(step)


def write_log(origin: Origin, path: Path) -> None:
    """The origin's log as the JSON lines that `amends ingest` reads."""
    with origin.lock:
        lines = [json.dumps(line) for line in origin.log if "CMCD" in line["query"]]
    path.write_text("\n".join(lines) + "\n")
