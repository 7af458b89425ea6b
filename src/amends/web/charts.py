"""A play session drawn as a time line: accessible SVG, with the same facts as a table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 1000
WORDS = {
    "en": {
        "startup": "starting",
        "play": "playing",
        "stall": "waiting",
        "pause": "paused",
        "seek": "jumping",
        "error": "stopped with an error",
        "drawn": "Time line of the session: {text}",
        "from": "from",
        "to": "to",
    },
    "de": {
        "startup": "Start",
        "play": "läuft",
        "stall": "wartet",
        "pause": "Pause",
        "seek": "Sprung",
        "error": "mit einem Fehler abgebrochen",
        "drawn": "Zeitlinie der Sitzung: {text}",
        "from": "von",
        "to": "bis",
    },
}


def clock(seconds: float) -> str:
    """Seconds as a player shows them: 1:24, or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def broke(facts: Mapping[str, Any]) -> bool:
    """Whether a session stopped with an error."""
    return bool(facts.get("playback_failed") or facts.get("failed_start"))


def timeline(spans: Sequence[Mapping[str, Any]], lang: str = "en", *, failed: bool = False) -> SafeString:
    """The spans of a session ({kind, from_s, to_s}) as SVG with a legend; empty when nothing is known.

    `failed`: the session stopped with an error, which is marked at its end.
    """
    end = max((float(span["to_s"]) for span in spans), default=0.0)
    if end <= 0:
        return SafeString("")
    words = WORDS[lang]
    bars = format_html_join(
        "", '<rect class="{}" x="{}" y="0" width="{}" height="40"><title>{}</title></rect>', _bars(spans, end, words)
    )
    if failed:
        bars += format_html(
            '<rect class="error" x="988" y="0" width="12" height="40"><title>{}</title></rect>', words["error"]
        )
    ticks = format_html_join("", "<span>{}</span>", ((tick,) for tick in _ticks(end)))
    kinds = [kind for kind in ("startup", "play", "stall", "pause", "seek") if any(s["kind"] == kind for s in spans)]
    kinds += ["error"] if failed else []
    legend = format_html_join("", '<li class="{}"><i></i>{}</li>', ((kind, words[kind]) for kind in kinds))
    text = ", ".join(f"{words[s['kind']]} {clock(s['from_s'])}–{clock(s['to_s'])}" for s in spans[:40])
    text += f", {words['error']}" if failed else ""
    return format_html(
        '<div class="timeline">'
        '<svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<div class="ticks" aria-hidden="true">{}</div><ul class="legend">{}</ul></div>',
        words["drawn"].format(text=text), bars, ticks, legend,
    )  # fmt: skip


def _bars(spans: Sequence[Mapping[str, Any]], end: float, words: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """Each span as a rectangle; what is short is still wide enough to be seen."""
    bars = []
    for span in sorted(spans, key=lambda span: span["kind"] in ("stall", "startup")):
        left, right = span["from_s"] / end * WIDTH, span["to_s"] / end * WIDTH
        width = max(right - left, 3.0 if span["kind"] == "stall" else 1.0)
        says = f"{words[span['kind']]}: {clock(span['from_s'])}–{clock(span['to_s'])}"
        bars.append((span["kind"], f"{left:.1f}", f"{width:.1f}", says))
    return bars


def _ticks(end: float) -> list[str]:
    """Times under the drawing: five, or as many as differ."""
    parts = (0, 0.25, 0.5, 0.75, 1) if end >= 8 else (0, 1)
    return [clock(part * end) for part in parts]
