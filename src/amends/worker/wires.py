"""The connectors of this installation, made from its configuration."""

from __future__ import annotations

from collections.abc import Mapping

from amends.connectors.billing.webhook import BillingWebhook
from amends.connectors.smtp.mailer import SmtpMailer
from amends.ground.config import Config
from amends.outbox.records import Connector


def connect(config: Config) -> Mapping[str, Connector]:
    """Every connector by the name under which acts ask for it."""
    connectors: list[Connector] = [
        BillingWebhook(config.billing.url, config.billing.secret),
        SmtpMailer(config.mail.smtp_url, config.mail.sender),
    ]
    return {connector.name: connector for connector in connectors}
