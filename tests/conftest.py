"""What every test stands on: its own directory, SQLite by default, PostgreSQL where asked for."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("AMENDS_DIR", tempfile.mkdtemp(prefix="amends-tests-"))
os.environ.setdefault("AMENDS_SECRET_KEY", "only-for-tests")
