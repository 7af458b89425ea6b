from __future__ import annotations

import io
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from amends.notices import lint, phrases, templates


def rules_of(text: str) -> set[str]:
    return {finding.rule for finding in lint.lint_text(text, whole=False)}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("You may have\nexperienced buffering.", "conditional-impact"),
        ("If you were among those affected by the outage, write to us.", "conditional-impact"),
        ("A small number of our customers saw errors.", "conditional-impact"),
        ("Möglicherweise haben Sie die Störung bemerkt.", "conditional-impact"),
        ("We apologise for any inconvenience.", "conditional-apology"),
        ("Sollten Ihnen Nachteile entstanden sein, tut uns das leid.", "conditional-apology"),
        ("Click here to claim your refund.", "claim-burden"),
        ("Bitte lösen Sie den Gutschein ein.", "claim-burden"),
        ("The voucher is valid until 31 December.", "claim-deadline"),
        ("Upgrade now to Premium.", "selling"),
        ("Wir bitten um Ihr Verständnis.", "thanks-for-patience"),
        ("Es kam leider zu Ausfällen.", "agentless"),
    ],
)
def test_the_meaning_is_found_and_not_one_phrase(text: str, rule: str) -> None:
    assert rule in rules_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "You do not need to claim anything.",
        "Nothing is left for you to fill in.",
        "Sie müssen nichts beantragen.",
        "> We apologise for any inconvenience.",
        "We are sorry for the inconvenience that we caused you.",
        "If you want to talk to a person, call 0800 1234.",
    ],
)
def test_what_takes_the_burden_away_is_no_finding(text: str) -> None:
    assert rules_of(text) == set()


def test_a_sentence_over_two_lines_is_reported_where_it_begins() -> None:
    (finding,) = lint.lint_text("Hello.\n\nWe are sorry. You may\nhave experienced buffering.")

    assert (finding.line, finding.rule) == (3, "conditional-impact")


def test_a_page_is_read_as_it_is_shown(tmp_path: Path) -> None:
    page = tmp_path / "news.html"
    page.write_text(
        "<p>We are sorry.</p>\n<script>'click here to claim your refund'</script>\n<p>for <b>any</b> delay</p>"
    )

    assert lint.lint_file(page) == []


def test_a_mail_is_read_by_its_subject_and_words(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Claim your refund now"
    mail.set_content("We are sorry that your film stopped.")
    path = tmp_path / "sent.eml"
    path.write_bytes(bytes(mail))

    assert [finding.rule for finding in lint.lint_file(path)] == ["claim-burden"]


def test_bytes_that_are_no_text_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe Claim your refund.")))

    assert lint.lint_paths(["-"]) == 1


def test_a_kind_that_lacks_a_language_is_told(tmp_path: Path) -> None:
    for name in ("film.refund.en.md", "film.refund.de.md", "film.credit.en.md"):
        (tmp_path / name).write_text("---\nsubject: x\n---\n")

    assert [Path(finding.file).name for finding in templates.untranslated(tmp_path)] == ["film.credit.de.md"]


@pytest.mark.parametrize("name", ["Ada\r\nBcc: eve@evil.example", "www.evil.example", "\u202eadA", "A" * 500])
def test_a_name_cannot_change_the_letter(name: str) -> None:
    shown = phrases.greeting(name, "en")

    assert len(shown) < 100
    assert not set(shown) & {"\n", "\r", "\u202e"}
    assert "evil.example" not in shown
