"""A table printed: every line, amount, exclusion and version of it is on the page, and the page stands alone."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from amends.ground.money import Money
from amends.recoveries import files, trying
from amends.recoveries.policy import packs
from amends.recoveries.policy.answering import answer
from amends.recoveries.policy.describing import describe
from amends.recoveries.policy.pages import html, markdown
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import REQUIRED

DOCS = Path(__file__).parents[2] / "docs/reference/rules"
STARTER = Path(files.__file__).parents[1] / "scenarios/starter/policies"
VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Reader(HTMLParser):
    """Which elements a page has, and whether each is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", packs.names())
def test_the_page_in_the_docs_is_what_the_rule_says_today(name: str) -> None:
    written = (DOCS / f"{name}.md").read_text("utf-8")

    again = f"amends policy docs {name} --format md -o docs/reference/rules/{name}.md"
    assert written == markdown(describe(packs.rule(name))), f"write it again: {again}"


@pytest.mark.parametrize("name", packs.names())
def test_a_page_is_whole_stands_alone_and_speaks_no_computer(name: str) -> None:
    text = html(describe(packs.rule(name)))
    reader = _Reader()
    reader.feed(text)

    assert reader.open == []
    assert reader.seen.count("h1") == 1
    assert "script" not in reader.seen
    assert not [value for key, value in reader.attributes if key in ("src", "href") and not str(value).startswith("#")]
    assert "url(" not in text
    spoken = re.sub(r"<code>[^<]*</code>", " ", text[text.index("<main>") : text.index("</main>")])
    body = re.sub(r"<[^>]+>", " ", spoken)
    assert "_" not in body
    assert not re.search(r"\b(None|True|False|null)\b", body)


def test_it_names_every_line_amount_exclusion_rate_and_version() -> None:
    repair = markdown(describe(packs.rule("ofcom_delayed_repair")))
    power = markdown(describe(packs.rule("gb_gsop_electricity")))

    assert "| from 1 April 2026 | £10.34 |" in repair
    assert "within 30 days after the day of the repair" in repair.lower()
    assert "| The customer caused it. | The engineer's report or the missed appointment. |" in repair
    assert "| 3 | The weather is category 1 and the time without supply is at least 24 hours. |" in power
    assert "£80.00 plus £40.00 for each further period, but at most £2,000.00." in power
    assert "### 2015" in power
    assert "cash of £70.00 plus £70.00 for each further period, but at most £700.00 (owed) became" in power


def test_its_examples_are_reckoned_by_the_rule_itself() -> None:
    page = describe(packs.rule("uk261"))

    assert {example.answer for example in page.examples} >= {"£220.00", "£350.00", "£260.00", "£520.00"}
    assert all(example.line for example in page.examples)


@pytest.mark.parametrize("name", packs.names())
def test_it_names_every_input_and_every_choice_and_says_how_the_first_example_is_asked(name: str) -> None:
    table, page = packs.rule(name), describe(packs.rule(name))
    shown = re.sub(r"<small>.*?</small>", "", html(page))

    for one in table.inputs.values():
        (row,) = re.findall(rf'<tr><th scope="row"><code>{one.name}</code>.*?</tr>', shown)
        assert all(f"<code>{choice}</code>" in row for choice in one.choices)
        assert (">required<" in row) == (one.default is REQUIRED)
    answered = answer(json.loads(page.line))
    assert Money.parse(answered["amount"], answered["currency"]).words() in page.examples[0].answer


def test_an_input_has_type_unit_values_and_what_holds_where_it_is_left_out() -> None:
    air = markdown(describe(packs.rule("eu261")))
    rent = markdown(describe(packs.rule("trai_outage")))
    power = markdown(describe(files.read(STARTER / "film-plays.yaml")))

    assert "| `distance_km` | the distance; also `distance` | number, kilometres | 0 to 25000 | required |" in air
    assert "| `kind` | what happened | choice | `delay`, `cancellation` or `denied_boarding` | `delay` |" in air
    assert (
        "| `arrival_delay_h` | the delay on arrival; also `delay_h` | number, hours | 0 to 87840 | not known |" in air
    )
    assert '| money | in INR, such as `"4.99"` | required |' in rent
    assert "| list of numbers, hours | each 0 to 25 | required |" in rent
    assert '| `price` | the price | money | with its currency, such as `"4.99 EUR"` | not known |' in power
    assert "startup_s" not in power


def test_the_line_of_a_policy_can_be_asked_as_it_stands() -> None:
    policy = files.read(STARTER / "film-plays.yaml")
    page = describe(policy)

    found = answer(json.loads(page.line), own=trying.deciders([policy], "", date(2026, 3, 1)))

    assert found["amount"] in page.examples[0].answer


def test_a_policy_of_the_house_is_printed_too() -> None:
    text = markdown(describe(files.read(STARTER / "film-plays.yaml")))

    assert "When a film you paid for is spoiled you get your money back, without asking." in text
    assert "30 % of the price and an apology." in text


def test_words_of_a_table_cannot_break_the_page() -> None:
    table = read_text(
        "rule: r\ntitle: '<script>alert(1)</script>'\ncurrency: EUR\ninputs: {a: {type: flag, words: 'x & <b>y</b>'}}\n"
        "versions: [{from: 2026-01-01, rows: [{id: z, when: {a: true}, then: [{cash: 1.00, owed: true}]}]}]",
        "r.yaml",
        {},
    )

    text = html(describe(table))

    assert "<script" not in text
    assert "<b>" not in text
    assert "X &amp; &lt;b&gt;y&lt;/b&gt;" in text


def test_yen_and_dinars_have_the_digits_of_their_currency() -> None:
    for currency, amount, shown in (("JPY", "500", "¥500"), ("KWD", "1.250", "KWD"), ("USD", "5.00", "$5.00")):
        table = read_text(
            f"rule: r\ncurrency: {currency}\ninputs: {{price: {{type: money}}}}\n"
            f"versions: [{{from: 2026-01-01, rows: [{{id: z, when: {{}}, then: [{{cash: {amount}, owed: true}}]}}]}}]",
            "r.yaml",
            {},
        )

        assert shown in markdown(describe(table))


def test_every_kind_of_input_is_asked_for_in_words() -> None:
    page = dict(describe(packs.rule("trai_outage")).inputs)

    assert page["The hours lost on each day"] == "A list of numbers, in hours; has to be known."
    for table in (*map(packs.rule, packs.names()), files.read(STARTER / "film-plays.yaml")):
        said = " ".join(text for _, text in describe(table).inputs)
        assert not re.search(r"\b[Aa]n? (numbers|days|severity|choice|flag)\b", said), said
