"""The billing side of the how-to runs as it stands there, and amends gets along with it."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from amends.connectors.billing.webhook import BillingWebhook
from amends.ground.money import Money
from amends.outbox.records import Done, NotDone, Order, Unknown
from amends.remedies import listing

PAGE = Path(__file__).resolve().parents[3] / "docs/how-to/billing-webhook.md"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PAYLOAD = {"amount_minor": 499, "currency": "EUR", "payment_ref": "pay_7", "reason": "film-plays: The Long Film"}
ORDER = Order("refund:rec_1", "remedy.refund", "billing", "rec_1", "ada", PAYLOAD, 1)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "billing.py").write_text(found[1].replace("9000", str(port)), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "billing.py"],
        cwd=tmp_path,
        env=os.environ | {"BILLING_SECRET": SECRET},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/acts/none")
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def test_a_refund_is_done_once_and_found_again(url: str) -> None:
    billing = BillingWebhook(url, SECRET)
    now = datetime.now(UTC)  # read here, not on import: a signature is good for five minutes

    assert isinstance(billing.find(ORDER), NotDone)
    first, again = billing.act(ORDER, now), billing.act(ORDER, now)
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert first.ref == again.ref == "pay-refund:rec_1"
    assert isinstance(billing.find(ORDER), Done)


@pytest.mark.parametrize("signature", ["", "v1,bm90IHJpZ2h0", "v1,no base64", "nothing"])
def test_a_bad_signature_is_answered_401(url: str, signature: str) -> None:
    stamp = str(int(datetime.now(UTC).timestamp()))
    head = {"webhook-id": "refund:x", "webhook-timestamp": stamp, "webhook-signature": signature}

    reply = httpx.post(url, json={"data": {"key": "refund:x"}}, headers=head)

    assert reply.status_code == 401
    assert isinstance(BillingWebhook(url, SECRET).find(ORDER), NotDone)


def test_another_secret_is_answered_401(url: str) -> None:
    other = BillingWebhook(url, "whsec_" + base64.b64encode(bytes(32)).decode())

    assert not isinstance(other.act(ORDER, datetime.now(UTC)), Done)


def test_it_lists_what_it_has_done_since_a_moment(url: str) -> None:
    billing, now = BillingWebhook(url, SECRET), datetime.now(UTC)
    billing.act(ORDER, now)

    (done,), wrong = listing.read(billing.reconcile(now - timedelta(minutes=1)))
    assert (done.key, done.ref, done.amount, wrong) == (ORDER.key, f"pay-{ORDER.key}", Money(499, "EUR"), [])
    assert done.at.startswith(f"{now:%Y-%m-%dT%H:}")
    assert billing.reconcile(now + timedelta(minutes=1)) == []


def test_nobody_else_is_shown_the_list_or_an_act(url: str) -> None:
    stranger = BillingWebhook(url, "whsec_" + base64.b64encode(bytes(32)).decode())

    for path in ("/acts", f"/acts/{ORDER.key}"):
        assert httpx.get(url + path).status_code == 401
    with pytest.raises(httpx.HTTPStatusError):
        stranger.reconcile(datetime.now(UTC))
    assert isinstance(stranger.find(ORDER), Unknown)


def test_the_list_on_the_page_can_be_read() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found

    listed, wrong = listing.read(json.loads(found[1]))
    assert ([one.amount for one in listed], wrong) == ([Money(499, "EUR"), Money(300, "EUR")], [])
    rows = [row | {name: None} for row in json.loads(found[1]) for name in ("key", "ref", "amount_minor", "currency")]
    assert [one.kind for one in listing.read(rows)[1]] == ["unreadable"] * 8
