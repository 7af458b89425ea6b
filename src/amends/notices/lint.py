"""The linter for words to customers: finds what hedges, blames, sells or asks; rules from published research."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import unescape
from pathlib import Path

from amends.notices import templates
from amends.notices.records import Finding


@dataclass(frozen=True)
class Rule:
    """One way in which words fail a customer."""

    name: str
    severity: str
    pattern: re.Pattern[str]
    hint: str


def _rule(name: str, severity: str, hint: str, *patterns: str) -> Rule:
    return Rule(name, severity, re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE), hint)


_SOME = r"(?:some|certain|several|a (?:small )?(?:number|subset|portion|percentage|handful) of|a few|many|a limited number of)"
_PEOPLE = r"(?:of (?:our |you |your )?)?(?:users?|customers?|subscribers?|members?|viewers?|people|accounts?|guests?|clients?|residents?|travell?ers?|passengers?)"
_MAY = r"(?:may|might|could)(?: well)?(?: also)?"
RULES: tuple[Rule, ...] = (
    _rule(
        "conditional-impact",
        "error",
        "say what happened to this customer; where you cannot know, say that, and give the remedy anyway",
        rf"\b(?:you|your [a-z ]{{1,30}}?)\s+{_MAY}\s+(?:have\s+(?:been\s+)?(?:experienc|had|notic|encounter|seen|affect|impact|felt|faced|lost|miss|found|receiv|suffer)|(?:be|been)\s+(?:affect|impact)|experience\b|notice\b|encounter\b|see\s+(?:some|a)\b)\w*",
        rf"\b(?:{_SOME}\s+)?{_PEOPLE}\s+{_MAY}\s+(?:have|be|experience|see|notice|encounter)\b",
        rf"\b{_SOME}\s+{_PEOPLE}\s+(?:were|was|are|have|had|experienc|saw|notic|report|encounter|could not|couldn't)",
        r"\bif you (?:were|are|have been|had been|think you (?:were|are)) (?:affected|impacted|among)",
        r"\b(?:potentially|possibly) (?:affected|impacted)\b",
        r"\bSie (?:könnten|dürften|haben möglicherweise|haben vielleicht|waren möglicherweise)\b",
        r"\bmöglicherweise\b[^.]{0,60}\b(?:betroffen|bemerkt|erlebt|festgestellt)",
        r"\b(?:einige|manche|einzelne|bestimmte) (?:Kund\w+|Nutzer\w*|Zuschauer\w*)",
        r"\b(?:falls|wenn|sollten) Sie (?:davon )?betroffen",
    ),
    _rule(
        "conditional-apology",
        "error",
        "apologise for what happened, without if or any",
        r"\b(?:sorry|apologi[sz]e|apologies|regret)\b[^.!?\n]{0,40}\b(?:if|in case)\b",
        r"\b(?:sorry|apologi[sz]e|apologies|regret)\b[^.!?\n]{0,30}\bany\b[^.!?\n]{0,40}",
        r"\b(?:sorry|apologi[sz]e|apologies|regret)\b[^.!?\n]{0,60}\b(?:may|might|could) have (?:caused|been)",
        r"\b(?:entschuldig\w+|bedauern|tut uns leid)\b[^.!?\n]{0,40}\b(?:falls|sollte|sollten|etwaige|eventuelle|mögliche)",
        r"\b(?:etwaige|eventuelle|mögliche) (?:Unannehmlichkeit|Störung)\w*",
    ),
    _rule(
        "claim-burden",
        "error",
        "apply the remedy yourself and say that it is done",
        r"\b(?:click|tap|visit|go to|log ?in|sign ?in|follow)\b[^.!?\n]{0,60}\b(?:to (?:claim|redeem|activate|receive|request|get)|(?:claim|redeem|activate) (?:your|the|it))",
        r"\b(?:to|please|must|can|need to|may) (?:claim|redeem|activate)\b[^.!?\n]{0,40}\b(?:credit|refund|compensation|voucher|code|coupon|offer|it|data|discount|your)",
        r"\b(?:claim|redeem|activate|apply for|request) (?:your |this |the |a )?(?:credit|refund|compensation|voucher|coupon|discount|code|offer)\b",
        r"\b(?:register|fill (?:in|out)|submit|complete) [^.!?\n]{0,40}\b(?:form|claim|request)\b",
        r"\b(?:use|enter|quote) (?:the |this |your )?(?:promo(?:tional)? |voucher |discount )?code\b",
        r"\b(?:einlösen|beantragen|anfordern|aktivieren Sie|registrieren Sie sich|klicken Sie hier)\b",
    ),
    _rule(
        "claim-deadline",
        "error",
        "a remedy has no deadline; apply it",
        r"\b(?:within|in) (?:the next )?(?:\d+|seven|ten|fourteen|thirty) (?:business |working )?days?\b[^.!?\n]{0,40}\b(?:to (?:claim|redeem|apply)|or (?:it|the))",
        r"\b(?:claim|redeem|apply|request|activate|use it|valid|expires?)\b[^.!?\n]{0,50}\b(?:within \d+|by (?:\d|january|february|march|april|may \d|june|july|august|september|october|november|december)|until|before \d|expires?)\b",
        r"\bexpir(?:es|ing|y)\b",
        r"\b(?:innerhalb von|binnen) \d+ (?:Tagen|Wochen)\b[^.!?\n]{0,40}\b(?:einl|beantrag|anford)",
    ),
    _rule(
        "selling",
        "error",
        "an apology sells nothing (Becker, Spann and Barrot 2020)",
        r"\b(?:upgrade (?:to|now|today)|buy (?:now|today)|order now|shop now|subscribe (?:now|today)|check out our|discover our|try our new)\b",
        r"\b(?:special|exclusive|limited(?:[- ]time)?) (?:offer|deal|discount)\b",
        r"\b\d+ ?% off (?:your next|all|any)\b",
        r"\b(?:jetzt (?:bestellen|kaufen|buchen|upgraden)|Sonderangebot|exklusives Angebot)\b",
    ),
    _rule(
        "inconvenience",
        "warning",
        "name what it cost the customer; or write: the inconvenience that we caused",
        r"\binconvenienc\w*(?!\s+(?:that )?we (?:have )?caused)",
        r"\bUnannehmlichkeit\w*(?!,? die wir)",
    ),
    _rule(
        "blame",
        "warning",
        "say what was ours; a cause is told after the responsibility, not instead of it",
        r"\b(?:due to|because of|caused by|as a result of|owing to)\b[^.!?\n]{0,60}\b(?:third[- ]party|vendor|supplier|partner|provider|weather|storm|attack|hacker|upstream|external|contractor|carrier|unforeseen|circumstances beyond)",
        r"\b(?:beyond|outside) our control\b",
        r"\b(?:aufgrund|wegen|durch)\b[^.!?\n]{0,50}\b(?:Drittanbieter|Dienstleister|Lieferant|Partner|Wetter|Angriff|extern)\w*",
        r"\baußerhalb unserer Kontrolle\b",
    ),
    _rule(
        "agentless",
        "warning",
        "say who did it: we",
        r"\b(?:this|the|an) (?:incident|issue|outage|disruption|problem|event|error) (?:has )?occurred\b",
        r"\b(?:technical|network|system) (?:issues?|difficult(?:y|ies)|problems?|glitch(?:es)?)\b",
        r"\bwas (?:found|determined|discovered) to be\b",
        r"\bmistakes were made\b",
        r"\btechnische[nr]? (?:Probleme?n?|Schwierigkeiten|Störung(?:en)?)\b",
        r"\b(?:ist|sind) (?:es )?zu (?:einer |einem )?\w*(?:Störung|Problem|Ausfall)\w* gekommen\b",
        r"\bkam es zu\b",
    ),
    _rule(
        "minimising",
        "warning",
        "leave out how small it was: the customer knows",
        r"\b(?:only|just|merely) (?:a )?(?:small|brief|short|minor|few|affected)\b",
        r"\b(?:brief|minor|slight|small|isolated|momentary) (?:disruption|interruption|outage|issue|incident|delay|glitch|hiccup|problem)\b",
        r"\b(?:a )?small (?:number|percentage|fraction|subset|portion)\b",
        r"\b(?:kurze|kleine|geringfügige) (?:Störung|Unterbrechung|Verzögerung|Problem)\w*",
    ),
    _rule(
        "self-praise",
        "warning",
        "praise has no place in an apology",
        r"\b(?:pride ourselves|we are proud|world[- ]class|industry[- ]leading|best[- ]in[- ]class|around the clock|tirelessly|work(?:ed|ing) hard|committed to (?:providing|delivering|excellence))\b",
        r"\b(?:rund um die Uhr|mit Hochdruck|stolz auf|höchste Qualität)\b",
    ),
    _rule(
        "self-defence",
        "warning",
        "do not defend; say what you will change",
        r"\b(?:despite our best efforts|extremely rare|very rare|unprecedented|no company is|nobody is perfect|as you (?:may|can) (?:know|imagine|understand))\b",
        r"\b(?:trotz aller Bemühungen|äußerst selten|beispiellos)\b",
    ),
    _rule(
        "thanks-for-patience",
        "warning",
        "nobody was asked whether they would be patient",
        r"\b(?:thank(?:s| you)|appreciate)\b[^.!?\n]{0,40}\b(?:patience|understanding|bearing with)",
        r"\b(?:danken|bedanken)\b[^.!?\n]{0,30}\b(?:Geduld|Verständnis)",
        r"\b(?:bitten|bitte)\b[^.!?\n]{0,20}\bum (?:Ihr )?Verständnis",
    ),
    _rule(
        "euphemism",
        "warning",
        "use the plain word",
        r"\b(?:service (?:degradation|interruption|event)|degraded (?:performance|experience)|suboptimal|intermittent(?:ly)?|less than ideal|not (?:up to|the) (?:standard|experience) (?:we|you)|fell short of expectations)\b",
        r"\b(?:Beeinträchtigung(?:en)?|suboptimal)\b",
    ),
    _rule(
        "bare-promise",
        "warning",
        "say what you have changed, not that you will do better (Halperin and others 2022)",
        r"\b(?:we (?:will|promise to|strive to|aim to|are committed to) (?:do better|improv\w+|ensur\w+ (?:that )?this)|(?:will|won't|shall) (?:not|never) happen again)\b",
        r"\b(?:wir (?:werden|wollen) (?:uns )?(?:verbessern|besser werden)|wird nicht wieder vorkommen)\b",
    ),
)
_APOLOGY = re.compile(
    r"\b(?:sorry|apologi[sz]e|apology|apologies|our fault|we failed|we let you down|Entschuldigung|entschuldigen|tut uns leid|unser Fehler)\b",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]+>", re.IGNORECASE | re.DOTALL)


def lint_text(text: str, file: str = "-", first_line: int = 1, *, whole: bool = True) -> list[Finding]:
    """What is wrong with a text to customers; `whole` messages must also contain an apology."""
    findings = []
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            line = first_line + text.count("\n", 0, match.start())
            findings.append(Finding(file, line, rule.severity, rule.name, " ".join(match[0].split()), rule.hint))
    if whole and text.strip() and not _APOLOGY.search(text):
        hint = "say sorry, plainly; responsibility matters most (Lewicki and others 2016)"
        findings.append(Finding(file, first_line, "warning", "no-apology", "", hint))
    return sorted(findings, key=lambda finding: (finding.line, finding.rule))


def lint_file(path: Path) -> list[Finding]:
    """A template by its slots and its words, anything else by its words."""
    text = path.read_text("utf-8", "replace")
    if path.suffix == ".md" and text.startswith("---"):
        template, findings = templates.read(path)
        body = "\n".join(part for _, part in template.slots.values()) if template else text
        head = text.count("\n", 0, text.find("\n## ")) if "\n## " in text else 0
        words = lint_text(text, str(path), 1) if not template else lint_text(_blank_head(text, head), str(path), 1)
        return findings + [finding for finding in words if body]
    if path.suffix in (".html", ".htm"):
        text = unescape(_TAG.sub(lambda match: "\n" * match[0].count("\n"), text))
    return lint_text(text, str(path))


def _blank_head(text: str, lines: int) -> str:
    return "\n" * lines + "\n".join(text.split("\n")[lines:])


def lint_paths(paths: Sequence[str]) -> int:
    """Print a JSON line per finding; 1 when one of them is an error, 2 when a path cannot be read."""
    worst = 0
    for finding in _all(paths):
        print(json.dumps(asdict(finding), ensure_ascii=False))
        worst = max(worst, 2 if finding.rule == "unreadable" else int(finding.severity == "error"))
    return worst


def _all(paths: Sequence[str]) -> Iterator[Finding]:
    for name in paths:
        path = Path(name)
        if name == "-":
            yield from lint_text(sys.stdin.read())
        elif path.is_dir():
            for inner in sorted(p for p in path.rglob("*") if p.suffix in (".md", ".txt", ".html")):
                yield from lint_file(inner)
        elif path.is_file():
            yield from lint_file(path)
        else:
            yield Finding(name, 0, "error", "unreadable", "", "no such file")
