"""A table's page, printed: HTML that stands alone, in light and dark, on a phone and on paper; or Markdown."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files

from amends.recoveries.policy.comparing import Change
from amends.recoveries.policy.describing import Edition, Page
from amends.recoveries.policy.plainly import human

ASKED = "The inputs by name"
ONLY_WORDS = "This page was made from the rule itself: what it says is what is reckoned."


def html(page: Page) -> str:
    """One file, nothing fetched from anywhere."""
    body = "\n".join(_body(page))
    style = (files("amends.recoveries.policy") / "page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _body(page: Page) -> Iterator[str]:
    yield '<a class="skip" href="#gets">To what is due</a>'
    yield f'<header><p class="kicker">{escape(page.kicker)}</p><h1>{escape(page.title)}</h1>'
    yield f'<p class="lead">{escape(page.lead)}</p></header><main>' if page.lead else "</header><main>"
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in page.facts)
    yield f'<dl class="facts">{facts}</dl>'
    newest, *earlier = page.editions
    yield f'<section id="gets"><h2>What is due</h2><p class="how">{escape(newest.how)}</p>{_lines(newest)}</section>'
    for title, rates in page.rates:
        yield f"<section><h2>{escape(title)}</h2>{_table(('Events', 'Amount'), rates, 'rates')}</section>"
    if page.exclusions:
        shown = _table(("When", "What has to be shown"), page.exclusions)
        yield f"<section><h2>When nothing is due</h2>{shown}</section>"
    if page.examples:
        yield f"<section><h2>Worked examples</h2><ol class='examples'>{''.join(_examples(page))}</ol></section>"
    yield f"<section><h2>What is looked at</h2>{_table(('What', 'How it is given'), page.inputs)}</section>"
    if page.counted:
        steps = f"<details><summary>Step by step</summary>{_definitions(page.counted)}</details>"
        yield f"<section><h2>How it is counted</h2>{steps}</section>"
    if page.asked:
        yield f'<section id="inputs"><h2>{ASKED}</h2><p class="how">{_code(_how(page))}</p>'
        yield (f"<pre><code>{escape(page.line)}</code></pre>" if page.line else "") + f"{_asked(page)}</section>"
    if earlier:
        yield f"<section><h2>Earlier versions</h2>{''.join(_earlier(page))}</section>"
    if page.sources:
        sources = "".join(f"<li>{escape(one)}</li>" for one in page.sources)
        yield f"<section><h2>Sources</h2><ul>{sources}</ul></section>"
    yield f"</main><footer><p>{ONLY_WORDS}</p><p>Rule {escape(page.name)}, text {escape(page.digest[:16])}</p></footer>"


def _lines(edition: Edition) -> str:
    rows = [
        f'<tr><th scope="row"><span class="number">{line.number}</span></th>'
        f'<td data-label="When">{escape(line.when)}</td>'
        f'<td data-label="Due" class="due">{escape(line.gives)}'
        + (f"<small>{escape(line.terms)}</small>" if line.terms else "")
        + "</td></tr>"
        for line in edition.lines
    ]
    head = '<thead><tr><th scope="col">Line</th><th scope="col">When</th><th scope="col">What is due</th></tr></thead>'
    return f'<table class="lines">{head}<tbody>{"".join(rows)}</tbody></table>'


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]], kind: str = "pairs") -> str:
    cells = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    body = "".join(f'<tr><th scope="row">{escape(one)}</th><td>{escape(other)}</td></tr>' for one, other in rows)
    return f'<table class="{kind}"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'


def _how(page: Page) -> str:
    example = " The first example as such a line:" if page.line else ""
    return f"So they are called in a line of `amends policy decide`, and as columns.{example}"


def _asked(page: Page) -> str:
    heads = ("Input", "Type", "Values", "If left out")
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    rows = "".join(
        f'<tr><th scope="row">{_code(f"`{one.name}`")}<small>{_code(one.means)}</small></th>'
        + "".join(
            f'<td data-label="{label}">{_code(text)}</td>'
            for label, text in zip(heads[1:], (one.type, one.values, one.otherwise), strict=True)
        )
        + "</tr>"
        for one in page.asked
    )
    return f'<table class="asked"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _code(text: str) -> str:
    """Text with what stands between backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _definitions(pairs: Iterable[tuple[str, str]]) -> str:
    return (
        f"<dl class='counted'>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(text)}</dd>' for name, text in pairs)}</dl>"
    )


