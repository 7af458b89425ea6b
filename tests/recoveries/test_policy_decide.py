"""`amends policy decide`: a line in, a line out; what cannot be decided says which field and what was expected."""

from __future__ import annotations

import io
import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from amends.recoveries.policy.answering import answer, answer_from, answers, as_json
from amends.recoveries.policy.parsing import read_text
from tests import forked

CASES = Path(__file__).parent / "cases/published.json"
RAIL = {"ticket_price": "80.00", "delay_min": 75}
REPAIR = {"reported_on": "2024-06-03", "fixed_on": "2024-06-07"}


TENTH = """
rule: r
currency: {currency}
inputs: {{price: {{type: money}}}}
versions:
  - from: 2026-01-01
    rows: [{{id: z, when: {{}}, then: [{{cash: {{percent: 10, of: price}}, owed: true}}]}}]
"""


def ask(rule: str, **inputs: Any) -> dict[str, Any]:
    return json.loads(as_json(answer({"id": 7, "rule": rule, "inputs": inputs})))


def read(text: str) -> list[dict[str, Any]]:
    return [json.loads(as_json(one)) for one in answers(io.BytesIO(text.encode()))]


def run(*args: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return forked.run(["policy", "decide", *args], input=text)


def test_lines_in_lines_out_without_an_installation(tmp_path: Path) -> None:
    line = json.dumps({"id": "a", "rule": "eu_rail", "inputs": RAIL})

    done = run("-", text=f"{line}\n\n{line}\n")

    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == second
    assert (first["id"], first["amount"], first["currency"], first["row"]) == ("a", "20.00", "EUR", "from_60")
    assert first["trace"]["rows"][-1]["held"] is True


def test_a_line_that_cannot_be_decided_is_answered_in_its_place_and_the_rest_goes_through() -> None:
    good = json.dumps({"id": 2, "rule": "eu_rail", "inputs": RAIL})

    done = run("-", text=f'{{"id": 1, "rule": "moon"}}\nnot json\n{good}\n')

    wrong, unread, right = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert wrong["id"] == 1
    assert wrong["error"]["field"] == "rule"
    assert "line 2 is not JSON" in unread["error"]["reason"]
    assert right["amount"] == "20.00"


def test_a_whole_document_of_cases_is_read_however_it_is_laid_out() -> None:
    cases = json.loads(CASES.read_text("utf-8"))

    laid_out = [read(json.dumps(cases, indent=indent)) for indent in (None, 2)]

    assert laid_out[0] == laid_out[1]
    assert len(laid_out[0]) == len(cases["cases"])
    assert read(json.dumps(cases["cases"], indent=1)) == laid_out[0]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    line = json.dumps({"id": 1, "rule": "eu_rail", "inputs": RAIL})

    assert [one["amount"] for one in read(f"\ufeff{line}\r\n{line}\r\n")] == ["20.00", "20.00"]


def test_numbers_are_taken_exactly_as_they_are_written() -> None:
    line = '{"id": 1, "rule": "eu_rail", "inputs": {"ticket_price": 79.90, "delay_min": 119.99999999999999999}}'

    assert read(line)[0]["amount"] == "19.98"


@pytest.mark.parametrize(
    ("rule", "inputs", "field", "says"),
    [
        ("eu_rail", {"delay_min": 75}, "ticket_price", "missing; expected an amount such as 4.99"),
        ("eu_rail", {**RAIL, "mood": 1}, "mood", "no such input; known: ticket_price"),
        ("eu_rail", {**RAIL, "mood": None}, "mood", "no such input; known: ticket_price"),
        ("eu_rail", {**RAIL, "ticket_price": None}, "ticket_price", "missing; expected an amount such as 4.99"),
        ("ofcom_delayed_repair", {**REPAIR, "fixed_on": None}, "fixed_on", "missing; expected a day"),
        ("eu_rail", {**RAIL, "delay_min": -1}, "delay_min", "out of range; expected 0 to"),
        ("eu_rail", {**RAIL, "delay_min": 10**8}, "delay_min", "out of range"),
        ("eu_rail", {**RAIL, "delay_min": "1e-999999999"}, "delay_min", "more digits than anything"),
        ("eu_rail", {**RAIL, "delay_min": "7_5"}, "delay_min", "expected a number, not '7_5'"),
        ("eu_rail", {**RAIL, "delay_min": True}, "delay_min", "expected a number"),
        ("eu_rail", {**RAIL, "delay_min": [75]}, "delay_min", "expected a number"),
        ("eu_rail", {**RAIL, "delay_min": "an hour"}, "delay_min", "expected a number, not 'an hour'"),
        ("eu_rail", {**RAIL, "ticket_price": "80.001"}, "ticket_price", "more digits than EUR has (2)"),
        ("eu_rail", {**RAIL, "ticket_price": "92233720368547758.08"}, "ticket_price", "out of range"),
        ("eu_rail", {**RAIL, "ticket_price": "NaN"}, "ticket_price", "finite number, not NaN"),
        ("eu_rail", {**RAIL, "ticket_price": "Infinity"}, "ticket_price", "finite number, not Infinity"),
        ("eu_rail", {**RAIL, "ticket_price": "80.00 USD"}, "ticket_price", "is in USD, and eu_rail reckons in EUR"),
        ("eu_rail", {**RAIL, "ticket_price": "80 dollars"}, "ticket_price", "'dollars' is not an ISO 4217"),
        ("eu_rail", {**RAIL, "ticket_price": "cheap"}, "ticket_price", "expected an amount such as 4.99, not 'cheap'"),
        ("eu_rail", {**RAIL, "delay_min": "75 EUR"}, "delay_min", "expected a number, not '75 EUR'"),
        ("eu_rail", {**RAIL, "extraordinary": "yes"}, "extraordinary", "expected true or false, not 'yes'"),
        ("eu_rail", {**RAIL, "extraordinary": Decimal("0.5")}, "extraordinary", "expected true or false, not 0.5"),
        ("ofcom_delayed_repair", {**REPAIR, "fixed_on": "2024-06-07T10:00:00"}, "fixed_on", "a day such as"),
        ("ofcom_delayed_repair", {**REPAIR, "fixed_on": "2016-12-31T23:59:60Z"}, "fixed_on", "a day such as"),
        ("ofcom_delayed_repair", {**REPAIR, "fixed_on": "2023-02-29"}, "fixed_on", "a day such as"),
        ("ofcom_delayed_repair", {**REPAIR, "fixed_on": "2024-W23-5"}, "fixed_on", "a day such as"),
        ("ofcom_delayed_repair", {**REPAIR, "fixed_on": 20240607}, "fixed_on", "a day such as"),
        ("ofcom_delayed_repair", {**REPAIR, "reported_on": "2018-06-03"}, "reported_on", "no version for 2018-06-03"),
        ("ofcom_delayed_repair", {**REPAIR, "holidays": "Narnia"}, "holidays", "no calendar for 'Narnia'"),
        ("ofcom_delayed_repair", {**REPAIR, "holidays": ["soon"]}, "holidays", "a day such as"),
        ("gb_gsop_electricity", {"version": "2022", "off_h": 20}, "version", "'2022' is not known; expected one of"),
        ("trai_outage", {"monthly_rent": 1, "outage_hours_by_day": [26]}, "outage_hours_by_day", "out of range"),
        ("trai_outage", {"monthly_rent": 1, "outage_hours_by_day": "8"}, "outage_hours_by_day", "expected a list"),
        ("trai_outage", {"monthly_rent": 1, "cycle_days": 0, "outage_hours_by_day": []}, "cycle_days", "out of range"),
        ("de_tkg58_outage", {"monthly_fee": 1, "outage_days": "2.5"}, "outage_days", "expected a whole number"),
        ("de_tkg58_outage", {"monthly_fee": "92233720368547758.07", "outage_days": 9}, "amount", "2^63 - 1"),
    ],
)
def test_an_input_that_cannot_be_is_named_with_what_was_expected(
    rule: str, inputs: dict[str, Any], field: str, says: str
) -> None:
    error = ask(rule, **inputs)["error"]

    assert error["field"] == field
    assert says in error["reason"]


def test_a_key_that_stands_twice_is_refused_with_the_id_of_its_line() -> None:
    line = '{"id": 3, "rule": "eu_rail", "inputs": {"delay_min": 70, "delay_min": 7, "ticket_price": 1}}'

    assert read(line) == [{"id": 3, "error": {"field": "delay_min", "reason": "stands twice; keep one of them"}}]


@pytest.mark.parametrize(
    ("name", "meant"), [("curency", "currency"), ("input", "inputs"), ("Rule", "rule"), ("INPUTS", "inputs")]
)
def test_a_field_that_is_perhaps_another_is_refused(name: str, meant: str) -> None:
    case = {"id": 3, "rule": "eu_rail", "inputs": {"delay_min": 75, "ticket_price": "9.00"}, "currency": "EUR"}
    told = {name if field == meant else field: value for field, value in case.items()}

    assert read(json.dumps(told)) == [
        {"id": 3, "error": {"field": name, "reason": f"is not known; is {meant!r} meant?"}}
    ]
    assert "error" not in read(json.dumps(case | {name: 1, "expected": {}, "note": "", "source": "law"}))[0]


def test_an_input_that_is_null_is_as_if_it_were_not_given() -> None:
    supply = {"version": "2008", "standard": "supply_not_restored", "hours_late": 50}

    assert ask("uk_water_gss", **supply, domestic=None)["amount"] == "40.00"
    assert ask("ofcom_delayed_repair", **REPAIR, holidays=None, total_loss=None)["repair_deadline"] == "2024-06-05"


@pytest.mark.parametrize("case_id", ['"\\ud800"', "1e999999999", "-1e-999999999", '"ü"', "1.5", "NaN"])
def test_an_id_comes_back_whatever_it_is_and_the_rest_goes_through(case_id: str) -> None:
    asked = f'{{"rule": "eu_rail", "inputs": {json.dumps(RAIL)}, "id": '

    done = run(text=f"{asked}{case_id}}}\n{asked}2}}\n")

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["amount"] for one in answers] == ["20.00", "20.00"], done.stderr
    assert answers[0]["id"] in (json.loads(case_id), case_id.replace("e", "E+").replace("+-", "-"), "NaN")


