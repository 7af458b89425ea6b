"""Every address of amends, door by door."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from amends.web import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
