"""Every address of amends, door by door."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.cache import never_cache

from amends.web import api, health
from amends.web.crew import views as crew
from amends.web.desk import (
    actions,
    incidents,
    money,
    pages,
    reports,
    reports_acting,
    reports_bulk,
    reports_listed,
    reports_map,
    reports_taking_in,
    sending,
)
from amends.web.following import addresses as following
from amends.web.front import views as front
from amends.web.report import addresses as report
from amends.web.scoreboard import addresses as scoreboard
from amends.web.yours import reports as own_reports
from amends.web.yours import views as own

handler400 = front.unreadable
handler403 = front.forbidden
handler404 = front.not_found
handler500 = front.broken

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front.front, name="front"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("v1/docs", api.docs),
    path("v1/", api.api.urls),
    path("yours/<str:token>", own.yours, name="yours"),
    path("yours/<str:token>/photos/<str:name>.jpg", own_reports.photo, name="yours-photo"),
    path("reports/<int:number>/reopen", own_reports.reopen, name="reports-reopen"),
    *following.PATHS,
    *scoreboard.PATHS,
    *report.PATHS,
    path("desk/", pages.today, name="desk-today"),
    path("desk/sign-in", never_cache(pages.SignIn.as_view()), name="desk-sign-in"),
    path("desk/sign-out", LogoutView.as_view(next_page="desk-sign-in"), name="desk-sign-out"),
    path("desk/recoveries", pages.recoveries, name="desk-recoveries"),
    path("desk/recoveries/<str:recovery_id>", pages.recovery, name="desk-recovery"),
    path("desk/recoveries/<str:recovery_id>/approve", actions.approve, name="desk-approve"),
    path("desk/recoveries/<str:recovery_id>/decline", actions.decline, name="desk-decline"),
    path("desk/recoveries/<str:recovery_id>/close", actions.close, name="desk-close"),
    path("desk/budgets", money.budgets, name="desk-budgets"),
    path("desk/budgets/stop", money.stop, name="desk-stop-paying"),
    path("desk/budgets/resume", money.resume, name="desk-resume-paying"),
    path("desk/policies/<str:digest>/approve", money.approve_policy, name="desk-approve-policy"),
    path("desk/differences/<str:difference_id>/take-back", money.take_back_excess, name="desk-take-back-excess"),
    path("desk/recoveries/<str:recovery_id>/take-back/<str:key>", money.take_back, name="desk-take-back"),
    path("desk/differences/<str:difference_id>/settle", money.settle_difference, name="desk-settle-difference"),
    path("crew/<str:token>", crew.crew, name="crew"),
    path("crew/<str:token>/<int:number>", crew.one, name="crew-report"),
    path("crew/<str:token>/photo/<str:name>", crew.photo, name="crew-photo"),
    path("desk/reports", reports.reports, name="desk-reports"),
    path("desk/reports/listed.csv", reports_listed.listed, {"form": "csv"}, name="desk-reports-csv"),
    path("desk/reports/listed.geojson", reports_listed.listed, {"form": "geojson"}, name="desk-reports-geojson"),
    path("desk/reports/pins.geojson", reports_map.pins, name="desk-reports-pins"),
    path("desk/reports/bulk", reports_bulk.bulk, name="desk-reports-bulk"),
    path("desk/reports/undo", reports_bulk.undo, name="desk-reports-undo"),
    path("desk/reports/new", reports_taking_in.take_in, name="desk-report-new"),
    path("desk/reports/moderation", reports.looking, name="desk-reports-moderation"),
    path("desk/reports/ban", reports_acting.ban, name="desk-reports-ban"),
    path("desk/reports/crews", reports.crew_links, name="desk-reports-crews"),
    path("desk/reports/crews/link", reports_acting.crew_link, name="desk-reports-crew-link"),
    path("desk/reports/routing", reports.rules, name="desk-reports-rules"),
    path("desk/reports/<int:number>", reports.report, name="desk-report"),
    path("desk/reports/<int:number>/move", reports_acting.move, name="desk-report-move"),
    path("desk/reports/<int:number>/write", reports_acting.write, name="desk-report-write"),
    path("desk/reports/<int:number>/change", reports_acting.change, name="desk-report-change"),
    path("desk/reports/<int:number>/assign", reports_acting.assign, name="desk-report-assign"),
    path("desk/reports/<int:number>/clock", reports_acting.clock, name="desk-report-clock"),
    path("desk/reports/<int:number>/merge", reports_acting.merge, name="desk-report-merge"),
    path("desk/reports/<int:number>/unmerge", reports_acting.unmerge, name="desk-report-unmerge"),
    path("desk/reports/<int:number>/split", reports_acting.split, name="desk-report-split"),
    path("desk/reports/<int:number>/show", reports_acting.show, name="desk-report-show"),
    path("desk/reports/<int:number>/blacken", reports_acting.blacken, name="desk-report-blacken"),
    path("desk/reports/photo/<str:name>", reports.photo, name="desk-report-photo"),
    path("desk/failures", pages.failures, name="desk-failures"),
    path("desk/incidents", incidents.incidents, name="desk-incidents"),
    path("desk/incidents/<str:incident_id>", incidents.incident, name="desk-incident"),
    path("desk/acts", pages.acts, name="desk-acts"),
    path("desk/acts/<str:key>", pages.act, name="desk-act"),
    path("desk/acts/<str:key>/retry", actions.retry, name="desk-retry"),
    path("desk/acts/<str:key>/settle", actions.settle, name="desk-settle"),
    path("desk/sending", sending.sending, name="desk-sending"),
    path("desk/sending/<str:key>", sending.batch, name="desk-batch"),
    path("desk/sending/<str:key>/pause", sending.pause, name="desk-batch-pause"),
    path("desk/sending/<str:key>/resume", sending.resume, name="desk-batch-resume"),
    path("desk/sending/<str:key>/resend", sending.resend, name="desk-batch-resend"),
    path("desk/sending/<str:key>/abort", sending.abort, name="desk-batch-abort"),
    path("desk/sessions", pages.sessions, name="desk-sessions"),
    path("desk/sessions/<str:session_id>", pages.session, name="desk-session"),
    path("desk/quarantine", pages.quarantine, name="desk-quarantine"),
    path("desk/quarantine/<int:number>", pages.quarantined, name="desk-quarantined"),
    path("desk/quarantine/<int:number>/resend", actions.resend, name="desk-resend"),
    path("desk/quarantine/<int:number>/dismiss", actions.dismiss, name="desk-dismiss"),
    path("desk/notices/<str:notice_id>/send", actions.send_notice, name="desk-notice-send"),
    path("desk/notices/<str:notice_id>/dismiss", actions.dismiss_notice, name="desk-notice-dismiss"),
    path("desk/mails/<str:notice_id>", pages.mail_html, name="desk-mail"),
    path("desk/pieces", pages.pieces, name="desk-pieces"),
]
