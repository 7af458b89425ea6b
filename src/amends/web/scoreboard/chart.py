"""Promises by month, drawn as stacked bars on the server; the same numbers stand in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from babel.dates import format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from amends.reports.scoreboard import Score

WIDTH, HEIGHT = 1000, 240
PARTS = ("kept", "late", "late_open", "reopened", "unrepaired", "open")
MOST_LABELS = 8


def words() -> dict[str, str]:
    """What each part of a bar is called."""
    return {
        "kept": _("kept"),
        "late": _("mended late"),
        "late_open": _("overdue, not mended yet"),
        "reopened": _("opened again soon after"),
        "unrepaired": _("closed without repair"),
        "open": _("time has not come"),
    }


def when(score: Score, lang: str) -> str:
    """The month or year of a bar."""
    if "month" in score.names:
        return str(format_date(score.names["month"], "MMM y", locale=lang))
    begins: date = score.names["year"]
    return str(begins.year)


def bars(scores: Sequence[Score], lang: str) -> SafeString:
    """Stacked bars with a legend; empty where there is nothing to draw."""
    highest = max((score.made for score in scores), default=0)
    if not highest:
        return SafeString("")
    said, step = words(), WIDTH / len(scores)
    rects = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        (one for n, score in enumerate(scores) for one in _bar(score, n * step, step, highest, said, lang)),
    )
    shown = max(1, -(-len(scores) // MOST_LABELS))
    ticks = format_html_join("", "<span>{}</span>", ((when(one, lang),) for one in scores[::shown]))
    used = [part for part in PARTS if any(getattr(score, part) for score in scores)]
    legend = format_html_join("", '<li class="{}"><i></i>{}</li>', ((part, said[part]) for part in used))
    label = _("Promises by the time that they were made: %(text)s") % {"text": _text(scores, lang)}
    return format_html(
        '<div class="bars"><svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<div class="ticks" aria-hidden="true">{}</div><ul class="legend">{}</ul></div>',
        WIDTH, HEIGHT, label, rects, ticks, legend,
    )  # fmt: skip


def _bar(
    score: Score, left: float, step: float, highest: int, said: dict[str, str], lang: str
) -> list[tuple[str, str, str, str, str, str]]:
    """One stack from the ground up; what is there at all can be seen."""
    found, top = [], float(HEIGHT)
    for part in PARTS:
        if count := getattr(score, part):
            tall = max(count / highest * HEIGHT, 1.5)
            top -= tall
            title = f"{when(score, lang)}: {count} {said[part]}"
            sizes = (f"{left + step * 0.08:.1f}", f"{max(top, 0):.1f}", f"{step * 0.84:.1f}", f"{tall:.1f}")
            found.append((part, *sizes, title))
    return found


def _text(scores: Sequence[Score], lang: str) -> str:
    some = scores[-12:]
    return "; ".join(
        _("%(when)s %(kept)s of %(made)s kept") % {"when": when(one, lang), "kept": one.kept, "made": one.made}
        for one in some
    )
