"""The connectors of this installation, made from its configuration; what is not configured is not even imported."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from amends.connectors.billing.webhook import BillingWebhook
from amends.connectors.coupons.connector import OwnCoupons
from amends.connectors.smtp.mailer import SmtpMailer
from amends.ground.config import Config
from amends.outbox.records import Connector
from amends.reports import categories, forwards
from amends.reports.catalogue import Body, address_variable, in_language


def connect(config: Config) -> Mapping[str, Connector]:
    """Every connector by the name under which acts ask for it."""
    always: list[Connector] = [
        BillingWebhook(config.billing.url, config.billing.secret),
        SmtpMailer(config.mail.smtp_url, config.mail.sender),
        OwnCoupons(config.coupons.valid_days),
    ]
    return {connector.name: connector for connector in (*always, *_asked_for(config))}


def _asked_for(config: Config) -> Iterator[Connector]:
    """Those with heavier libraries behind them, each only where a remedy is sent to it or its address is set."""
    remedies = config.remedies
    used = {remedies.refund, remedies.credit, remedies.credit_note, remedies.coupon, remedies.label}
    if "stripe" in used or config.stripe.url:  # acts of before may still be on their way there
        from amends.connectors.stripe.connector import StripeConnector

        yield StripeConnector(config.stripe.url, config.stripe.secret)
    if "labels" in used:
        from amends.connectors.labels.connector import ReturnLabels

        yield ReturnLabels(config.var, config.company, config.labels)
    if "carrier" in used or config.carrier.url:
        from amends.connectors.carrier.connector import Carrier

        yield Carrier(config.carrier.url, config.carrier.secret)
    if config.phone.url:
        from amends.connectors.phone.connector import Phone

        phone = config.phone
        yield Phone(phone.url, phone.account, phone.token, phone.sender)
    if config.chat.url:
        from amends.connectors.chat.connector import Chat

        yield Chat(config.chat.url)
    if config.tickets.url:
        from amends.connectors.tickets.connector import Tickets, Zammad, Zendesk

        at = config.tickets
        shape = Zendesk(at.user, at.token, at.group) if at.shape == "zendesk" else Zammad(at.token, at.group)
        yield Tickets(at.url, shape)
    if any(body.open311 for body in _bodies(config)):
        from amends.connectors.open311 import far
        from amends.connectors.open311.connector import Open311Forwarder

        for body in _bodies(config):
            if body.open311:
                there = far.of(in_language(body.name, config.company.locale), body.open311)
                yield Open311Forwarder(forwards.connector(body.code), there)


def _bodies(config: Config) -> Collection[Body]:
    return categories.in_use(config.directory).bodies.values()


def asked_for(config: Config) -> Iterator[tuple[str, str, str]]:
    """What should answer beyond billing and mail: name, address, and the variable that sets it."""
    remedies = config.remedies
    asked = {remedies.refund, remedies.credit, remedies.coupon, remedies.label}
    for name, url in (("stripe", config.stripe.url), ("carrier", config.carrier.url)):
        if url or name in asked:
            yield name, url, f"AMENDS_{name.upper()}_URL"
    for name, url in (("phone", config.phone.url), ("tickets", config.tickets.url)):
        if url:
            yield name, url, f"AMENDS_{name.upper()}_URL"
    for body in _bodies(config):
        if body.open311:
            yield (
                f"body {body.code}",
                body.open311.url,
                f"{address_variable(body.code)}, or {body.code}.open311.url in {categories.FILE}",
            )
