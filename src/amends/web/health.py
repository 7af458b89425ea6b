"""Is it alive, can it serve, how much has it done."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

import amends.outbox.queries
import amends.recoveries.queries
from amends.ground import trouble


def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Can serve: the database answers and the landing directory can be written."""
    problems = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        problems.append(f"database: {error}")
    try:
        (settings.AMENDS.var / "landing").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problems.append(f"landing directory: {error}")
    story = trouble.last(settings.AMENDS.var)
    notes = [f"the story fails since {story.failing} turn(s): {story.error}"] if story.failing else []
    known = {"ready": not problems, "problems": problems, "notes": notes}
    return JsonResponse(known, status=503 if problems else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format 0.0.4."""
    lines = ["# HELP amends_acts Acts by state.", "# TYPE amends_acts gauge"]
    lines += [f'amends_acts{{state="{state}"}} {n}' for state, n in sorted(amends.outbox.queries.counts().items())]
    lines += ["# HELP amends_recoveries Recoveries by state.", "# TYPE amends_recoveries gauge"]
    counts = amends.recoveries.queries.counts()
    lines += [f'amends_recoveries{{state="{state}"}} {n}' for state, n in sorted(counts.items())]
    failed = trouble.last(settings.AMENDS.var)
    lines += [
        "# HELP amends_turns_failed_total Turns of the story that failed.",
        "# TYPE amends_turns_failed_total counter",
    ]
    lines += [f"amends_turns_failed_total {failed.failed}"]
    lines += [
        "# HELP amends_turns_failing Turns of the story that failed in a row up to now.",
        "# TYPE amends_turns_failing gauge",
    ]
    lines += [f"amends_turns_failing {failed.failing}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