def _examples(page: Page) -> Iterator[str]:
    for one in page.examples:
        yield (
            f"<li><p>{escape(one.case)}</p><p class='answer'><strong>{escape(one.answer)}</strong> "
            f"<span>{escape(one.line)}</span></p></li>"
        )


def _earlier(page: Page) -> Iterator[str]:
    for later, edition in itertools.pairwise(page.editions):
        since = f", in force from {edition.since}" if edition.since and edition.since != edition.name else ""
        changes = "".join(f"<li>{escape(_what(one))}: {' became '.join(_sides(one))}</li>" for one in later.changes)
        yield f"<h3>{escape(edition.name)}{escape(since)}</h3>"
        if changes:
            yield f"<p>What {escape(later.name)} changed:</p><ul class='changes'>{changes}</ul>"
        yield f"<details><summary>The lines of {escape(edition.name)}</summary>{_lines(edition)}</details>"


def _sides(one: Change) -> list[str]:
    """What was and what is; only one of them where a line came or went."""
    before, after = f"<del>{escape(one.before)}</del>", f"<ins>{escape(one.after)}</ins>"
    return [text for text, there in ((before, one.before), (after, one.after)) if there]


def _what(one: Change) -> str:
    """A change by the line it is about."""
    where = human(one.where.strip(", "), keep=True)
    what = human(one.what, keep=True)
    return f"{where}, {what}" if where else what


# ---------------------------------------------------------------- Markdown


def markdown(page: Page) -> str:
    """The same page for a repository or a documentation site."""
    return "\n\n".join(filter(None, _parts(page))) + "\n"


def _parts(page: Page) -> Iterator[str]:
    yield f"# {page.title}"
    yield f"*{page.kicker}*"
    yield page.lead
    yield "\n".join(f"- **{name}**: {text}" for name, text in page.facts)
    newest, *earlier = page.editions
    yield f"## What is due\n\n{newest.how}\n\n{_md_lines(newest)}"
    for title, rates in page.rates:
        yield f"## {title}\n\n{_md_table(('Events', 'Amount'), rates)}"
    if page.exclusions:
        yield f"## When nothing is due\n\n{_md_table(('When', 'What has to be shown'), page.exclusions)}"
    if page.examples:
        lines = [f"1. {one.case} **{one.answer}** ({one.line})" for one in page.examples]
        yield "## Worked examples\n\n" + "\n".join(lines)
    yield f"## What is looked at\n\n{_md_table(('What', 'How it is given'), page.inputs)}"
    if page.counted:
        yield "## How it is counted\n\n" + "\n".join(f"- **{name}**: {text}" for name, text in page.counted)
    if page.asked:
        heads = ("Input", "What", "Type", "Values", "If left out")
        rows = [(f"`{one.name}`", one.means, one.type, one.values, one.otherwise) for one in page.asked]
        line = f"```json\n{page.line}\n```\n\n" if page.line else ""
        yield f"## {ASKED}\n\n{_how(page)}\n\n{line}{_md_table(heads, rows)}"
    if earlier:
        yield "## Earlier versions\n\n" + "\n\n".join(_md_earlier(page))
    if page.sources:
        yield "## Sources\n\n" + "\n".join(f"- {one}" for one in page.sources)
    yield f"{ONLY_WORDS} Rule `{page.name}`, text `{page.digest[:16]}`."


def _md_lines(edition: Edition) -> str:
    rows = [(str(line.number), line.when, f"{line.gives} {line.terms}".strip()) for line in edition.lines]
    return _md_table(("Line", "When", "What is due"), rows)


def _md_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _md_earlier(page: Page) -> Iterator[str]:
    for later, edition in itertools.pairwise(page.editions):
        changes = "\n".join(
            f"- {_what(one)}: {' became '.join(filter(None, (one.before, one.after)))}" for one in later.changes
        )
        said = f"What {later.name} changed:\n\n{changes}\n\n" if changes else ""
        yield f"### {edition.name}\n\n{said}{_md_lines(edition)}"
