"""Who is signed in at the desk."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client


@pytest.fixture
def eva(db: None) -> Client:
    """An operator who may act."""
    return _signed_in(User.objects.create_user("eva", is_staff=True), "care")


@pytest.fixture
def rea(db: None) -> Client:
    """An operator who only reads."""
    return _signed_in(User.objects.create_user("rea", is_staff=True))


def _signed_in(user: User, *groups: str) -> Client:
    user.groups.set([Group.objects.get_or_create(name=name)[0] for name in groups])
    client = Client()
    client.force_login(user)
    return client
