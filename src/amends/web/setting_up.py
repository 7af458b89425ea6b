"""What a new installation needs once: tables, an operator for the desk, an API key."""

from __future__ import annotations

import os
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

import amends.signals.queries
import amends.signals.steps

SCOPES = ["signals:write", "quarantine:write", "read"]


def prepare(operator: str, now: datetime) -> dict[str, str]:
    """Migrate, and make operator and key unless there are some; the secrets made, shown once and never again."""
    settings.AMENDS.var.mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    made = {"api_key": "", "operator": operator, "password": ""}
    if not User.objects.exists():
        made["password"] = os.environ.get("AMENDS_OPERATOR_PASSWORD") or secrets.token_urlsafe(12)
        User.objects.create_superuser(operator, password=made["password"])
    if not list(amends.signals.queries.keys()):
        made["api_key"] = amends.signals.steps.create_key("first key", SCOPES, now)
    return made
