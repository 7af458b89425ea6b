"""What `amends.toml` and the environment say, read once into values that cannot be wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from amends.ground.map_section import Map as Map
from amends.ground.map_section import is_box
from amends.ground.money import MoneyError, minor_digits


class ConfigError(Exception):
    """The configuration cannot be used; the message says file, line, field and what to write instead."""

    def __init__(self, says: str, path: Path | None = None, section: str = "", key: str = "", line: int = 0) -> None:
        self.says = f"[{section}] {says}" if section else says
        self.file, self.line = str(path or ""), line or (_line_of(path, section, key) if path else 1)
        super().__init__(f"{self.file}:{self.line}: {self.says}" if path else self.says)


def _line_of(path: Path, section: str, key: str) -> int:
    """Where a section, or a field of it, stands; 1 where it is not in the file (the environment may have said it)."""
    here, found = False, 1
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1
    for number, line in enumerate(lines, 1):
        head = re.match(r"\s*\[([^\]]+)\]", line)
        if head:
            here = head[1].strip() == section
            found = number if here else found
        elif here and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return found


@dataclass(frozen=True)
class Company:
    """Who is speaking: shown to customers in mails and pages."""

    name: str = "Example Streaming"
    contact_email: str = "care@example.org"
    contact_phone: str = ""
    emergency_phone: str = "112"  # said first where things are reported; empty: not said
    locale: str = "en"
    time_zone: str = "UTC"
    currency: str = "EUR"


@dataclass(frozen=True)
class Mail:
    sender: str = "Customer care <care@example.org>"
    smtp_url: str = ""  # AMENDS_SMTP_URL: smtp://user:password@host:port, smtps:// for TLS from the start


@dataclass(frozen=True)
class Billing:
    url: str = ""  # AMENDS_BILLING_URL
    secret: str = ""  # AMENDS_BILLING_SECRET, whsec_…


@dataclass(frozen=True)
class Telemetry:
    customer_key: str = "com.amends-customer"
    order_key: str = "com.amends-order"
    silence_s: int = 60  # a session without an end closes after so much silence
    lateness_s: int = 600  # a verdict over a sequence gap waits so long for the missing reports


@dataclass(frozen=True)
class Holdout:
    """Customers measured without goodwill; what is owed is never withheld."""

    share: float = 0.05
    salt: str = "amends"


@dataclass(frozen=True)
class Limits:
    approve_up_to_minor: int = 5000  # more goodwill than this waits for a person
    body_mb: int = 64
    requests_per_s: int = 3000  # of one API key, over all web processes of a machine; 0: as many as it likes
    mail_per_customer_day: int = 3


@dataclass(frozen=True)
class Incidents:
    play_needs: str = "*"  # components, patterns allowed: play sessions are evidence of outages of these only


@dataclass(frozen=True)
class Remedies:
    """Which connector makes a kind of remedy real; an empty name puts it before a person."""

    refund: str = "billing"  # billing, stripe
    credit: str = "billing"  # billing, stripe
    cash: str = "billing"
    credit_note: str = ""  # stripe
    coupon: str = "coupons"  # coupons (our own), stripe
    label: str = "labels"  # labels (our own PDF), carrier


@dataclass(frozen=True)
class Stripe:
    url: str = ""  # AMENDS_STRIPE_URL
    secret: str = ""  # AMENDS_STRIPE_SECRET, a restricted key


@dataclass(frozen=True)
class Coupons:
    valid_days: int = 365  # where neither policy nor order says when a coupon ends


@dataclass(frozen=True)
class Labels:
    """Where returned goods go, as printed on the labels that we make ourselves."""

    address: str = ""  # lines apart by newlines
    country: str = ""  # ISO 3166-1, e.g. DE; printed in capitals under the address


@dataclass(frozen=True)
class Carrier:
    url: str = ""  # AMENDS_CARRIER_URL
    secret: str = ""  # AMENDS_CARRIER_SECRET, whsec_…


@dataclass(frozen=True)
class Phone:
    """A provider of calls and text messages that speaks TwiML."""

    url: str = ""  # AMENDS_PHONE_URL
    account: str = ""  # AMENDS_PHONE_ACCOUNT
    token: str = ""  # AMENDS_PHONE_TOKEN
    sender: str = ""  # a number such as +4930123456, as calls and messages show it


@dataclass(frozen=True)
class Chat:
    url: str = ""  # AMENDS_CHAT_URL: addresses as apprise reads them, apart by spaces; staff channels only


@dataclass(frozen=True)
class Tickets:
    shape: str = "zammad"  # zammad, zendesk
    url: str = ""  # AMENDS_TICKETS_URL
    user: str = ""  # zendesk: the agent's address
    token: str = ""  # AMENDS_TICKETS_TOKEN
    group: str = ""  # zammad: the group that gets new tickets; zendesk: its number


@dataclass(frozen=True)
class Closing:
    silent_days: int = 14  # no answer for so long after being made right: closed as silent
    ask_again_days: int = (
        28  # so long after a repair, who has not answered is asked once more whether it holds; 0: never
    )
    reopen_days: int = 60  # so long after its end anybody may open a report again


@dataclass(frozen=True)
class Sending:
    """How a batch of acts goes out: a few first, the rest when enough of those are done."""

    canary: int = 20  # acts of a batch that go alone; 0: no batch waits for its first acts
    canary_share: float = 0.5  # so many of them must be done, or the batch waits for a person


@dataclass(frozen=True)
class Repairs:
    """When people are told that a promised repair will be late, before it is."""

    warn_at: float = 0.8  # from such a risk on, once half of the time is over; 1: only when the day has passed
    least_history: int = 30  # reports of the same kind that the risk must rest on
    reckon_every_s: int = 600  # all risks are reckoned anew so often; of what changed, at once


@dataclass(frozen=True)
class Reconciling:
    """What is mended by rule where a provider's own list and our books differ."""

    take_back_up_to_minor: int = 0  # paid twice or too much, at most so much: taken back without asking; 0: ask


