"""A million reports by one INSERT: a town of 11 by 11 km, three years, three in a hundred still open."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

SPREAD_S = 3 * 365 * 86_400
NUMBERS = {
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {n}) SELECT n FROM c) AS c",
    "postgresql": "generate_series(1, {n}) AS c(n)",
}
FILL = """
INSERT INTO reports_reportrow (form, category, state, open, severity, description, answers, lat, long, address,
  address_id, zipcode, area, asset, body, crew, assignee, customer_id, privacy, source, locale, media_url, requested_at,
  updated_at, closed_at, due_at, risk, reopened, affected, incident, visible, notice, status_notes, external_id)
SELECT 'bench-' || n, CASE n % 10 WHEN 0 THEN 'street-light' WHEN 1 THEN 'bulky-waste' WHEN 2 THEN 'noise' ELSE 'pothole' END,
  CASE WHEN n % 33 = 0 THEN 'received' ELSE 'fixed' END, n % 33 = 0, '',
  'Report ' || n || ': it has been broken for some days now; children & cars pass here, please have a look at it soon.',
  '[]', 48.35 + (CAST(n AS BIGINT) * 7919 % 100003) / 1000030.0, 15.5 + (CAST(n AS BIGINT) * 104729 % 99991) / 666606.0,
  (n % 200) || ' Main Street', '', '3500', 'centre', '', 'works', '', '', '', 'anonymous', 'open311', 'en', '',
  {requested}, {updated}, CASE WHEN n % 33 = 0 THEN NULL ELSE {updated} END, {due},
  CASE WHEN n % 33 = 0 THEN (n % 97) / 97.0 ELSE NULL END, 0, 1, '', TRUE, '', 'Mended.', ''
FROM {numbers}"""


def fill(reports: int) -> None:
    """Write the reports, unless they are there, and count them for the map."""
    from django.db import connection

    from amends.reports import clusters

    now, step = datetime.now(UTC), SPREAD_S / reports
    start = f"{now - timedelta(seconds=SPREAD_S):%Y-%m-%d %H:%M:%S}"
    at = {
        "sqlite": f"datetime('{start}', '+' || CAST(n * {step} + {{0}} AS INTEGER) || ' seconds')",
        "postgresql": f"TIMESTAMPTZ '{start}+00' + (n * {step} + {{0}}) * INTERVAL '1 second'",
    }[connection.vendor].format
    said = {"requested": at(-1), "updated": at("n % 500000"), "due": at(600_000)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM reports_reportrow")
        if cursor.fetchone()[0] >= reports:
            return
        began = time.perf_counter()
        cursor.execute(FILL.format(numbers=NUMBERS[connection.vendor].format(n=reports), **said))
        filled = time.perf_counter()
        clusters.count_all(now)
        counted = time.perf_counter()
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
        cursor.execute("SELECT COUNT(*) FROM reports_cellrow")
        cells = cursor.fetchone()[0]
    print(f"  written in {filled - began:.0f} s, counted into {cells:,} cells in {counted - filled:.1f} s", flush=True)
