"""What is written to those who follow reports: a mail to confirm, one about a report, one about the day's news."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from amends.notices import phrases
from amends.notices.compose import BODY, COLUMN, QUIET
from amends.reports.catalogue import Catalogue, in_language
from amends.reports.follows import FORGET_AFTER, Item, What, Wish
from amends.reports.places import Places
from amends.reports.records import Move, State

STATES: dict[State, Callable[[], str]] = {
    State.PENDING: lambda: pgettext("state of a report", "waits for a first look"),
    State.RECEIVED: lambda: pgettext("state of a report", "received"),
    State.INVESTIGATING: lambda: pgettext("state of a report", "being looked into"),
    State.SCHEDULED: lambda: pgettext("state of a report", "planned"),
    State.IN_PROGRESS: lambda: pgettext("state of a report", "being worked on"),
    State.WAITING: lambda: pgettext("state of a report", "waits for an answer of who reported it"),
    State.REOPENED: lambda: pgettext("state of a report", "opened again"),
    State.FIXED: lambda: pgettext("state of a report", "mended"),
    State.NOT_FIXED: lambda: pgettext("state of a report", "closed without repair"),
    State.NOT_OURS: lambda: pgettext("state of a report", "not in our hands"),
    State.DUPLICATE: lambda: pgettext("state of a report", "same as another report"),
}
SAID_BY_STAFF = frozenset((State.FIXED, State.NOT_FIXED, State.NOT_OURS, State.DUPLICATE))


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Names:
    """What things are called, in the language that is spoken at the moment."""

    catalogue: Catalogue
    places: Places
    lang: str
    zone: ZoneInfo
    company: str
    url: str

    def category(self, code: str) -> str:
        known = self.catalogue.categories.get(code)
        return (in_language(known.name, self.lang) if known else "") or code

    def area(self, code: str) -> str:
        return next((area.name for area in self.places.areas().areas if area.code == code and area.name), code)

    def wish(self, wish: Wish) -> str:
        """What somebody follows, in words."""
        if wish.what is What.PLACE:
            where = wish.place or f"{wish.lat:.5f}, {wish.long:.5f}"
            return _("reports within %(radius)s of %(place)s") % {"radius": radius(wish.radius_m or 0), "place": where}
        if wish.what is What.REPORT:
            return _("report %(number)s") % {"number": wish.report}
        if wish.what is What.CATEGORY:
            return _("reports of the category %(name)s") % {"name": self.category(wish.category)}
        return _("reports in the area %(name)s") % {"name": self.area(wish.area)}

    def title(self, item: Item) -> str:
        """Which report it is: category and address, as people know it."""
        return ", ".join(filter(None, (self.category(item.category), phrases.one_line(item.address, 120))))

    def day(self, moment: datetime) -> str:
        """A moment's day; one that ends with midnight is the day before it."""
        return phrases.day((moment - timedelta(microseconds=1)).astimezone(self.zone).date(), self.lang)

    def happened(self, item: Item) -> str:
        """What is new about a report, in a line; only what is public."""
        said = [pgettext("news of a report", "new")] if item.is_new else []
        said += [state(item.state)] if not (item.is_new and item.state is State.RECEIVED) else []
        date = next((move.was["new_date"] for move in reversed(item.moves) if "new_date" in move.was), None)
        if date and item.state.is_open:
            said.append(_("new date: %(day)s") % {"day": self.day(datetime.fromisoformat(date))})
        elif item.is_new and item.due_at and item.state.is_open:
            said.append(_("promised by %(day)s") % {"day": self.day(item.due_at)})
        return ", ".join(said)

    def link(self, item: Item) -> str:
        return f"{self.url}/reports/{item.number}"


def state(of: State) -> str:
    return STATES[of]()


def radius(metres: int) -> str:
    """A distance as one would say it.

    >>> radius(2000)
    '2 km'
    """
    return f"{metres} m" if metres < 1000 else f"{metres / 1000:g} km"