@dataclass(frozen=True)
class Following:
    """How those who follow reports hear of them."""

    digest_hour: int = 7  # of the installation's clocks: when the day's news goes out
    digest_most: int = 20  # reports in one mail; the rest is a number and a link


@dataclass(frozen=True)
class Retention:
    """What is taken out of reports so many days after they were closed; 0: it stays."""

    contact_days: int = 365  # who reported it, and how to reach them
    photos_days: int = 0
    text_days: int = 0  # the words of who reported it
    hidden_days: int = 0  # everything in a report that is hidden


@dataclass(frozen=True)
class Open311:
    """What other programs are told of our GeoReport server, and how much they may send."""

    jurisdiction: str = ""  # such as city.example.org; another one is then answered with 404
    kind: str = "production"  # production, test: as discovery tells it
    reports_per_minute: int = 60  # of one key, over all web processes; 0: as many as it likes


@dataclass(frozen=True)
class Config:
    """Everything the rooms may ask about the installation."""

    directory: Path
    database_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    sqlite_cache_mb: int = 64  # AMENDS_SQLITE_CACHE_MB: pages that a connection keeps in memory
    company: Company = field(default_factory=Company)
    mail: Mail = field(default_factory=Mail)
    billing: Billing = field(default_factory=Billing)
    telemetry: Telemetry = field(default_factory=Telemetry)
    holdout: Holdout = field(default_factory=Holdout)
    limits: Limits = field(default_factory=Limits)
    closing: Closing = field(default_factory=Closing)
    remedies: Remedies = field(default_factory=Remedies)
    stripe: Stripe = field(default_factory=Stripe)
    coupons: Coupons = field(default_factory=Coupons)
    labels: Labels = field(default_factory=Labels)
    carrier: Carrier = field(default_factory=Carrier)
    phone: Phone = field(default_factory=Phone)
    chat: Chat = field(default_factory=Chat)
    tickets: Tickets = field(default_factory=Tickets)
    sending: Sending = field(default_factory=Sending)
    incidents: Incidents = field(default_factory=Incidents)
    reconciling: Reconciling = field(default_factory=Reconciling)
    repairs: Repairs = field(default_factory=Repairs)
    map: Map = field(default_factory=Map)
    open311: Open311 = field(default_factory=Open311)
    following: Following = field(default_factory=Following)
    retention: Retention = field(default_factory=Retention)

    @property
    def var(self) -> Path:
        """Where amends keeps what it writes: database, landing segments, telemetry, keys."""
        return self.directory / "var"


SECTIONS: dict[str, type[Any]] = {
    "company": Company,
    "mail": Mail,
    "billing": Billing,
    "telemetry": Telemetry,
    "holdout": Holdout,
    "limits": Limits,
    "closing": Closing,
    "remedies": Remedies,
    "stripe": Stripe,
    "coupons": Coupons,
    "labels": Labels,
    "carrier": Carrier,
    "phone": Phone,
    "chat": Chat,
    "tickets": Tickets,
    "sending": Sending,
    "incidents": Incidents,
    "reconciling": Reconciling,
    "repairs": Repairs,
    "map": Map,
    "open311": Open311,
    "following": Following,
    "retention": Retention,
}
FROM_ENVIRONMENT = {
    "AMENDS_SMTP_URL": ("mail", "smtp_url"),
    "AMENDS_BILLING_URL": ("billing", "url"),
    "AMENDS_BILLING_SECRET": ("billing", "secret"),
    "AMENDS_STRIPE_URL": ("stripe", "url"),
    "AMENDS_STRIPE_SECRET": ("stripe", "secret"),
    "AMENDS_CARRIER_URL": ("carrier", "url"),
    "AMENDS_CARRIER_SECRET": ("carrier", "secret"),
    "AMENDS_PHONE_URL": ("phone", "url"),
    "AMENDS_PHONE_ACCOUNT": ("phone", "account"),
    "AMENDS_PHONE_TOKEN": ("phone", "token"),
    "AMENDS_CHAT_URL": ("chat", "url"),
    "AMENDS_TICKETS_URL": ("tickets", "url"),
    "AMENDS_TICKETS_TOKEN": ("tickets", "token"),
}


