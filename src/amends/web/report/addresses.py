"""The addresses of reporting: the form and what its script asks, photos, and what everybody may see."""

from __future__ import annotations

from django.urls import path

from amends.web.report import offline, pictures, places, public, views

PATHS = [
    path("report", views.report, name="report"),
    path("report/photos", pictures.upload, name="report-upload"),
    path("report/places", places.search, name="report-places"),
    path("report/around", places.around, name="report-around"),
    path("report/questions/<str:code>", places.asked, name="report-questions"),
    path("report/things/<str:layer>", places.standing, name="report-things"),
    path("report/map/<int:z>/<int:x>/<int:y>", places.piece, name="report-map"),
    path("report/sw.js", offline.worker, name="report-worker"),
    path("report/app.webmanifest", offline.manifest, name="report-manifest"),
    path("report/sent/<str:token>", views.sent, name="report-sent"),
    path("photos/<str:name>.small.jpg", pictures.photo, {"small": True}, name="photo-small"),
    path("photos/<str:name>.jpg", pictures.photo, name="photo"),
    path("reports", public.reports, name="reports"),
    path("reports/pins.geojson", public.pins, name="reports-pins"),
    path("reports/cards", public.cards, name="reports-cards"),
    path("reports/<int:number>", public.one, name="reports-one"),
    path("reports/<int:number>/me-too", public.me_too, name="reports-me-too"),
]
