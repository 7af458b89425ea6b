"""Where reports are: an R*Tree kept by triggers on SQLite, a GiST index over core points on PostgreSQL."""

from django.db import migrations

TREE = (
    "CREATE VIRTUAL TABLE reports_place USING rtree(number, min_long, max_long, min_lat, max_lat)",
    """INSERT INTO reports_place SELECT number, long, long, lat, lat FROM reports_reportrow
       WHERE lat IS NOT NULL AND long IS NOT NULL""",
    """CREATE TRIGGER reports_place_new AFTER INSERT ON reports_reportrow
       WHEN NEW.lat IS NOT NULL AND NEW.long IS NOT NULL BEGIN
         INSERT INTO reports_place VALUES (NEW.number, NEW.long, NEW.long, NEW.lat, NEW.lat);
       END""",
    """CREATE TRIGGER reports_place_moved AFTER UPDATE OF lat, long ON reports_reportrow
       WHEN NEW.lat IS NOT OLD.lat OR NEW.long IS NOT OLD.long BEGIN
         DELETE FROM reports_place WHERE number = OLD.number;
         INSERT INTO reports_place SELECT NEW.number, NEW.long, NEW.long, NEW.lat, NEW.lat
           WHERE NEW.lat IS NOT NULL AND NEW.long IS NOT NULL;
       END""",
    """CREATE TRIGGER reports_place_gone AFTER DELETE ON reports_reportrow BEGIN
         DELETE FROM reports_place WHERE number = OLD.number;
       END""",
)
NO_TREE = (
    *(f"DROP TRIGGER reports_place_{name}" for name in ("new", "moved", "gone")),
    "DROP TABLE reports_place",
)


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        statements = TREE
    else:
        statements = ("CREATE INDEX reports_place ON reports_reportrow USING gist (point(long, lat))",)
    for statement in statements:
        schema_editor.execute(statement)


def unmake(apps, schema_editor):
    statements = NO_TREE if schema_editor.connection.vendor == "sqlite" else ("DROP INDEX reports_place",)
    for statement in statements:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_reports")]
    operations = [migrations.RunPython(make, unmake)]
