"""The addresses of following: pages, links of mails, feeds."""

from __future__ import annotations

from django.urls import path

from amends.web.following import feeds, views

PATHS = [
    path("follow", views.follow, name="follow"),
    path("follow/asked", views.asked, name="follow-asked"),
    path("follow/confirm/<str:token>", views.confirm, name="follow-confirm"),
    path("follow/end/<str:token>", views.end, name="follow-end"),
    path("follow/yours/<str:token>", views.yours, name="follow-yours"),
    path("follow/yours/<str:token>/news", views.news, name="follow-news"),
    path("reports/<int:number>/follow", views.follow_report, name="follow-report"),
    path("feeds/reports.<str:form>", feeds.everything, name="feed-all"),
    path("feeds/reports/<int:number>.<str:form>", feeds.report, name="feed-report"),
    path("feeds/categories/<str:code>.<str:form>", feeds.category, name="feed-category"),
    path("feeds/areas/<path:code>.<str:form>", feeds.area, name="feed-area"),
    path("feeds/places/<str:place>.<str:form>", feeds.place, name="feed-place"),
]
