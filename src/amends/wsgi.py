"""The WSGI application that granian serves."""

from __future__ import annotations

import os
import signal

from django.core.wsgi import get_wsgi_application

from amends.web.server import die_with_parent
from amends.worker.logs import set_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amends.settings")
os.environ.setdefault("AMENDS_SQLITE_CACHE_MB", "8")  # for each thread; only a worker writes thousands of rows at once
if os.environ.get("AMENDS_CHILD"):
    die_with_parent(signal.SIGKILL)  # every answer is on disk before it is given: nothing to finish
    set_up()
application = get_wsgi_application()
