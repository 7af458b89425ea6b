"""No act is sent to a connector that is not there, and none goes anywhere that nobody configured."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amends.ground.config import ONE_OF, ConfigError, Remedies, read_config
from amends.ground.money import Money
from amends.outbox.records import Later, Order, declared
from amends.recoveries.records import Remedy
from amends.remedies import steps
from amends.testing.contract import NOW
from amends.worker import wires

ROUTES = [(kind, name) for (section, kind), names in ONE_OF.items() if section == "remedies" for name in names if name]
EVERYTHING = {
    "AMENDS_STRIPE_URL": "http://127.0.0.1:9",
    "AMENDS_STRIPE_SECRET": "sk_test_x",
    "AMENDS_CARRIER_URL": "http://127.0.0.1:9",
    "AMENDS_PHONE_URL": "http://127.0.0.1:9",
    "AMENDS_CHAT_URL": "json://127.0.0.1:9",
    "AMENDS_TICKETS_URL": "http://127.0.0.1:9",
}


@pytest.mark.parametrize(("kind", "name"), ROUTES)
def test_every_remedy_that_can_be_configured_finds_its_connector(
    tmp_path: Path, settings: Any, kind: str, name: str
) -> None:
    (tmp_path / "amends.toml").write_text(f'[remedies]\n{kind} = "{name}"\n')
    config = read_config(tmp_path, {})
    settings.AMENDS = config
    amount = None if kind == "label" else Money(499, "EUR")

    assert steps._connector(Remedy(kind, amount)) == name
    assert name in wires.connect(config)


def test_what_only_a_person_can_do_goes_to_nobody_else(settings: Any) -> None:
    settings.AMENDS = replace(settings.AMENDS, remedies=Remedies(refund=""))

    for remedy in (Remedy("call"), Remedy("apology"), Remedy("refund", Money(1, "EUR")), Remedy("upgrade")):
        assert steps._connector(remedy) == ""


@pytest.mark.parametrize(
    "text", ['[remedies]\nrefund = "strip"\n', '[remedies]\nlabel = "billing"\n', '[tickets]\nshape = "jira"\n']
)
def test_a_connector_that_nobody_knows_is_told_at_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "amends.toml").write_text(text)

    with pytest.raises(ConfigError, match="must be one of"):
        read_config(tmp_path, {})


def test_every_connector_agrees_with_what_it_declares(tmp_path: Path) -> None:
    connectors = wires.connect(read_config(tmp_path, EVERYTHING))

    assert set(connectors) == {
        "billing", "smtp", "coupons", "labels", "stripe", "carrier", "phone", "chat", "tickets",
    }  # fmt: skip
    for name, connector in connectors.items():
        assert (declared(connector).name, declared(connector).can_find) == (name, connector.can_find)


def test_without_addresses_acts_wait_and_nothing_leaves(tmp_path: Path) -> None:
    (tmp_path / "amends.toml").write_text('[remedies]\nrefund = "stripe"\nlabel = "carrier"\n')
    connectors = wires.connect(read_config(tmp_path, {}))

    for name in ("billing", "stripe", "carrier", "smtp"):
        money = {"amount_minor": 499, "currency": "EUR", "payment_ref": "pi_1"}
        answer = connectors[name].act(Order("a:b", "remedy.refund", name, "r", "c", money), NOW)
        assert isinstance(answer, Later), (name, answer)


def test_libraries_that_are_not_needed_are_not_even_imported() -> None:
    script = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'amends.settings'\nimport django; django.setup()\n"
        "from amends.worker import wires\nfrom pathlib import Path\nfrom amends.ground.config import read_config\n"
        "wires.connect(read_config(Path('/nowhere'), {}))\nprint([m for m in ('apprise',) if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout.strip() == "[]", done.stderr