def test_one_input_under_two_of_its_names_is_refused() -> None:
    assert ask("eu_rail", **RAIL, price="70.00")["error"] == {
        "field": "price",
        "reason": "given twice: it is another name of ticket_price; keep one of them",
    }


@pytest.mark.parametrize(
    "line", ["[]", "3", "null", '"x"', "[" * 100_000, '{"id":1,"rule":"eu_rail","inputs":[]}', "NaN"]
)
def test_what_is_no_case_is_no_crash(line: str) -> None:
    assert all("error" in one for one in read(line))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1, 2]", "line 2: expected an object with id, rule and inputs, not [1, 2]"),
        ("null", "line 2: expected an object with id, rule and inputs, not null"),
        ('[true, {"id": 1}]', "line 2, item 1: expected an object with id, rule and inputs, not true"),
    ],
)
def test_what_is_no_case_is_answered_once_with_its_line(line: str, reason: str) -> None:
    good = json.dumps({"id": 2, "rule": "eu_rail", "inputs": RAIL})

    _, wrong, *_, last = read(f"{good}\n{line}\n{good}\n")

    assert wrong["error"] == {"field": "", "reason": reason}
    assert last["amount"] == "20.00"


@pytest.mark.parametrize("price", ["80.00 EUR", "EUR 80.00", " 80.00  EUR "])
def test_an_amount_may_be_given_with_its_currency(price: str) -> None:
    assert ask("eu_rail", ticket_price=price, delay_min=75)["amount"] == "20.00"


