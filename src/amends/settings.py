"""Django's settings, made from `amends.toml` and the environment (`ground/config.py` says what there is)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from amends.ground.config import Config, ConfigError, read_config

AMENDS: Config = read_config(Path(os.environ.get("AMENDS_DIR", ".")).absolute(), os.environ)
BASE = Path(__file__).resolve().parent


def _secret_key() -> str:
    """AMENDS_SECRET_KEY, else one made once and kept for this directory, readable by its owner only."""
    if os.environ.get("AMENDS_SECRET_KEY"):
        return os.environ["AMENDS_SECRET_KEY"]
    path = AMENDS.var / "secret_key"
    if not path.exists() and not (AMENDS.directory / "amends.toml").exists():
        return secrets.token_urlsafe(48)  # no directory yet (`amends --help`, type checks): nothing to keep
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("utf-8")
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text("utf-8")


def _database(url: str) -> dict[str, Any]:
    """Django's form of `sqlite:///path` or `postgresql://user:password@host:port/name`."""
    if not url:
        url = f"sqlite:///{AMENDS.var / 'amends.sqlite3'}"
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(url.removeprefix("sqlite:///")),
            "CONN_MAX_AGE": 600,  # opening the file and reading its schema takes longer than most questions
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                # FULL: an answer given is on disk; a checkpoint of 4,000 pages keeps the log small; 64 MB of cache keep
                # the pages of a batch of thousands from being written again and again. The web has many connections.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; "
                f"PRAGMA cache_size=-{1024 * AMENDS.sqlite_cache_mb};",
            },
        }
    if parts.scheme in ("postgresql", "postgres"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or dict(parse_qsl(parts.query)).get("host", "")),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ConfigError(f"AMENDS_DATABASE_URL: {parts.scheme!r} is not supported; use sqlite:/// or postgresql://")


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = [
    "*"
]  # a reverse proxy or the loopback address decides; links are built from public_url, never from Host
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
USE_I18N = True
LOCALE_PATHS = [BASE / "web" / "locale"]
DATABASES = {"default": _database(AMENDS.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "amends.urls"
WSGI_APPLICATION = "amends.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "amends.outbox",
    "amends.ledger",
    "amends.customers",
    "amends.signals",
    "amends.reports",
    "amends.failures",
    "amends.incidents",
    "amends.recoveries",
    "amends.notices",
    "amends.remedies",
    "amends.closure",
    "amends.connectors.coupons",
    "amends.web",
]
MIDDLEWARE = [
    "amends.web.door_first.DoorFirst",
    "django.middleware.security.SecurityMiddleware",
    "amends.web.statics.Statics",
    "amends.web.headers.SecurityHeaders",
    "amends.web.headers.NoNul",
    "amends.web.headers.Bounded",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "web"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "amends.web.headers.company",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = None  # served from the package by whitenoise; nothing to collect
STATICFILES_DIRS = [BASE / "web" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
LOGIN_URL = "/desk/sign-in"
LOGIN_REDIRECT_URL = "/desk/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = AMENDS.public_url.startswith("https://")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # the signal doors read their own bodies, by their own limit
SECURE_REFERRER_POLICY = "same-origin"  # `no-referrer` makes browsers send Origin: null with a form, which CSRF refuses
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "amends.web.front.views.no_csrf"
SILENCED_SYSTEM_CHECKS = ["urls.W002"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
]
LOGGING_CONFIG = None  # amends.worker.logs sets up JSON lines on stderr
