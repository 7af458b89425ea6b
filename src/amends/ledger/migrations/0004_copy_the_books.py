"""The old books copied into the chain, in the order in which they were kept; then append-only again."""

from django.db import migrations

from amends.ledger.rules import START, link, microseconds

TABLE = "ledger_postingrow"
SAYS = "the books are append-only: book a reversal instead"


def copy(apps, schema_editor):
    old, entries = apps.get_model("ledger", "OldPostingRow"), apps.get_model("ledger", "EntryRow")
    new, head = apps.get_model("ledger", "PostingRow"), apps.get_model("ledger", "HeadRow")
    rows, seq, last = [], 0, START
    sides = {}
    for entry in entries.objects.order_by("pk").iterator(2000):
        debit, credit, _, _ = sides.get(entry.posting_id, ("", "", 0, ""))
        debit, credit = (entry.account, credit) if entry.minor > 0 else (debit, entry.account)
        sides[entry.posting_id] = (debit, credit, abs(entry.minor), entry.currency)
    for posting in old.objects.order_by("at", "posting_id").iterator(2000):
        debit, credit, minor, currency = sides[posting.posting_id]
        seq += 1
        said = {
            "seq": seq, "kind": posting.kind, "act_key": posting.act_key, "recovery_id": posting.recovery_id,
            "customer_id": posting.customer_id, "debit": debit, "credit": credit, "currency": currency,
            "minor": minor, "statutory": posting.statutory, "at_us": microseconds(posting.at),
        }
        last = link(last, **said)
        rows.append(new(hash=last, **said))
    new.objects.bulk_create(rows, batch_size=1000)
    head.objects.update_or_create(pk="books", defaults={"seq": seq, "hash": last})


def nothing(apps, schema_editor):
    pass


def forbid(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION amends_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{SAYS}'; END $$"
            )
        for verb in ("UPDATE", "DELETE"):
            name = f"{TABLE}_no_{verb.lower()}"
            if schema_editor.connection.vendor == "postgresql":
                says = "FOR EACH ROW EXECUTE FUNCTION amends_append_only()"
            else:
                says = f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
            cursor.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {TABLE} {says}")


def allow(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for verb in ("update", "delete"):
            on = f" ON {TABLE}" if schema_editor.connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{verb}{on}")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_one_row_a_movement")]
    operations = [
        migrations.RunPython(copy, nothing),
        migrations.DeleteModel("EntryRow"),
        migrations.DeleteModel("OldPostingRow"),
        migrations.RunPython(forbid, allow),
    ]
