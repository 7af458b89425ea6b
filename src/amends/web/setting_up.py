"""What a new installation needs once: tables, an operator for the desk, an API key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import call_command

import amends.signals.queries
import amends.signals.steps
from amends.ground.moments import format_moment
from amends.web.desk.access import CARE, may_act

SCOPES = ["signals:write", "quarantine:write", "read", "reports:write", "reports:update"]
KNOWN = [*SCOPES, "reports:unlimited", "coupons:redeem", "coupons:revoke"]  # the rest only where asked for


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


def add_operator(name: str, *, may_act: bool) -> str:
    """Make an operator and answer the password; ValueError when the name cannot be or is taken."""
    try:
        User.username_validator(name)
    except ValidationError as error:
        raise ValueError(f"{name!r} cannot be a name: letters, digits and @ . + - _ only") from error
    if User.objects.filter(username=name).exists():
        raise ValueError(f"there is an operator {name} already; `amends operators reset {name}` gives a new password")
    password = secrets.token_urlsafe(12)
    user = User.objects.create_user(name, password=password, is_staff=True)
    if may_act:
        user.groups.add(Group.objects.get_or_create(name=CARE)[0])
    return password


def reset_password(name: str) -> str:
    """A new password for an operator; ValueError when there is none of that name."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise ValueError(f"there is no operator {name}; `amends operators list` shows them")
    password = secrets.token_urlsafe(12)
    user.set_password(password)  # sessions carry a hash of the old one and end with it
    user.save(update_fields=["password"])
    return password


def operators() -> list[str]:
    """One line per operator: name, what they may do, last sign-in."""
    return [_line(user) for user in User.objects.filter(is_staff=True).order_by("username")]


def _line(user: User) -> str:
    last = f"last signed in {format_moment(user.last_login)}" if user.last_login else "never signed in"
    return f"{user.username}  {'acts' if may_act(user) else 'reads'}  {last}{'' if user.is_active else '  locked'}"


def wrong_scopes(scopes: Sequence[str]) -> list[str]:
    """Scopes that no door knows."""
    return [scope for scope in scopes if scope not in KNOWN]
