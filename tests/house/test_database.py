import os

from django.db import connection


def test_the_tests_run_on_the_database_that_was_asked_for() -> None:
    wanted = "postgresql" if os.environ.get("AMENDS_TEST_POSTGRES") else "sqlite"

    assert connection.vendor == wanted
