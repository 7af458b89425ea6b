"""One row a movement, chained: the old two-table books make way, and are copied by 0004.

Workers of the version before must be stopped: they would go on writing into the old tables.
"""

import importlib

from django.db import migrations, models
from django.db.models import F, Q

before = importlib.import_module("amends.ledger.migrations.0002_append_only")

# The same as amends.ledger.rules.link says.
CHAIN = """
CREATE OR REPLACE FUNCTION amends_said(seq bigint, kind text, act_key text, recovery_id text, customer_id text,
  debit text, credit text, currency text, minor bigint, statutory boolean, at_us bigint) RETURNS bytea
  LANGUAGE sql IMMUTABLE AS $$
  SELECT convert_to($1::text || '|' || $9::text || '|' || $10::int::text || '|' || $11::text
    || '|' || char_length($2) || ':' || $2 || '|' || char_length($3) || ':' || $3
    || '|' || char_length($4) || ':' || $4 || '|' || char_length($5) || ':' || $5
    || '|' || char_length($6) || ':' || $6 || '|' || char_length($7) || ':' || $7
    || '|' || char_length($8) || ':' || $8, 'UTF8') $$;
CREATE OR REPLACE FUNCTION amends_next_link(state bytea, start bytea, said bytea) RETURNS bytea
  LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(coalesce($1, $2) || $3) $$;
CREATE OR REPLACE AGGREGATE amends_chain(start bytea, said bytea) (SFUNC = amends_next_link, STYPE = bytea);
"""
UNCHAIN = """
DROP AGGREGATE IF EXISTS amends_chain(bytea, bytea);
DROP FUNCTION IF EXISTS amends_next_link(bytea, bytea, bytea);
DROP FUNCTION IF EXISTS amends_said(bigint, text, text, text, text, text, text, text, bigint, boolean, bigint);
"""


def chain(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CHAIN)


def unchain(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(UNCHAIN)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_append_only")]
    operations = [
        migrations.RunPython(before.allow, before.forbid),
        migrations.RenameModel("PostingRow", "OldPostingRow"),
        migrations.CreateModel(
            name="PostingRow",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("act_key", models.CharField(max_length=120)),
                ("recovery_id", models.CharField(max_length=60)),
                ("customer_id", models.CharField(max_length=200)),
                ("debit", models.CharField(max_length=220)),
                ("credit", models.CharField(max_length=220)),
                ("currency", models.CharField(max_length=3)),
                ("minor", models.BigIntegerField()),
                ("statutory", models.BooleanField(default=False)),
                ("at_us", models.BigIntegerField(db_index=True)),
                ("hash", models.BinaryField(max_length=32)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("act_key", "kind"), name="posting_once"),
                    models.CheckConstraint(condition=Q(("minor__gt", 0)), name="posting_moves_something"),
                    models.CheckConstraint(condition=~Q(debit=F("credit")), name="posting_has_two_sides"),
                ]
            },
        ),
        migrations.CreateModel(
            name="HeadRow",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(default=0)),
                ("hash", models.BinaryField(max_length=32)),
            ],
        ),
        migrations.RunPython(chain, unchain),
    ]