def test_a_leap_day_and_the_days_on_which_clocks_change_are_days_like_others() -> None:
    leap = ask("ofcom_delayed_start", promised_on="2024-02-28", started_on="2024-03-01")
    clocks = ask("ofcom_delayed_start", promised_on="2024-03-30", started_on="2024-04-01")

    assert (leap["days"], clocks["days"]) == (2, 2)


def test_a_region_knows_its_holidays() -> None:
    told = ask("ofcom_delayed_repair", reported_on="2024-05-03", fixed_on="2024-05-11", holidays=["2024-05-06"])
    known = ask("ofcom_delayed_repair", reported_on="2024-05-03", fixed_on="2024-05-11", holidays="GB-ENG")

    assert told["repair_deadline"] == known["repair_deadline"] == "2024-05-08"


def test_a_deadline_beyond_the_calendar_is_not_known_and_no_crash() -> None:
    found = ask("ofcom_delayed_repair", reported_on="9999-12-31", fixed_on="9999-12-31")

    assert (found["eligible"], found["repair_deadline"]) == (False, None)


def test_other_words_for_a_choice_are_understood_and_unknown_ones_are_not() -> None:
    assert ask("eu261", distance_km=900, kind="cancelled")["amount"] == "250.00"
    assert ask("uk_water_gss", standard="missed_appointment")["amount"] == "50.00"
    assert "expected one of" in ask("eu261", distance_km=900, kind="boredom")["error"]["reason"]


