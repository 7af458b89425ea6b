"""What is personal, taken out of JSON and texts without making anything longer."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from amends.ground.personal import Words, without_addresses

ADA = Words("ada", ["Ada Lovelace", "ada@example.org", "+49 30 1234567", "Jürgen Müller"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["to Ada Lovelace!", "ADA@example.org"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(["name", "E-Mail"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_cleaning_json_says_what_cleaning_the_value_says_and_is_never_longer(value: object, ascii_: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_).encode("utf-8", "replace")
    cleaned = ADA.cleaned_json(raw)

    assert len(cleaned) <= len(raw)
    assert json.loads(cleaned) == ADA.cleaned(json.loads(raw))


@given(st.text(), st.sampled_from(["Ada Lovelace", "ada@example.org", "+49 30 1234567", "Jürgen Müller"]))
def test_what_is_struck_out_in_place_is_gone_and_nothing_moves(around: str, told: str) -> None:
    body = json.dumps({"path": f"{around} {told} {around}"}).encode()
    masked = ADA.masked_bytes(body)

    assert len(masked) == len(body)
    assert told not in json.loads(masked)["path"]


def test_personal_fields_go_however_deep_they_stand() -> None:
    order = {"items": [{"sku": "s1", "ship_to": {"street": "Elm 5"}, "gift": {"note": "for Bob", "cents": 5}}]}

    assert ADA.cleaned(order) == {"items": [{"sku": "s1", "gift": {"cents": 5}}]}


def test_ids_of_others_that_begin_alike_are_not_about_the_customer() -> None:
    assert ADA.about('{"data": {"customer_id": "ada"')
    assert ADA.about(json.dumps({"raw": '{"customer_id":"ada"}'}))
    assert not ADA.about('{"customer_id": "ada-2", "name": "Ada"}')
    assert not ADA.about('{"order_id": "ada"}')
    assert ADA.about("mail to ADA@EXAMPLE.org bounced")


def test_a_short_word_is_struck_out_only_where_it_is_the_customers_own() -> None:
    short = Words("c1", ["Ada", "12345"])

    assert short.masked("Dear Ada, 12345") == "Dear -, -"
    assert short.masked_anywhere("The film Ada, part 12345") == "The film Ada, part 12345"
    assert short.masked_bytes(b"sid=Adabc") == b"sid=Adabc"


def test_an_answer_loses_every_address_in_it() -> None:
    assert without_addresses("550 5.1.1 <Ada.L@mail.example.org>: unknown") == "550 5.1.1 <->: unknown"
