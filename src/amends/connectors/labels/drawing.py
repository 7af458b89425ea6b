"""The return label as a page: what goes on the parcel, and below the line what the customer keeps."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

import segno
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PLAIN, BOLD = "AmendsSans", "AmendsSansBold"
INK, QUIET = HexColor("#14211f"), HexColor("#5b6a67")
LEFT, RIGHT, TOP = 15 * mm, A4[0] - 15 * mm, A4[1] - 15 * mm
CUT = A4[1] - 148 * mm  # what is above goes on the parcel: half of an A4 page
QR = 34 * mm


class NoLetters(ValueError):
    """The label's font has no such letters."""


@dataclass(frozen=True)
class Label:
    """What a label says; every text as it is printed."""

    number: str
    title: str
    sender_title: str
    sender: tuple[str, ...]  # empty: lines to write on
    receiver_title: str
    receiver: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]  # order, contents, amount …
    steps_title: str
    steps: tuple[str, ...]
    contact: str
    scan: str  # what the square code holds


def draw(label: Label) -> bytes:
    """The label as PDF; the same label gives the same bytes."""
    _fonts()
    _readable(label)
    made = io.BytesIO()
    page = Canvas(made, pagesize=A4, invariant=1)
    page.setTitle(f"{label.title} {label.number}")
    page.setCreator("amends")
    _parcel(page, label)
    _cut(page)
    _sheet(page, label)
    page.showPage()
    page.save()
    return made.getvalue()


@cache
def _fonts() -> None:
    folder = files("amends.connectors.labels") / "fonts"
    for name, file in ((PLAIN, "DejaVuSans.ttf"), (BOLD, "DejaVuSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, io.BytesIO((folder / file).read_bytes())))


def _readable(label: Label) -> None:
    known = pdfmetrics.getFont(PLAIN).face.charToGlyph
    said = (*label.sender, *label.receiver, *(value for _, value in label.facts), label.contact, label.number)
    missing = sorted({letter for text in said for letter in text if ord(letter) not in known})
    if missing:
        raise NoLetters(
            f"no letters for {''.join(missing[:10])!r} in the label's font; a carrier's label can have them"
        )


def _text(page: Canvas, x: float, y: float, text: str, size: float, font: str = PLAIN, colour: Any = INK) -> None:
    page.setFillColor(colour)
    page.setFont(font, size)
    page.drawString(x, y, text)


def _fitting(text: str, size: float, font: str, width: float) -> float:
    """A size at which a line fits its place; never smaller than can be read."""
    wide = float(pdfmetrics.stringWidth(text, font, size))
    return max(6.0, min(size, size * width / max(1.0, wide)))


def _parcel(page: Canvas, label: Label) -> None:
    """Title band, both addresses, the square code, and the bars a scanner reads."""
    page.setFillColor(INK)
    page.roundRect(LEFT, TOP - 14 * mm, RIGHT - LEFT, 14 * mm, 2 * mm, stroke=0, fill=1)
    _text(page, LEFT + 5 * mm, TOP - 9.4 * mm, label.title, 17, BOLD, HexColor("#ffffff"))
    page.setFont(BOLD, 13)
    page.drawRightString(RIGHT - 5 * mm, TOP - 9.2 * mm, label.number)
    _address(page, LEFT, TOP - 24 * mm, label.sender_title, label.sender, 9.5, 62 * mm)
    _address(page, LEFT + 5 * mm, TOP - 56 * mm, label.receiver_title, label.receiver, 15, 116 * mm)
    page.setStrokeColor(INK)
    page.setLineWidth(1.2)
    page.line(LEFT, TOP - 53 * mm, LEFT, TOP - 92 * mm)
    _square(page, RIGHT - QR, TOP - 20 * mm - QR, label.scan)
    for line, (name, value) in enumerate(label.facts):
        y = TOP - 64 * mm - line * 11 * mm
        page.setFillColor(QUIET)
        page.setFont(PLAIN, 7.5)
        page.drawRightString(RIGHT, y, name)
        page.setFillColor(INK)
        page.setFont(BOLD, _fitting(value, 11, BOLD, 52 * mm))
        page.drawRightString(RIGHT, y - 4.6 * mm, value)
    bars = Code128(label.number.replace("-", ""), barWidth=0.55 * mm, barHeight=20 * mm, quiet=False)
    bars.drawOn(page, (A4[0] - bars.width) / 2, CUT + 13 * mm)
    page.setFillColor(INK)
    page.setFont(PLAIN, 10)
    page.drawCentredString(A4[0] / 2, CUT + 8 * mm, "  ".join(label.number.split("-")))


def _address(page: Canvas, x: float, y: float, title: str, lines: tuple[str, ...], size: float, width: float) -> None:
    _text(page, x, y, title, 7.5, PLAIN, QUIET)
    y -= 2 * mm
    if not lines:
        page.setStrokeColor(QUIET)
        page.setLineWidth(0.5)
        for _ in range(3):
            y -= 7 * mm
            page.line(x, y, x + width, y)
    for number, line in enumerate(lines[:7]):
        font = BOLD if number == 0 else PLAIN
        y -= size * 1.35
        _text(page, x, y, line, _fitting(line, size, font, width), font)


def _square(page: Canvas, x: float, y: float, holds: str) -> None:
    """The square code, its dark cells joined row by row into one path."""
    cells = segno.make(holds, error="m", micro=False, boost_error=False).matrix
    size, path = QR / len(cells), page.beginPath()
    for row, line in enumerate(cells):
        start = 0
        for dark, run in groupby(line):
            length = len(list(run))
            if dark:
                path.rect(x + start * size, y + QR - (row + 1) * size, length * size, size)
            start += length
    page.setFillColor(INK)
    page.drawPath(path, stroke=0, fill=1)


def _cut(page: Canvas) -> None:
    page.setStrokeColor(QUIET)
    page.setLineWidth(0.7)
    page.setDash(4, 3)
    page.line(0, CUT, A4[0], CUT)
    page.setDash()
    _text(page, LEFT - 6 * mm, CUT - 1.6 * mm, "\u2702", 12, PLAIN, QUIET)


def _sheet(page: Canvas, label: Label) -> None:
    """What the customer keeps: what to do, step by step, and whom to ask."""
    y = CUT - 17 * mm
    _text(page, LEFT, y, label.steps_title, 15, BOLD)
    y -= 11 * mm
    for number, step in enumerate(label.steps, 1):
        page.setFillColor(INK)
        page.circle(LEFT + 3.6 * mm, y + 1.3 * mm, 3.6 * mm, stroke=0, fill=1)
        page.setFillColor(HexColor("#ffffff"))
        page.setFont(BOLD, 10)
        page.drawCentredString(LEFT + 3.6 * mm, y, str(number))
        for line in simpleSplit(step, PLAIN, 10.5, RIGHT - LEFT - 14 * mm):
            _text(page, LEFT + 12 * mm, y, line, 10.5)
            y -= 5.4 * mm
        y -= 4.4 * mm
    page.setStrokeColor(QUIET)
    page.setLineWidth(0.5)
    page.line(LEFT, y, RIGHT, y)
    for line in simpleSplit(label.contact, PLAIN, 9, RIGHT - LEFT):
        y -= 6 * mm
        _text(page, LEFT, y, line, 9, PLAIN, QUIET)
