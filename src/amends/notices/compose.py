"""One message from one recovery: slots filled from the record, then text and HTML, then checked against the record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt

from amends.customers.records import Customer
from amends.failures.records import Failure
from amends.ground.config import Config
from amends.ground.money import Money
from amends.notices import lint, phrases, templates
from amends.notices.records import Finding
from amends.notices.templates import NEEDED, SLOTS, Template
from amends.reports.catalogue import in_language

MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": False})
TAGS = {"p", "strong", "em", "a", "ul", "ol", "li", "br"}
ORDER = ("what", "when", "for_you", "cause", "ours", "remedy_done", "prevention", "contact", "nothing_to_do")
_AMOUNT = re.compile(
    r"(?:[€$£¥]\s?\d[\d.,\u00a0]*|\d[\d.,\u00a0]*\s?(?:[€$£¥]|[A-Z]{3}\b)|\b[A-Z]{3}[\s\u00a0]\d[\d.,]*)"
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


# What is each customer's own, and plain, comes into the HTML last: the rest of a slot is often the same for everybody.
STANDS_FOR = {"link": "https://amends.example/own-link", "receipt": "amends own receipt"}
_PLAIN = re.compile(r"[A-Za-z0-9~_/:.-]+")


@dataclass(frozen=True)
class Said:
    """A message ready to be kept: its slots, its two forms and what the linter found."""

    subject: str
    text: str
    html: str
    slots: Mapping[str, str]
    findings: tuple[Finding, ...]

    @property
    def may_be_sent(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True)
class Paid:
    """What the record proves to have been paid: what was owed, goodwill beside it, and the receipts of both."""

    owed: tuple[Money, ...] = ()
    goodwill: tuple[Money, ...] = ()
    receipts: tuple[str, ...] = ()
    pay_by: date | None = None
    kept: Money | None = None  # of what was taken back in part: what stays with the customer

    @property
    def total(self) -> Money | None:
        return _sum((*self.owed, *self.goodwill))

    def amounts(self) -> tuple[Money, ...]:
        """Every amount that a message about it may name."""
        found = (self.total, self.kept, _sum(self.owed), _sum(self.goodwill), *self.owed, *self.goodwill)
        return tuple(amount for amount in found if amount is not None)


def _sum(amounts: tuple[Money, ...]) -> Money | None:
    return sum(amounts[1:], amounts[0]) if amounts else None


def values_of(
    failure: Failure, customer: Customer, paid: Paid, link: str, config: Config
) -> tuple[str, dict[str, str]]:
    """The language to speak and the values that placeholders may take, all from the record."""
    company = config.company
    lang = phrases.language(customer.locale, company.locale)
    locale = phrases.babel_locale(customer.locale or lang, lang)
    day, time = phrases.moment(failure.started_at, customer.time_zone, company.time_zone, locale)
    values = {
        "greeting": phrases.greeting(customer.name, lang),
        "title": " ".join(_title(failure, lang).split()),
        "report": str(failure.facts.get("report") or ""),
        "day": day,
        "time": time,
        "what_happened": phrases.what_happened(failure.facts, lang),
        "receipt": phrases.listed(paid.receipts, lang),
        "company": company.name,
        "contact_email": company.contact_email,
        "contact_phone": company.contact_phone,
        "link": link,
    }
    return lang, values | _money(paid, locale) | _outage(failure, customer, lang, locale, config)


def _title(failure: Failure, lang: str) -> str:
    """What it happened to: a film's title, or what was reported, by its name in the reader's language."""
    names = failure.facts.get("names")
    named = in_language(names, lang) if isinstance(names, Mapping) else ""
    return str(failure.facts.get("title") or named)


def day_of(at: datetime, customer: Customer, config: Config) -> str:
    """The day of a moment as the customer's calendar showed it."""
    lang = phrases.language(customer.locale, config.company.locale)
    locale = phrases.babel_locale(customer.locale or lang, lang)
    return phrases.moment(at, customer.time_zone, config.company.time_zone, locale)[0]


def _money(paid: Paid, locale: str) -> dict[str, str]:
    """Amounts in words: all of it, and where some was owed and some goodwill, each of the two."""
    owed, goodwill = _sum(paid.owed), _sum(paid.goodwill)
    said = {"amount": paid.total, "owed": owed, "goodwill": goodwill if owed else None, "kept": paid.kept}
    words = {name: _worded(amount, locale) if amount else "" for name, amount in said.items()}
    return words | {"pay_by": phrases.day(paid.pay_by, locale) if paid.pay_by else ""}


@lru_cache(20_000)
def _worded(amount: Money, locale: str) -> str:
    return amount.words(locale)


def _outage(failure: Failure, customer: Customer, lang: str, locale: str, config: Config) -> dict[str, str]:
    """When it was over and how long it was, where a failure has a known length; else nothing is known of it."""
    off_s, tries = failure.facts.get("off_s"), failure.facts.get("tries")
    if failure.ended_at is None or not isinstance(off_s, int | float):
        return {}
    until_day, until_time = phrases.moment(failure.ended_at, customer.time_zone, config.company.time_zone, locale)
    tried = phrases.times(tries, lang) if isinstance(tries, int) and tries > 0 else ""
    return {"until_day": until_day, "until_time": until_time, "off_for": phrases.span(off_s, lang), "tried": tried}