def read_config(directory: Path, environment: Mapping[str, str]) -> Config:
    """Read `directory/amends.toml` (may be absent) and lay the environment over it."""
    path = directory / "amends.toml"
    try:
        raw = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        at = re.search(r"line (\d+)", str(error))
        raise ConfigError(f"not readable as TOML: {error}", path, line=int(at[1]) if at else 1) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", path) from error
    for section, given in raw.items():
        if not isinstance(given, dict):
            raise ConfigError(f"{section} = {given!r} stands outside of a section; write [section] above it", path)
    for variable, (section, name) in FROM_ENVIRONMENT.items():
        if environment.get(variable):
            raw.setdefault(section, {})[name] = environment[variable]
    if environment.get("AMENDS_PUBLIC_URL"):
        raw.setdefault("web", {})["public_url"] = environment["AMENDS_PUBLIC_URL"]
    return _build(directory, path, raw, environment)


def _build(directory: Path, path: Path, raw: dict[str, Any], environment: Mapping[str, str]) -> Config:
    web = raw.pop("web", {})
    database = raw.pop("database", {})
    unknown = set(raw) - set(SECTIONS)
    if unknown:
        known = ", ".join((*SECTIONS, "web", "database"))
        raise ConfigError(f"unknown section; known: {known}", path, min(unknown))
    sections = {name: _section(path, name, kind, raw.get(name, {})) for name, kind in SECTIONS.items()}
    config = Config(
        directory=directory,
        database_url=environment.get("AMENDS_DATABASE_URL") or str(database.get("url", "")),
        public_url=str(web.get("public_url", Config.public_url)).rstrip("/"),
        sqlite_cache_mb=_megabytes(environment.get("AMENDS_SQLITE_CACHE_MB") or str(Config.sqlite_cache_mb)),
        **sections,
    )
    _check(path, config)
    return config


def _megabytes(said: str) -> int:
    if not (said.isascii() and said.isdigit() and 0 < int(said) <= 1_000_000):
        raise ConfigError(f"AMENDS_SQLITE_CACHE_MB is {said!r}; a whole number of megabytes was expected, such as 64")
    return int(said)


def _section(path: Path, name: str, kind: type[Any], given: dict[str, Any]) -> Any:
    known = {f.name: type(f.default) for f in fields(kind)}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"no field {key!r}; known: {', '.join(known)}", path, name, key)
        wanted = known[key]
        if not (type(value) is wanted or (wanted is float and type(value) is int)):
            raise ConfigError(f"{key} = {value!r} must be {WANTED[wanted]}", path, name, key)
    return kind(**given)


WANTED: Mapping[type[Any], str] = {
    str: 'text in "quotes"',
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def _check(path: Path, config: Config) -> None:
    try:
        ZoneInfo(config.company.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Europe" is a folder of zones
        says = f"time_zone: {config.company.time_zone!r} is no IANA zone; write one such as Europe/Berlin"
        raise ConfigError(says, path, "company", "time_zone") from error
    try:
        minor_digits(config.company.currency)
    except MoneyError as error:
        raise ConfigError(f"currency: {error}", path, "company", "currency") from error
    if not 0 <= config.holdout.share <= 1:
        raise ConfigError(f"share = {config.holdout.share} must lie between 0 and 1", path, "holdout", "share")
    if not 0 <= config.following.digest_hour <= 23:
        raise ConfigError("digest_hour must lie between 0 and 23", path, "following", "digest_hour")
    if config.map.bounds and not is_box(config.map.bounds):
        says = f"bounds = {config.map.bounds!r} must be west,south,east,north in degrees, such as 15.6,48.3,15.7,48.4"
        raise ConfigError(says, path, "map", "bounds")
    for (section, key), known in ONE_OF.items():
        if (given := getattr(getattr(config, section), key)) not in known:
            raise ConfigError(f"{key} = {given!r} must be one of {known}", path, section, key)


MONEY_BY = ("billing", "stripe", "")
ONE_OF: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("remedies", "refund"): MONEY_BY,
    ("remedies", "credit"): MONEY_BY,
    ("remedies", "cash"): ("billing", ""),
    ("remedies", "credit_note"): ("stripe", ""),
    ("remedies", "coupon"): ("coupons", "stripe", ""),
    ("remedies", "label"): ("labels", "carrier", ""),
    ("tickets", "shape"): ("zammad", "zendesk"),
    ("map", "outside"): ("refuse", "accept"),
    ("open311", "kind"): ("production", "test"),
}