def confirmation(names: Names, wish: Wish, link: str) -> Letter:
    """Only who has this mail can confirm; nothing else is asked and nobody is followed by silence."""
    what = {"what": names.wish(wish), "company": names.company, "days": FORGET_AFTER.days}
    return _letter(
        _("Please confirm: news of %(what)s") % what,
        [
            _("Somebody, we hope you, asked %(company)s to write to this address about %(what)s.") % what,
            (_("Open this page and press the button there, and we begin."), link),
            _(
                "If it was not you, there is nothing to do: without the button we write nothing more about it, and "
                "after %(days)s days we have forgotten the address."
            )
            % what,
        ],
        names,
    )


def about_one(names: Names, item: Item, move: Move, end: str, manage: str) -> Letter:
    """One report that somebody follows came to an end, was opened again, or has a new date."""
    what = {"number": item.number, "title": names.title(item), "state": state(move.state)}
    if "new_date" in move.was:
        day = names.day(datetime.fromisoformat(move.was["new_date"]))
        subject = _("Report %(number)s has a new date: %(title)s") % what
        said = _("The report you follow, %(title)s, takes longer than promised. The new date is %(day)s.") % (
            what | {"day": day}
        )
    else:
        subject = _("Report %(number)s, %(state)s: %(title)s") % what
        said = _("The report you follow, %(title)s, is now: %(state)s.") % what
    words = phrases.one_line(move.words, 500) if move.state in SAID_BY_STAFF or "new_date" in move.was else ""
    quoted = [_("In the words of those who work on it: %(words)s") % {"words": words}] if words else []
    see = (_("Everything about it, and where to say if it is not so:"), names.link(item))
    return _letter(subject, [said, *quoted, see], names, _foot(end, manage, one=True))


def digest(names: Names, items: Sequence[Item], more: int, links: tuple[str, str, str]) -> Letter:
    """The day's news of everything that somebody follows; `links` end it all, manage it, and show the rest."""
    end, manage, news = links
    count = len(items) + more
    subject = ngettext("%(n)s report with news", "%(n)s reports with news", count) % {"n": count}
    if len(items) == 1 and not more:
        subject = f"{names.title(items[0])}: {names.happened(items[0])}"
    lines = [(f"{names.title(item)} ({item.number}): {names.happened(item)}", names.link(item)) for item in items]
    rest = ngettext("and %(n)s more", "and %(n)s more", more) % {"n": more}
    first = _("News of what you follow at %(company)s:") % {"company": names.company}
    return _letter(subject, [first, *lines, *([(rest, news)] if more else [])], names, _foot(end, manage, one=False))


def _foot(end: str, manage: str, *, one: bool) -> list[tuple[str, str]]:
    stop = _("Hear no more about this report:") if one else _("Hear no more of all this:")
    return [(stop, end), (_("See and change what you follow:"), manage)]


Part = str | tuple[str, str]


def _letter(subject: str, parts: Sequence[Part], names: Names, foot: Sequence[Part] = ()) -> Letter:
    ours = [*parts, names.company]
    text = "\n\n".join(map(_text, [*ours, *foot])) + "\n"
    body = "\n".join([_html(part) for part in ours] + [_html(part, QUIET) for part in foot])
    html = (
        f'<!doctype html>\n<html lang="{escape(names.lang)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(subject)}</title></head>\n"
        f'<body style="{BODY}"><div style="{COLUMN}">\n{body}\n</div></body></html>\n'
    )
    return Letter(phrases.one_line(subject, 200), text, html)


def _text(part: Part) -> str:
    return part if isinstance(part, str) else f"{part[0]}\n{part[1]}"


def _html(part: Part, style: str = "") -> str:
    look = f' style="{style}"' if style else ""
    if isinstance(part, str):
        return f"<p{look}>{escape(part)}</p>"
    return f'<p{look}><a href="{escape(part[1])}">{escape(part[0].rstrip(":"))}</a></p>'
