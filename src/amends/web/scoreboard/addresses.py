"""The addresses of the scoreboard."""

from __future__ import annotations

from django.urls import path

from amends.web.scoreboard import views

PATHS = [
    path("promises", views.page, name="promises"),
    path("promises.csv", views.as_csv, name="promises-csv"),
    path("promises.json", views.as_json, name="promises-json"),
]
