"""What amends.toml says of the company, and could not be shown to a customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from babel.core import Locale, UnknownLocaleError

from amends.ground.config import Config, ConfigError
from amends.ground.marked import Mistake
from amends.notices.phrases import WORDS

EVERYBODYS_SALT = ("amends", "change-me-once-and-never-again")
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+\.[^@\s<>,.]+|[^@\s<>,]+@localhost")


def check(config: Config) -> Iterator[Mistake]:
    """Language, addresses and the holdout's salt."""
    yield from _language(config)
    if not _ADDRESS.fullmatch(config.company.contact_email):
        says = f"contact_email = {config.company.contact_email!r} is no mail address"
        yield _at(config, says, "company", "contact_email", "customers are told to write there")
    if not _ADDRESS.fullmatch(parseaddr(config.mail.sender)[1]):
        says = f"sender = {config.mail.sender!r} is no mail address"
        yield _at(config, says, "mail", "sender", 'write "Customer care <care@example.org>"')
    if urlsplit(config.public_url).scheme not in ("http", "https") or not urlsplit(config.public_url).hostname:
        says = f"public_url = {config.public_url!r} is no address; links in mails would lead nowhere"
        yield _at(config, says, "web", "public_url", "begin it with https://")
    if config.holdout.share and config.holdout.salt in EVERYBODYS_SALT:
        says = f"salt = {config.holdout.salt!r} is the example's: others draw the same holdout"
        hint = "write words of your own once, before the first customer, and never change them again"
        yield _at(config, says, "holdout", "salt", hint, "warning")


def _language(config: Config) -> Iterator[Mistake]:
    locale = config.company.locale
    try:
        language = Locale.parse(locale.replace("-", "_")).language
    except (UnknownLocaleError, ValueError):
        yield _at(config, f"locale = {locale!r} is no language we can know", "company", "locale", "write en or de-AT")
        return
    if language not in WORDS:
        says = f"locale = {locale!r}: amends has words in {', '.join(WORDS)}; notices are written in English"
        yield _at(config, says, "company", "locale", "write one of these", "warning")


def _at(config: Config, says: str, section: str, key: str, hint: str, severity: str = "error") -> Mistake:
    place = ConfigError(says, config.directory / "amends.toml", section, key)
    return Mistake(place.file, place.line, place.says, hint, severity)
