"""`amends doctor` says in words what keeps an installation from working."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from threading import Event

import pytest
from django.conf import settings
from tests.worker.shop import Shop

from amends.ground import trouble
from amends.worker import addresses, story

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


def _examined(shop: Shop, **environment: str) -> tuple[int, str]:
    done = shop.run("doctor", "--json", **environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, "\n".join(
        f"{line['what']} {line['state']} {line['says']}" for line in json.loads(done.stdout)
    )


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AMENDS_SMTP_URL": "http://127.0.0.1:25"}, "mail wrong AMENDS_SMTP_URL must begin with smtp://"),
        ({"AMENDS_SMTP_URL": "smtp://"}, "mail wrong AMENDS_SMTP_URL names no host"),
        ({"AMENDS_BILLING_URL": "billing.example.org"}, "billing wrong AMENDS_BILLING_URL must begin with http://"),
        ({"AMENDS_BILLING_URL": "http://127.0.0.1:9"}, "billing secret wrong AMENDS_BILLING_SECRET is not set"),
        ({"AMENDS_PUBLIC_URL": "care.example.org"}, "public_url"),
        (
            {"AMENDS_DATABASE_URL": "postgresql://u:p@127.0.0.1:9/x"},
            "database wrong",
        ),
    ],
)
def test_what_cannot_be_is_wrong_and_told_without_a_traceback(
    shop: Shop, environment: dict[str, str], says: str
) -> None:
    code, told = _examined(shop, **environment)

    assert says in told
    assert code == 1


def test_what_check_finds_is_part_of_it(shop: Shop) -> None:
    policy = shop.place / "policies/any.yaml"
    good = policy.read_text("utf-8")
    try:
        policy.write_text(good.replace("from: 2020-01-01", "from: 2026-13-01"), "utf-8")
        code, told = _examined(shop)
    finally:
        policy.write_text(good, "utf-8")

    assert code == 1
    assert "files wrong policies/any.yaml:5: '2026-13-01' cannot be" in told


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (SECRET, ""),
        ("", "not set"),
        ("s3cret", "must be whsec_"),
        ("whsec_not!base64", "no base64"),
        ("whsec_" + base64.b64encode(bytes(8)).decode(), "holds 8 bytes"),
    ],
)
def test_a_billing_secret_is_decoded(secret: str, says: str) -> None:
    wrong = addresses.wrong_secret(secret)

    assert (says in wrong) if says else wrong == ""


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_fails_is_on_record_until_one_goes_well(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, var = Event(), settings.AMENDS.var
    var.mkdir(parents=True, exist_ok=True)

    def fails(now: datetime) -> int:
        stop.set()
        raise ValueError("the third room is on fire")

    monkeypatch.setattr(story, "STORY", (fails,))
    story.run(stop, lambda: True)
    failing = trouble.last(var)
    stop.clear()
    monkeypatch.setattr(story, "STORY", (lambda now: stop.set() or 0,))
    story.run(stop, lambda: True)

    assert (failing.failing, failing.error) == (1, "ValueError: the third room is on fire")
    assert (trouble.last(var).failing, trouble.last(var).failed) == (0, failing.failed)
