"""What is written to those behind a report: each mail says what the record knows, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from babel.dates import format_time
from django.utils.translation import gettext as _

from amends.notices import phrases
from amends.notices.digest_words import Names, state
from amends.notices.letters import Buttons, Letter, Link, Part, Quiet, Quoted, Strong, letter
from amends.notices.our_words import BY_US, in_our_words, is_ours
from amends.reports.catalogue import in_language
from amends.reports.records import Move, Report, State
from amends.reports.risking import PASSED
from amends.reports.steps import REPORTER

LONGEST_QUOTE = 1500


class Occasion(StrEnum):
    """Why somebody is written to about a report."""

    RECEIVED = "received"
    AT_RISK = "at-risk"  # a new date, before the promised one has passed
    SLIPPED = "slipped"  # a new date, after it
    AGAIN = "new-date-again"
    BETTER = "better"  # an earlier promise
    PAUSED = "paused"
    MOVED = "moved"  # by a pause that is over
    WAITING = "waiting"
    NEWS = "news"  # public words on the way
    MENDED = "mended"
    NOT_FIXED = "closed-without-repair"
    NOT_OURS = "not-ours"
    REOPENED = "reopened"
    DUPLICATE = "duplicate"
    ASK_AGAIN = "asked-later"


# What everybody who is affected hears, not only who reported it.
IMPORTANT = frozenset(
    (
        *(Occasion.AT_RISK, Occasion.SLIPPED, Occasion.AGAIN, Occasion.BETTER, Occasion.MENDED, Occasion.NOT_FIXED),
        *(Occasion.NOT_OURS, Occasion.REOPENED, Occasion.DUPLICATE, Occasion.ASK_AGAIN),
    )
)


@dataclass(frozen=True)
class Told:
    """All that one mail may speak of: a report as it stands, the move that is the occasion, and who reads it."""

    occasion: Occasion
    report: Report
    move: Move
    names: Names
    link: str  # the reader's own page
    own: bool  # the reader reported it
    greeting: str
    contact: str
    pictured: bool = False  # a photo of the finished work is there
    first: Report | None = None  # of a duplicate: the report that stands for it
    policy: bool = False  # a published policy says what is owed when the promise is broken


def written(told: Told) -> Letter:
    """The mail, in the language that is spoken at the moment."""
    subject, parts = WORDS[told.occasion](told)
    return letter(subject, [told.greeting, *parts, *_foot(told)], told.names.company, told.names.lang)


# What a report is called, and by when


def title(names: Names, report: Report) -> str:
    """Category and place, as people know it."""
    where = phrases.one_line(report.address, 120) or report.asset
    return ", ".join(filter(None, (names.category(report.category), where)))


def by(names: Names, report: Report, moment: datetime) -> str:
    """By when, in words: the day, and the time of day where hours were promised."""
    here = moment.astimezone(names.zone)
    day = _day(names, moment)
    if "hours" not in str((report.due or {}).get("kind", "")):
        return day
    return _("%(day)s, %(time)s") % {"day": day, "time": format_time(here, "short", locale=names.lang)}


def _day(names: Names, moment: datetime) -> str:
    """A day with its weekday; one that ends with midnight is the day before it."""
    ends = (moment - timedelta(microseconds=1)).astimezone(names.zone)
    return phrases.day(ends.date(), names.lang, weekday=True)


def promise(names: Names, report: Report, now: datetime | None = None) -> str:
    """What is promised about an open report; also that nothing is, and by `now` that the day has passed."""
    if report.due_at is None:
        return _("For this kind of report we have no fixed time, so we promise you no day.")
    day = by(names, report, report.new_due_at or report.due_at)
    if report.new_due_at is not None:
        first = by(names, report, report.due_at)
        return _("We had promised it by %(first)s. The new date is %(day)s.") % {"first": first, "day": day}
    if now is not None and report.due_at < now:
        return _("We had promised it by %(day)s. That day has passed, and we are sorry.") % {"day": day}
    return _("We promise to have it mended by %(day)s.") % {"day": day}


def standing(names: Names, report: Report) -> str:
    """How the promise was kept, of a report that is mended."""
    if report.due_at is None or report.closed_at is None or report.kept is None:
        return ""
    said = {"day": by(names, report, report.due_at)}
    if report.kept and report.reopened:  # of an earlier promise this says nothing
        return ""
    if report.kept:
        return _("We had promised it by %(day)s, and kept that.") % said
    if report.closed_at > report.due_at:
        return _("We had promised it by %(day)s. We did not keep that, and we are sorry.") % said
    return _("We did not keep what we had promised first. We are sorry.")


def why(names: Names, move: Move) -> list[Part]:
    """Why there is a new date: as people wrote it, or as far as we ourselves know."""
    if move.words in BY_US:  # that the day has passed is said already
        return [in_our_words(move.words)] if move.words != PASSED else []
    return [_("Why, in the words of those who work on it:"), Quoted(move.words[:LONGEST_QUOTE])]


def _what(told: Told) -> dict[str, str | int]:
    names, report = told.names, told.report
    return {
        "number": report.number,
        "title": title(names, report),
        "day": _day(names, told.move.at),
        "company": names.company,
    }


def _news(subject: str, told: Told) -> str:
    """A subject that says what is new and which report it is about."""
    return _("%(news)s: %(title)s (report %(number)s)") % (_what(told) | {"news": subject})


def _quoted(told: Told, before: str) -> list[Part]:
    words = in_our_words(told.move.words.strip())
    return [before, Quoted(words[:LONGEST_QUOTE])] if words else []


def _foot(told: Told) -> Iterator[Part]:
    if told.occasion not in (Occasion.MENDED, Occasion.ASK_AGAIN, Occasion.WAITING):
        yield Link(_("Everything about it is on your own page:"), told.link)
    yield _("To reach a person, write to %(contact)s.") % {"contact": told.contact}
    if told.occasion is Occasion.RECEIVED:
        said = {"contact": told.contact}
        keep = _("Whoever has the link to your page can see it and answer there, so keep it to yourself.")
        other = _("If you did not report this, tell us at %(contact)s, and we take your address out.") % said
        yield Quiet(f"{keep} {other}")


# The mails


def _received(told: Told) -> tuple[str, list[Part]]:
    report, names = told.report, told.names
    parts: list[Part] = [Strong(_("Thank you. Your report has the number %(number)s.") % _what(told))]
    parts.append(_("It is about: %(title)s.") % _what(told))
    if words := report.description.strip():
        parts += [_("You wrote:"), Quoted(words[:LONGEST_QUOTE])]
    parts.append(promise(names, report))
    if report.due and (reason := in_language(report.due.get("words") or {}, names.lang)):
        parts.append(reason)
    if report.due_at:
        parts.append(_("We tell you when it is done, and before that day if we see that it takes longer."))
    else:
        parts.append(_("We tell you as soon as there is something to tell."))
    if not report.visible:
        parts.append(_("Others see it only when one of us has looked at it."))
    return _news(_("We have your report"), told), parts


def _late(told: Told) -> tuple[str, list[Part]]:
    """A new date, before or after the promised one has passed."""
    report, names, before = told.report, told.names, told.occasion is Occasion.AT_RISK
    assert report.due_at is not None
    new = report.new_due_at or datetime.fromisoformat(told.move.was["new_date"])
    said = _what(told) | {"first": by(names, report, report.due_at), "new": by(names, report, new)}
    former = told.move.was.get("new_due_at")
    said["former"] = by(names, report, datetime.fromisoformat(former)) if former else ""
    if told.occasion is Occasion.AGAIN:
        first = _("We gave you a new date, %(former)s, and that one does not hold either.") % said
    elif before:
        first = _("We promised to have it mended by %(first)s, and we now see that we will not make it.") % said
    else:
        first = _("We promised to have it mended by %(first)s. We did not keep that.") % said
    parts: list[Part] = [
        _about(told),
        Strong(first),
        *why(names, told.move),
        Strong(_("The new date is %(new)s.") % said),
    ]
    parts.append(_("It is our promise, and we are sorry that you wait longer than we said."))
    if told.policy:
        owed = _("What we owe when a promise is broken stands in a published policy.")
        parts.append(owed + " " + _("It is applied by itself, and you hear from us what comes of it."))
    parts.append(_("There is nothing you need to do."))
    subject = _("It takes longer") if before else _("We did not keep the date")
    return _news(_("A new date again") if told.occasion is Occasion.AGAIN else subject, told), parts


def _about(told: Told) -> str:
    if told.own:
        return _("This is about your report %(number)s: %(title)s.") % _what(told)
    return _("This is about report %(number)s, which affects you too: %(title)s.") % _what(told)


def _better(told: Told) -> tuple[str, list[Part]]:
    first = Strong(promise(told.names, told.report))
    looked = _("We have looked at it again and can promise an earlier day than before.")
    return _news(_("An earlier date"), told), [_about(told), looked, *_quoted(told, _("Why:")), first]


def _paused(told: Told) -> tuple[str, list[Part]]:
    parts: list[Part] = [
        _about(told),
        Strong(_("The clock of our promise has stood still since %(day)s.") % _what(told)),
    ]
    parts += _quoted(told, _("Why:"))
    parts.append(_("As soon as it goes on, we tell you the day."))
    return _news(_("The clock stands still"), told), parts


def _moved(told: Told) -> tuple[str, list[Part]]:
    report, names = told.report, told.names
    assert report.due_at is not None
    due = report.due or {}
    before = by(names, report, datetime.fromisoformat(due["promised_at"])) if due.get("promised_at") else ""
    said = {"before": before, "day": by(names, report, report.due_at)}
    parts: list[Part] = [_about(told), Strong(_("The promised day is now %(day)s; at first it was %(before)s.") % said)]
    parts.append(_("The clock of our promise had stood still, and the day moves by just as much working time."))
    parts += _quoted(told, _("In the words of those who work on it:"))
    return _news(_("The day has moved"), told), parts


def _waiting(told: Told) -> tuple[str, list[Part]]:
    parts: list[Part] = [_about(told), Strong(_("We have a question before we can go on:"))]
    parts += [Quoted(told.move.words[:LONGEST_QUOTE]), Link(_("Answer it on your own page:"), told.link)]
    clock = _("Until then the clock of our promise stands still.") if told.report.due_at else ""
    wait = _("Without an answer we go on after %(days)s days with what we know.") % {"days": 14}
    return _news(_("A question"), told), [*parts, f"{clock} {wait}".strip()]


def _going_on(told: Told) -> tuple[str, list[Part]]:
    new = "state" in told.move.was  # else words were said, and it is what it was
    now = [Strong(_("It is now: %(state)s.") % {"state": state(told.report.state)})] if new else []
    said = _quoted(told, _("In the words of those who work on it:"))
    if is_ours(told.move.words.strip()):
        said = [in_our_words(told.move.words.strip())]
    stands = promise(told.names, told.report, told.move.at)
    return _news(_("News"), told), [_about(told), *now, *said, stands]


def _answers(told: Told) -> Buttons:
    choices = ((_("Yes"), "yes"), (_("Partly"), "partly"), (_("No"), "no"))
    return Buttons([Link(label, f"{told.link}?answer={value}") for label, value in choices])


def _mended(told: Told) -> tuple[str, list[Part]]:
    parts: list[Part] = [_about(told), Strong(_("It was mended on %(day)s.") % _what(told))]
    parts += _quoted(told, _("In the words of those who did it:"))
    if told.pictured:
        parts.append(_("A photo of the finished work is on your page."))
    if kept := standing(told.names, told.report):
        parts.append(kept)
    parts += [Strong(_("Is it mended for you?")), _answers(told)]
    parts.append(_("With “Partly” and “No” we open it again, and you have our promise again."))
    return _news(_("Mended"), told), parts


def _not_fixed(told: Told) -> tuple[str, list[Part]]:
    parts: list[Part] = [_about(told), Strong(_("We have closed it without repairing anything."))]
    parts += _quoted(told, _("The reason:"))
    parts.append(_("That is no repair, and we do not count it as one."))
    return _news(_("Closed without repair"), told), [*parts, _open_again()]


def _not_ours(told: Told) -> tuple[str, list[Part]]:
    parts: list[Part] = [_about(told), Strong(_("It is not in our hands, so we cannot mend it."))]
    return _news(_("Not in our hands"), told), [
        *parts,
        *_quoted(told, _("In the words of who looked at it:")),
        _open_again(),
    ]


def _open_again() -> str:
    return _("You can have it opened again on your page. Say why; everybody can read it.")


def _reopened(told: Told) -> tuple[str, list[Part]]:
    report, move = told.report, told.move
    said = _what(told) | {"who": role(move.who, own=told.own)}
    parts: list[Part] = [
        _about(told),
        Strong(_("It was opened again on %(day)s %(who)s.") % said),
    ]
    parts += _quoted(told, _("The reason:"))
    if move.was.get("state") == State.FIXED:
        parts.append(_("We had said that it was mended. It was not, or it did not last, and we are sorry."))
    parts.append(promise(told.names, report))
    return _news(_("Open again"), told), parts


AFFECTED, ANYBODY = "somebody who is affected", "somebody who passed by"
OTHERS = (AFFECTED, ANYBODY)


def role(who: str, *, own: bool) -> str:
    """By whom something was done, without a name: everybody who is told may read it."""
    if who == REPORTER:
        return _("by you") if own else _("by the person who reported it")
    if who in OTHERS:
        return _("by somebody who is affected") if who == AFFECTED else _("by somebody who passed by")
    return _("by one of us")


def added(move: Move) -> str:
    """That something was added to a report by who is behind it."""
    return _("something was added") if move.words else _("a photo was added")


def _duplicate(told: Told) -> tuple[str, list[Part]]:
    first, names = told.first, told.names
    parts: list[Part] = [_about(told)]
    if first is not None:
        other = {"number": first.number, "title": title(names, first)}
        parts.append(
            Strong(_("It is about the same as report %(number)s: %(title)s. That one now stands for both.") % other)
        )
        parts.append(_("You count there as somebody it affects, and we tell you what becomes of it."))
        parts.append(promise(names, first))
    return _news(_("Reported before"), told), parts


def _ask_again(told: Told) -> tuple[str, list[Part]]:
    parts: list[Part] = [_("On %(day)s we told you that it was mended: %(title)s, report %(number)s.") % _what(told)]
    parts += [Strong(_("Is it mended, and has it lasted?")), _answers(told)]
    parts.append(_("We ask this once and not again. If it has not lasted, we open it again."))
    return _("Has it lasted? %(title)s (report %(number)s)") % _what(told), parts


Writer = Callable[[Told], tuple[str, Sequence[Part]]]
WORDS: Mapping[Occasion, Writer] = {
    Occasion.RECEIVED: _received,
    Occasion.AT_RISK: _late,
    Occasion.SLIPPED: _late,
    Occasion.AGAIN: _late,
    Occasion.BETTER: _better,
    Occasion.PAUSED: _paused,
    Occasion.MOVED: _moved,
    Occasion.WAITING: _waiting,
    Occasion.NEWS: _going_on,
    Occasion.MENDED: _mended,
    Occasion.NOT_FIXED: _not_fixed,
    Occasion.NOT_OURS: _not_ours,
    Occasion.REOPENED: _reopened,
    Occasion.DUPLICATE: _duplicate,
    Occasion.ASK_AGAIN: _ask_again,
}
