"""The linter for words to customers: finds what hedges, blames, sells or asks; the rules stand in `rules`."""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path

from amends.notices import templates
from amends.notices.records import Finding
from amends.notices.rules import APOLOGY, RULES, Rule

READABLE = (".md", ".txt", ".html", ".htm", ".eml")
BLOCK = "\x1e"  # stands where a page begins a new block within one line
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "\u00ad": None})
_MARKS = re.compile(r"[*_`]+|^\s*(?:#+|[-*+]|\d+[.)]|\?)\s+")
_NEW_THOUGHT = re.compile(r"^\s*(?:#|[-*+] |\d+[.)] |\? |subject: |---|\|)", re.IGNORECASE)
_ASIDE = re.compile(r"<(style|script|blockquote|code|pre|head)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BLOCK = re.compile(r"</?(?:p|div|li|ul|ol|td|th|tr|table|h[1-6]|br|hr|title|section|article)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")


def flowing(text: str) -> tuple[str, list[int]]:
    """A text as it is read: sentences whole again, marks of Markdown and quoted lines gone; and where each line begins.

    Only a new thought (an empty line, a heading, a point of a list) begins a new line.
    """
    parts: list[str] = []
    starts: list[int] = []
    length, fenced = 0, False
    for line in text.split("\n"):
        fence = line.lstrip().startswith(("```", "~~~"))
        fenced ^= fence
        aside = fenced or fence or line.lstrip().startswith(">")
        blocks = [] if aside else _MARKS.sub("", line.translate(_PLAIN)).split(BLOCK)
        words = "\n".join(" ".join(block.split()) for block in blocks)
        begins = not parts or not words or _NEW_THOUGHT.match(line)
        parts.append(("\n" if begins else " ") + words)
        starts.append(length)
        length += len(parts[-1])
    return "".join(parts), starts


def lint_text(text: str, file: str = "-", first_line: int = 1, *, whole: bool = True) -> list[Finding]:
    """What is wrong with a text to customers; `whole` messages must also contain an apology."""
    flow, starts = flowing(text)
    findings = []
    for rule in RULES:
        for at, words in _matches(rule, flow):
            line = first_line + bisect_right(starts, at) - 1
            findings.append(Finding(file, line, rule.severity, rule.name, words, rule.hint))
    if whole and flow.strip() and not APOLOGY.compiled.search(flow):
        hint = "say sorry, plainly; responsibility matters most (Lewicki and others 2016)"
        findings.append(Finding(file, first_line, "warning", "no-apology", "", hint))
    return sorted(findings, key=lambda finding: (finding.line, finding.rule))


def against(words: str) -> str:
    """Why an operator's words cannot stand before a customer as they are, with the rule's hint; empty when they can."""
    wrong = [one for one in lint_text(words, whole=False) if one.severity == "error"]
    return f"the customer reads this reason: {wrong[0].text!r}: {wrong[0].hint}" if wrong else ""


def _matches(rule: Rule, flow: str) -> Iterator[tuple[int, str]]:
    """Where a rule speaks and what it saw, without what the words before it take back ("you need not claim it")."""
    for match in rule.wording.compiled.finditer(flow):
        before = flow[max(0, match.start() - 80) : match.start()]
        if rule.unless is None or not rule.unless.compiled.search(before):
            words = match[0].strip()
            yield match.start() + match[0].find(words[:1]), words


def lint_file(path: Path) -> list[Finding]:
    """A template by its slots and its words, a page or a mail by what is shown of it, anything else by its words."""
    data = path.read_bytes()
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if path.suffix == ".md" and text.startswith("---"):
        _, findings = templates.read(path)
        return findings + lint_text(_without_slot_names(text), str(path))
    if path.suffix in (".html", ".htm"):
        text = _shown(text)
    if path.suffix == ".eml":
        return _lint_mail(data, str(path))
    return lint_text(text, str(path))


def _without_slot_names(text: str) -> str:
    """A template's words: the names of its slots are not spoken."""
    return re.sub(r"^(?:## .*|---.*)$", "", text, flags=re.MULTILINE)


def _shown(html: str) -> str:
    """What a page shows, on the lines where it stands."""
    lines = unescape(_ASIDE.sub(lambda match: "\n" * match[0].count("\n"), html))
    words = _BLOCK.sub(lambda match: BLOCK + "\n" * match[0].count("\n"), lines)
    return _TAG.sub(lambda match: "\n" * match[0].count("\n"), words)


def _lint_mail(data: bytes, file: str) -> list[Finding]:
    """Subject and shown words of a mail; lines are those of its words."""
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain", "html"))
    text = str(body.get_content()) if body else ""
    if body is not None and body.get_content_type() == "text/html":
        text = _shown(text)
    return [*lint_text(str(message["subject"] or ""), file, whole=False), *lint_text(text, file)]


def lint_paths(paths: Sequence[str], form: str = "jsonl") -> int:
    """Print each finding, as a JSON line or for people; 1 when one of them is an error, 2 when a path cannot be read."""
    worst, count = 0, 0
    for finding in _all(paths):
        count += 1
        print(json.dumps(asdict(finding), ensure_ascii=False) if form == "jsonl" else _for_people(finding))
        worst = max(worst, 2 if finding.rule == "unreadable" else int(finding.severity == "error"))
    if form != "jsonl" and not count:
        print("No weaselly words found.")
    return worst


def _for_people(finding: Finding) -> str:
    said = f": {finding.text!r}" if finding.text else ""
    place = f"{finding.file or 'standard input'}:{finding.line}"
    return f"{place}: {finding.severity}: {finding.rule}{said}\n    {finding.hint}"


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" in file.read(8192)


def _all(paths: Sequence[str]) -> Iterator[Finding]:
    for name in paths:
        path = Path(name)
        if name == "-":
            yield from lint_text(sys.stdin.buffer.read().decode("utf-8", "replace"))
        elif path.is_dir():
            for inner in sorted(p for p in path.rglob("*") if p.suffix in READABLE and p.is_file()):
                yield from lint_file(inner)
            yield from templates.untranslated(path)
        elif path.is_file():
            binary = Finding(name, 0, "error", "unreadable", "", "a binary file: there are no words in it to read")
            yield from [binary] if _is_binary(path) else lint_file(path)
        else:
            yield Finding(name, 0, "error", "unreadable", "", "no such file")
