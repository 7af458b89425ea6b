"""Whether outward addresses and secrets can be what they should be, before anything is sent with them."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from amends.ground.config import Config

HTTP, SMTP = ("http", "https"), ("smtp", "smtps")


def wrong_address(url: str, schemes: tuple[str, ...], variable: str) -> str:
    """What is wrong with an address; '' when it can be one."""
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"{variable} is no address: {error}"
    if parts.scheme not in schemes or "://" not in url:
        return f"{variable} must begin with {wanted}"
    return "" if host else f"{variable} names no host; write {schemes[0]}://HOST"


def wrong_secret(secret: str) -> str:
    """What is wrong with the billing secret; '' when posts can be signed with it."""
    if not secret:
        return "AMENDS_BILLING_SECRET is not set: billing cannot know that posts are from us"
    if not secret.startswith("whsec_"):
        return "AMENDS_BILLING_SECRET must be whsec_ and base64 of 24 to 64 bytes"
    try:
        length = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        return "AMENDS_BILLING_SECRET is no base64 behind whsec_"
    if not 24 <= length <= 64:
        return f"AMENDS_BILLING_SECRET holds {length} bytes; it must be base64 of 24 to 64"
    return ""


def undecodable(secret: str) -> str:
    """Why a billing secret that is set cannot be used at all; '' where it can, or none is set."""
    wrong = wrong_secret(secret) if secret else ""
    return wrong if "base64" in wrong and "holds" not in wrong else ""


def doubts(config: Config) -> list[str]:
    """What of the outward addresses and secrets cannot be right."""
    found = []
    if config.billing.url:
        found = [wrong_address(config.billing.url, HTTP, "AMENDS_BILLING_URL"), wrong_secret(config.billing.secret)]
    if config.mail.smtp_url:
        found.append(wrong_address(config.mail.smtp_url, SMTP, "AMENDS_SMTP_URL"))
    found.append(wrong_address(config.public_url, HTTP, "AMENDS_PUBLIC_URL"))
    return [says for says in found if says]