@pytest.mark.parametrize(
    ("currency", "price", "tenth"), [("JPY", "1235", "124"), ("KWD", "1.235", "0.124"), ("EUR", "1.25", "0.13")]
)
def test_amounts_have_the_digits_of_their_currency(currency: str, price: str, tenth: str) -> None:
    table = read_text(TENTH.format(currency=currency), "r.yaml", {})

    assert answer_from(table, 1, {"price": price})["amount"] == tenth


def test_yen_have_no_hundredths_and_dinars_no_tenths_of_fils() -> None:
    for currency, price in (("JPY", "12.5"), ("KWD", "1.2345")):
        error = answer_from(read_text(TENTH.format(currency=currency), "r.yaml", {}), 1, {"price": price})["error"]

        assert error["field"] == "price"
        assert f"more digits than {currency} has" in error["reason"]


def test_a_repair_before_its_report_is_a_contradiction_and_goes_to_a_person() -> None:
    found = ask("ofcom_delayed_repair", reported_on="2024-06-07", fixed_on="2024-06-03")

    assert (found["eligible"], found["reason"]) == (False, "days_contradict")


@pytest.mark.parametrize(
    ("rule", "told", "on", "amount"),
    [
        ("gb_gsop_electricity", {"off_h": 30, "weather": "category1"}, "2023-08-31", "70.00"),
        ("gb_gsop_electricity", {"off_h": 30, "weather": "category1"}, "2023-09-01", "120.00"),
        ("eu_rail", {"delay_min": 130, "ticket_price": "80.00", "extraordinary": True}, "2023-06-06", "40.00"),
        ("eu_rail", {"delay_min": 130, "ticket_price": "80.00", "extraordinary": True}, "2023-06-07", "0.00"),
    ],
)
def test_the_day_of_a_line_chooses_a_rules_version(rule: str, told: dict[str, Any], on: str, amount: str) -> None:
    (found,) = read(json.dumps({"id": 1, "rule": rule, "inputs": told, "on": on}))

    assert found["amount"] == amount


@pytest.mark.parametrize(
    ("rule", "told", "on", "says"),
    [
        (
            "uk261",
            {"distance_km": 900, "arrival_delay_h": 4},
            "2020-12-31",
            "uk261 has no version for 2020-12-31; known",
        ),
        ("gb_gsop_electricity", {"off_h": 30}, "2015-03-31", "gb_gsop_electricity has no version for 2015-03-31"),
        ("gb_gsop_electricity", {"off_h": 30, "version": "2015"}, "2016-01-01", "is chosen by the input version"),
        ("uk261", {"distance_km": 900, "arrival_delay_h": 4}, "soon", "expected a day such as 2024-06-03, not 'soon'"),
    ],
)
def test_a_day_that_cannot_choose_one_is_refused(rule: str, told: dict[str, Any], on: str, says: str) -> None:
    (found,) = read(json.dumps({"id": 1, "rule": rule, "inputs": told, "on": on}))

    assert found["error"]["field"] == "on"
    assert says in found["error"]["reason"]
