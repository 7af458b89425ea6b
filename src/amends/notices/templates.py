"""Templates: Markdown with a head and one section per slot; placeholders are plain `{names}`, nothing runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from amends.notices import manner
from amends.notices.records import Finding

SLOTS = ("what", "when", "for_you", "cause", "ours", "remedy_done", "prevention", "contact", "nothing_to_do")
NEEDED = ("what", "for_you", "ours", "remedy_done", "contact", "nothing_to_do")
CONTEXT = (
    *("greeting", "title", "day", "time", "what_happened", "amount", "receipt", "company", "contact_email", "report"),
    *("contact_phone", "link", "until_day", "until_time", "off_for", "tried"),
    *("owed", "goodwill", "pay_by", "kept"),
    *manner.CONTEXT,
)
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_NAME = re.compile(r"^(?P<kind>[a-z0-9_.-]+)\.(?P<locale>[a-z]{2}(?:-[A-Z]{2})?)\.md$")


@dataclass(frozen=True)
class Template:
    """One kind of notice in one language. `slots` maps slot names to (line, text)."""

    file: str
    kind: str
    locale: str
    subject: str
    slots: Mapping[str, tuple[int, str]]


Written = Mapping[tuple[str, str], Template]


def read_all(directory: Path) -> tuple[dict[tuple[str, str], Template], list[Finding]]:
    """Every template of `directory/notices` by (kind, locale), and what is wrong in those that cannot be used."""
    stamps = tuple((str(path), path.stat().st_mtime_ns) for path in sorted((directory / "notices").glob("*.md")))
    return _read_all(stamps)


@cache
def _read_all(stamps: tuple[tuple[str, int], ...]) -> tuple[dict[tuple[str, str], Template], list[Finding]]:
    found, findings = {}, []
    for name, _ in stamps:
        template, wrong = read(Path(name))
        findings += wrong
        if template is not None and not any(finding.severity == "error" for finding in wrong):
            found[template.kind, template.locale] = template
    return found, findings


def candidates(
    found: Written, promise: str, kind: str, languages: Sequence[str], *, sure: bool = True
) -> list[Template]:
    """Templates that could say it, best first: what is true before what is near, the customer's language before others.

    Of whom we cannot be sure, the words for that come first (`PROMISE.KIND.uncertain`), in whatever language there are.
    """
    plain = [(f"{name}.{kind}", wanted) for wanted in dict.fromkeys(languages) for name in (promise, "any")]
    careful = [] if sure else [(f"{name}.uncertain", wanted) for name, wanted in plain]
    return [found[name] for name in (*careful, *plain) if name in found]


def untranslated(directory: Path) -> list[Finding]:
    """Kinds of notice that lack a language which other kinds beside them have."""
    names = [match for path in sorted(directory.glob("*.md")) if (match := _NAME.match(path.name))]
    spoken, have = {name["locale"] for name in names}, {(name["kind"], name["locale"]) for name in names}
    missing = sorted({(name["kind"], locale) for name in names for locale in spoken} - have)
    hint = "write it, or customers of that language are spoken to in another"
    return [
        Finding(str(directory / f"{kind}.{locale}.md"), 0, "warning", "missing-translation", kind, hint)
        for kind, locale in missing
    ]


def read(path: Path) -> tuple[Template | None, list[Finding]]:
    """One template and what is wrong with it."""
    match = _NAME.match(path.name)
    if not match:
        hint = "name it KIND.LOCALE.md, such as film-plays.refund.en.md"
        return None, [Finding(str(path), 1, "error", "file-name", path.name, hint)]
    return parse(path.read_text("utf-8", "replace"), str(path), match["kind"], match["locale"])


def parse(text: str, file: str, kind: str, locale: str) -> tuple[Template | None, list[Finding]]:
    head, body, first = _split(text)
    try:
        fields = yaml.safe_load(head) or {}
    except yaml.YAMLError as error:
        return None, [Finding(file, 1, "error", "head", str(error), "write subject: … between two lines of ---")]
    subject = str(fields.get("subject", "")) if isinstance(fields, dict) else ""
    template = Template(file, kind, locale, subject, _sections(body, first))
    return template, [*_check(template)]


def _split(text: str) -> tuple[str, list[str], int]:
    lines = text.splitlines()
    if lines and lines[0].strip() == "---" and "---" in [line.strip() for line in lines[1:]]:
        end = [line.strip() for line in lines].index("---", 1)
        return "\n".join(lines[1:end]), lines[end + 1 :], end + 2
    return "", lines, 1


def _sections(lines: list[str], first: int) -> dict[str, tuple[int, str]]:
    sections: dict[str, tuple[int, list[str]]] = {}
    current = ""
    for number, line in enumerate(lines, first):
        if line.startswith("## "):
            current = line[3:].strip()
            sections[current] = (number, [])
        elif current:
            sections[current][1].append(line)
    return {name: (number, "\n".join(text).strip()) for name, (number, text) in sections.items()}


def _check(template: Template) -> list[Finding]:
    file, found = template.file, []
    if not template.subject:
        found.append(Finding(file, 1, "error", "subject", "", "write subject: … in the head"))
    for slot in NEEDED:
        if not template.slots.get(slot, (0, ""))[1]:
            found.append(Finding(file, 1, "error", "missing-slot", slot, f"write a section ## {slot}"))
    for name, (line, text) in template.slots.items():
        if name not in SLOTS:
            found.append(Finding(file, line, "error", "unknown-slot", name, f"slots are {', '.join(SLOTS)}"))
        found += _unknown(file, line, text)
    return [*found, *_unknown(file, 1, template.subject)]


def _unknown(file: str, line: int, text: str) -> list[Finding]:
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in CONTEXT]
    hint = f"placeholders are {', '.join('{' + name + '}' for name in CONTEXT)}"
    return [Finding(file, line, "error", "unknown-placeholder", "{" + name + "}", hint) for name in unknown]


def fill(text: str, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """Put values in; a line that begins with `? ` is left out when one of its values is unknown. Missing names too."""
    kept, missing = [], []
    for line in text.splitlines():
        optional = line.startswith("? ")
        names = _PLACEHOLDER.findall(line)
        unknown = [name for name in names if not values.get(name)]
        if unknown and optional:
            continue
        missing += unknown
        kept.append(_PLACEHOLDER.sub(lambda match: values.get(match[1], ""), line.removeprefix("? ")))
    return "\n".join(kept).strip(), missing
