"""`amends` with its imports already made: each command runs in a fork of this process, so that a kill costs little.

Reads JSON lines: {"start": [args], "log": path} answers with the pid; {"run": [args]} waits and answers with the code.
{"broken": how} makes it a design that is known to be wrong (`broken.py`).
What is forked is the command line itself (`amends worker --dir …`); nothing is open yet when it forks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

WARM = (
    "amends.worker.tree",
    "amends.worker.working",
    "amends.worker.exports",
    "amends.cli.main",
    "amends.connectors.labels.connector",
    "amends.connectors.stripe.connector",
    "amends.connectors.carrier.connector",
    "amends.urls",
    "amends.web.server",
    "django.core.wsgi",
    "django.db.models.sql.compiler",
    "httpcore",
    "h11",
)


def warm_up(directory: Path) -> None:
    """Import what every command needs; what has moved is simply imported later."""
    from amends.cli.entering import enter

    enter(directory)
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(ImportError, AttributeError):  # whom to trust is read by each worker
        importlib.import_module("amends.connectors.wire").trusted()
    gc.collect()
    gc.freeze()  # what is shared with the forks is not looked through, and so copied, by each of them


def fork(args: list[str], log: str, broken: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        if broken:
            importlib.import_module("tests.campaign.broken").break_it(broken)
        code = command(args)
    finally:
        os._exit(code)


def command(args: list[str]) -> int:
    from amends.cli.main import app

    sys.argv = ["amends", *args]
    try:
        app(args)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0


def obey(order: dict[str, Any]) -> dict[str, int]:
    if "start" in order:
        return {"pid": fork(order["start"], order["log"], order["broken"])}
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, status = os.waitpid(fork(order["run"], order["log"], order["broken"]), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    return {"code": os.waitstatus_to_exitcode(status)}


if __name__ == "__main__":
    warm_up(Path(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are nobody's to wait for
    print(json.dumps({"pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)