def first_that_may_be_sent(
    candidates: Sequence[Template], values: Mapping[str, str], paid: Paid, locale: str
) -> tuple[Template, Said]:
    """The first of these templates that says nothing but what is known; where none does, the first."""
    tried = []
    for template in candidates:
        said = compose(template, values, paid, locale)
        if said.may_be_sent:
            return template, said
        tried.append((template, said))
    return tried[0]


def compose(template: Template, values: Mapping[str, str], paid: Paid, locale: str) -> Said:
    """Fill a template; whatever is missing, or does not equal the record, is a finding that stops the sending."""
    template, findings = _telling_all(template, values), list[Finding]()
    slots = {}
    for slot in SLOTS:
        line, text = template.slots.get(slot, (1, ""))
        filled, missing = templates.fill(text, values)
        findings += [_unknown(template, line, name) for name in missing]
        if filled:
            slots[slot] = filled
        elif slot in NEEDED:
            findings.append(Finding(template.file, line, "error", "missing-slot", slot, "nothing is known to put here"))
    subject, missing = templates.fill(template.subject, values)
    findings += [_unknown(template, 1, name) for name in missing]
    body = "\n\n".join(slots[slot] for slot in ORDER if slot in slots)
    text = f"{values['greeting']}\n\n{body}\n\n{values['company']}\n"
    findings += _linted(_template_words(template), template.file)
    findings += _amounts(_ours(template, values), paid, template.file)
    html = _html(subject, values, template, slots, locale)
    return Said(" ".join(subject.split()), text, html, slots, tuple(findings))


def _telling_all(template: Template, values: Mapping[str, str]) -> Template:
    """A text that has no place for what was given beside what it is about names it behind that all the same."""
    line, done = template.slots.get("remedy_done", (1, ""))
    if not values.get("also") or any("{also}" in text for _, text in template.slots.values()):
        return template
    return replace(template, slots={**template.slots, "remedy_done": (line, f"{done}\n\n{{also}}")})


@lru_cache(200)
def _linted(words: str, file: str) -> tuple[Finding, ...]:
    """What the linter says of a template's words: they are the same in every mail."""
    return tuple(lint.lint_text(words, file))


def _template_words(template: Template) -> str:
    """The words that are ours; a film's title may say what it likes."""
    return "\n".join(text for _, text in template.slots.values())


NOT_OURS = (
    *("title", "link", "time_line", "receipt", "reason", "greeting", "company", "contact_email", "contact_phone"),
    "also",  # from the record as it stands, with receipts in it
)


def _ours(template: Template, values: Mapping[str, str]) -> str:
    """The words with their amounts and times, but without names, links and receipts, which may look like amounts."""
    masked = {name: "…" if name in NOT_OURS and value else value for name, value in values.items()}
    return "\n".join(templates.fill(text, masked)[0] for _, text in template.slots.values())


def _unknown(template: Template, line: int, name: str) -> Finding:
    hint = "the record does not know it; begin the line with `? ` to leave it out then"
    return Finding(template.file, line, "error", "unknown-value", "{" + name + "}", hint)


def _amounts(body: str, paid: Paid, file: str) -> list[Finding]:
    """Every amount in the text must be one in the record."""
    allowed = {_digits(amount.plain()) for amount in paid.amounts()}
    wrong = [found for found in _AMOUNT.findall(body) if _digits(found) not in allowed]
    hint = f"the record says {paid.total}" if paid.total else "the record knows of no money"
    return [Finding(file, 1, "error", "amount-mismatch", found.strip(), hint) for found in wrong]


def _digits(text: str) -> str:
    """An amount without its marks: 4.99, 4,99 and 1.234,00 become 499 and 123400."""
    return re.sub(r"\D", "", text)


def _html(subject: str, values: Mapping[str, str], template: Template, slots: Mapping[str, str], locale: str) -> str:
    own = {name: values[name] for name in STANDS_FOR if _PLAIN.fullmatch(values.get(name, ""))}
    shown = {**values, **{name: STANDS_FOR[name] for name in own}}
    safe = {name: _SPECIAL.sub(r"\\\1", value) for name, value in shown.items()}
    page = f"[{phrases.WORDS[phrases.language(template.locale, 'en')]['your_page']}](<{shown['link']}>)"
    safe |= {"link": page, "time_line": page if values.get("time_line") else ""}
    parts = [f"<p>{escape(values['greeting'])}</p>"]
    for slot in ORDER:
        if slot not in slots:
            continue
        cleaned = _cleaned(templates.fill(template.slots[slot][1], safe)[0])
        for name, value in own.items():
            cleaned = cleaned.replace(STANDS_FOR[name], value)
        parts.append(f'<div class="done" style="{DONE}">{cleaned}</div>' if slot == "remedy_done" else cleaned)
    parts.append(f'<p style="{QUIET}">{escape(values["company"])}</p>')
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{escape(locale)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(subject)}</title></head>\n"
        f'<body style="{BODY}"><div style="{COLUMN}">\n{body}\n</div></body></html>\n'
    )


@lru_cache(5000)
def _cleaned(prose: str) -> str:
    """A slot as HTML; most of the slots of an outage's mails say the same to everybody."""
    html = MARKDOWN.render(prose)
    return nh3.clean(html, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"https", "http", "mailto"})


FONTS = "-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif"
BODY = f"margin:0;overflow-wrap:anywhere;padding:24px;font:16px/1.6 {FONTS}"
COLUMN = "max-width:34em;margin:0 auto"
DONE = "border-left:3px solid #1f6f5c;padding:2px 0 2px 16px;margin:20px 0;font-weight:600"
QUIET = "margin-top:28px;opacity:.7"
