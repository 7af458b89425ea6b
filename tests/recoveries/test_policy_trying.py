"""`amends policy decide --policy FILE`: lines decided by a company's own policy, as the worker would decide."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amends.cli.main import app
from amends.recoveries import files, trying
from amends.recoveries.policy.answering import answer, as_text
from amends.recoveries.policy.parsing import read_text

STARTER = Path(files.__file__).parents[1] / "scenarios/starter/policies"
ORDERS = """policy: orders
promise: orders
statute: [eu_rail]
inputs:
  late_days: {type: count, default: 0}
versions:
  - from: 2026-01-01
    rows:
      - {id: very-late, when: {late_days: {">=": 5}}, then: [{refund: {percent: 50, of: price}}, apology]}
      - {id: otherwise, when: {}, then: [apology]}
  - from: 2026-06-01
    rows:
      - {id: very-late, when: {late_days: {">=": 5}}, then: [{refund: {percent: 60, of: price, cap: 9.00 EUR}}]}
      - {id: otherwise, when: {}, then: [], person: look at it}
"""
MAY = {"on": "2026-05-31"}


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.yaml"
    path.write_text(ORDERS.replace("statute: [eu_rail]\n", ""))
    return path


def ask(path: Path, currency: str = "", /, **case: Any) -> dict[str, Any]:
    own = trying.deciders([files.read(path)], currency, date(2026, 7, 1))
    return answer({"id": 1, **case}, own=own)


def run(*args: str, text: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["policy", *args], input=text)
    return done.exit_code, done.output


def test_a_line_names_the_policy_and_gets_its_remedies(orders: Path) -> None:
    found = ask(orders, rule="orders", inputs={"late_days": 6, "price": "10.00 EUR"}, **MAY)

    assert (found["amount"], found["currency"], found["reason"], found["row"]) == ("5.00", "EUR", "ok", "very-late")
    assert found["remedies"] == [
        {"kind": "refund", "amount": "5.00", "owed": False},
        {"kind": "apology", "amount": None, "owed": False},
    ]
    assert found["person"] is None
    assert found["trace"]["version"] == "2026-01-01"


def test_the_day_chooses_the_version_and_without_one_it_is_today(orders: Path) -> None:
    given = {"late_days": 6, "price": "20.00 EUR"}

    assert ask(orders, inputs=given, **MAY)["amount"] == "10.00"
    assert ask(orders, inputs=given)["amount"] == "9.00"
    assert ask(orders, inputs=given)["reason"] == "capped"
    assert ask(orders, inputs=given, on="2025-12-31")["error"] == {
        "field": "on",
        "reason": "orders has no version for 2025-12-31; known: from 2026-01-01 on",
    }
    assert "2026-13-01" in ask(orders, inputs=given, on="2026-13-01")["error"]["reason"]


def test_the_currency_is_the_one_told_or_that_of_the_price_or_the_one_the_policy_speaks_of(orders: Path) -> None:
    told = ask(orders, inputs={"late_days": 6, "price": "500"}, currency="JPY", **MAY)
    company = ask(orders, "USD", inputs={"late_days": 6, "price": "5.00"}, **MAY)

    assert (told["currency"], told["amount"]) == ("JPY", "250")
    assert company["currency"] == "USD"
    assert ask(orders, "USD", inputs={"price": "5.00 EUR"})["currency"] == "EUR"
    assert ask(orders, inputs={"late_days": 1})["currency"] == "EUR"
    both = ask(orders, inputs={"price": "5.00 EUR"}, currency="USD")
    assert both["error"] == {"field": "currency", "reason": "EUR and USD at once; a case has one currency"}


def test_a_policy_that_speaks_of_no_currency_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(ORDERS.replace(", cap: 9.00 EUR", ""))

    error = ask(path, inputs={"price": "5.00"})["error"]

    assert error["field"] == "currency"
    assert '"4.99 EUR"' in error["reason"]


def test_what_is_not_known_brings_a_person_in_as_the_worker_would(orders: Path) -> None:
    unknown = ask(orders, inputs={"late_days": 6})
    nothing = ask(orders, inputs={})

    assert (unknown["eligible"], unknown["reason"]) == (False, "escalate_to_person")
    assert unknown["person"] == "the refund cannot be reckoned: price is not known"
    assert nothing["person"] == "look at it"
    assert as_text(nothing) == "1: EUR 0.00 (otherwise); for a person: look at it"
    assert as_text(ask(orders, inputs={"price": "1.00 EUR"}, **MAY)) == "1: EUR 0.00 (nothing due); apology"


def test_the_statute_underneath_counts(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(ORDERS)
    given = {"late_days": 0, "price": "10.00 EUR", "ticket_price": "40.00 EUR", "delay_min": 130}

    found = ask(path, inputs=given, **MAY)

    assert (found["amount"], found["remedies"][0]["owed"]) == ("20.00", True)
    assert ask(path, inputs={**given, "mood": 1})["error"]["field"] == "mood"


def test_decide_takes_files_directories_and_an_installation(orders: Path, tmp_path: Path) -> None:
    line = json.dumps({"id": 1, "rule": "orders", "inputs": {"late_days": 6, "price": "10.00"}, **MAY})
    rail = json.dumps({"id": 2, "rule": "eu_rail", "inputs": {"ticket_price": "80.00", "delay_min": 75}})
    house = tmp_path / "house"
    (house / "policies").mkdir(parents=True)
    (house / "policies/orders.yaml").write_text(orders.read_text())
    (house / "amends.toml").write_text('[company]\nname = "N"\ncurrency = "USD"\n')

    for how in (["--policy", str(orders)], ["--policy", str(tmp_path), "--currency", "USD"], ["--dir", str(house)]):
        code, text = run("decide", *how, "--no-trace", "-", text=f"{line}\n{rail}\n")

        assert code == 0, text
        assert [json.loads(one)["amount"] for one in text.splitlines()] == ["5.00", "20.00"]


def test_without_the_file_a_line_is_told_how_to_hand_it_over() -> None:
    reason = answer({"id": 1, "rule": "orders.yaml", "inputs": {}})["error"]["reason"]

    assert "a policy of your own is handed over with --policy FILE" in reason


def test_a_name_means_one_table(orders: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(orders.read_text())
    orders.write_text(ORDERS.replace("policy: orders", "policy: eu_rail"))

    assert "eu_rail is the name of a published rule too" in run("decide", "--policy", str(orders), text="")[1]
    orders.write_text(again.read_text())
    code, text = run("decide", "--policy", str(orders), "--policy", str(again), text="")
    assert code == 2
    assert "orders is the name of" in text


def test_explain_takes_a_day_a_currency_and_amounts_with_one(orders: Path) -> None:
    how = ("explain", "--rule", str(orders), "--inputs", '{"late_days": 6, "price": "20.00 USD"}')

    assert "You get $10.00." in run(*how, "--on", "2026-03-01")[1]
    assert (
        "You get $10.00."
        in run(*how[:-1], '{"late_days": 6, "price": 20}', "--on", "2026-03-01", "--currency", "USD")[1]
    )
    assert run(*how, "--on", "2026-03-01", "--currency", "EUR") == (
        1,
        "currency: EUR and USD at once; a case has one currency\n",
    )
    assert "orders has no version for 2020-01-01; known: from 2026-01-01 on" in run(*how, "--on", "2020-01-01")[1]
    assert run(*how, "--on", "soon") == (2, "--on: expected a day such as 2024-06-03, not 'soon'\n")


def test_explain_of_a_rule_whose_day_is_an_input_says_which() -> None:
    given = '{"reported_on": "2024-06-03", "fixed_on": "2024-06-08"}'

    code, text = run("explain", "--rule", "ofcom_delayed_repair", "--inputs", given, "--on", "2026-03-01")

    assert (code, text) == (
        1,
        "on: the version of ofcom_delayed_repair is chosen by the input reported_on; leave one of them out\n",
    )
    assert "eu_rail reckons in EUR, not in USD" in run("explain", "--rule", "eu_rail", "--currency", "USD")[1]


def test_explain_names_the_option_whose_json_is_broken() -> None:
    text = run("explain", "--rule", "eu_rail", "--inputs", "{bad")[1]

    assert text.startswith("--inputs: it is not JSON: ")
    assert (
        run("explain", "--rule", "eu_rail", "--inputs", "[]")[1]
        == "inputs: expected an object of inputs by name, not []\n"
    )


def test_explain_of_a_policy_says_what_it_left_out(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(ORDERS)

    text = run("explain", "--rule", str(path), "--inputs", '{"late_days": 6, "price": "20.00 EUR"}')[1]

    assert "What is owed beside it was not looked at here: Regulation (EU) 2021/782, Article 19" in text


RULE = """rule: tenth
currency: GBP
inputs: {price: {type: money}}
versions: [{from: 2020-01-01, rows: [{id: all, when: {}, then: [{cash: {percent: 10, of: price}, owed: true}]}]}]
"""


@pytest.mark.parametrize("rule", ["tenth", "uk_delay_repay"])
def test_a_rule_that_is_asked_in_another_currency_says_so(tmp_path: Path, rule: str) -> None:
    own = trying.deciders([read_text(RULE, "tenth.yaml", {})], "EUR", date(2026, 7, 1))
    more = {"scheme": "DR30", "delay_min": 70} if rule == "uk_delay_repay" else {}
    case = {"id": 1, "rule": rule, "inputs": {"price": "20.00", **more}}

    error = {"field": "currency", "reason": f"{rule} reckons in GBP, not in EUR"}
    assert answer(case | {"currency": "EUR"}, own=own) == {"id": 1, "error": error}
    assert answer(case | {"currency": "GBP"}, own=own)["eligible"]
    assert answer(case, own=own)["eligible"]
