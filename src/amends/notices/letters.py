"""A mail of paragraphs, a quotation, links and buttons: as text and as HTML, from the same parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from amends.notices import phrases
from amends.notices.compose import BODY, COLUMN, DONE, QUIET

QUOTE = "border-left:3px solid #8a5a00;padding:2px 0 2px 16px;margin:16px 0"
BUTTON = (
    "display:inline-block;padding:10px 22px;margin:0 8px 8px 0;border:1px solid #14695a;border-radius:6px;"
    "color:#14695a;font-weight:600;text-decoration:none"
)


@dataclass(frozen=True)
class Strong:
    """What the mail is about, in a sentence."""

    text: str


@dataclass(frozen=True)
class Quoted:
    """Words of somebody, as they wrote them."""

    text: str


@dataclass(frozen=True)
class Link:
    text: str
    address: str


@dataclass(frozen=True)
class Buttons:
    """Links to choose one of. Opening one changes nothing."""

    links: Sequence[Link]


@dataclass(frozen=True)
class Quiet:
    text: str


Part = str | Strong | Quoted | Link | Buttons | Quiet


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


def letter(subject: str, parts: Sequence[Part], company: str, lang: str) -> Letter:
    """Parts in their order, the company's name under them."""
    text = "\n\n".join([_text(part) for part in parts] + [company]) + "\n"
    body = "\n".join([_html(part) for part in parts] + [f'<p style="{QUIET}">{escape(company)}</p>'])
    html = (
        f'<!doctype html>\n<html lang="{escape(lang)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(subject)}</title></head>\n"
        f'<body style="{BODY}"><div style="{COLUMN}">\n{body}\n</div></body></html>\n'
    )
    return Letter(phrases.one_line(subject, 200), text, html)


def _text(part: Part) -> str:
    match part:
        case Quoted(text):
            return "\n".join(f"> {line}" for line in text.splitlines())
        case Link(text, address):
            return f"{text}\n{address}"
        case Buttons(links):
            return "\n".join(f"{link.text}: {link.address}" for link in links)
        case Strong(text) | Quiet(text) | str(text):
            return text


def _html(part: Part) -> str:
    match part:
        case Strong(text):
            return f'<p style="{DONE}">{escape(text)}</p>'
        case Quoted(text):
            return f'<blockquote style="{QUOTE}">{"<br>".join(map(escape, text.splitlines()))}</blockquote>'
        case Link(text, address):
            return f"<p>{_anchor(text.rstrip(':'), address)}</p>"
        case Buttons(links):
            return f"<p>{''.join(_anchor(link.text, link.address, BUTTON) for link in links)}</p>"
        case Quiet(text):
            return f'<p style="{QUIET}">{escape(text)}</p>'
        case str(text):
            return f"<p>{escape(text)}</p>"


def _anchor(text: str, address: str, style: str = "") -> str:
    look = f' style="{style}"' if style else ""
    return f'<a{look} href="{escape(address)}">{escape(text)}</a>'
