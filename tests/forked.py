"""Commands as processes of their own, forked from one that has imported what they all need: a start for half the price.

`run` is `subprocess.run([python, "-m", module, …])` with output captured. The process that is forked has loaded other
people's libraries and what of ours knows no settings; everything else a command imports itself, in its own environment.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = (
    *("numpy", "pyarrow", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "yaml", "msgspec", "httpx"),
    *("holidays", "shapely", "PIL.Image", "PIL.ImageCms", "babel", "babel.numbers", "babel.dates", "typer"),
    *("rich.console", "rich.table", "rich.progress", "nh3", "markdown_it", "zstandard", "psycopg"),
    *("django.core.management", "django.db.models", "django.db.models.sql.compiler", "django.http", "django.urls"),
    *("django.template", "django.contrib.auth.hashers", "django.db.backends.sqlite3.base"),
    *("django.db.migrations.executor", "amends.cli.main", "amends.ground.bulk", "amends.telemetry.kernel"),
)


class Forge:
    """The process that is forked, one for each that runs tests."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.forked"]
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("AMENDS_", "DJANGO_"))}
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=bare | {"PYTHONPATH": path}, text=True, stdin=pipe, stdout=pipe
        )
        atexit.register(self.process.kill)
        self.turns = Lock()  # threads that call commands side by side take turns
        self._answer(120)

    def _answer(self, timeout: float) -> Any:
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            raise TimeoutError
        return json.loads(self.process.stdout.readline())

    def run(self, order: Mapping[str, Any], timeout: float) -> int:
        with self.turns:
            return self._run(order, timeout)

    def _run(self, order: Mapping[str, Any], timeout: float) -> int:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        pid = self._answer(timeout)
        try:
            return int(self._answer(timeout))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self._answer(timeout)
            raise subprocess.TimeoutExpired(order["args"], timeout) from None


@cache
def _forge(owner: int) -> Forge:
    return Forge()


def run(
    args: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str = "",
    module: str = "amends",
    script: str = "",
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """`python -m module args…` to its end, or `python -c script`; nothing of its own environment is inherited."""
    given = dict(os.environ if env is None else env)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "in").write_text(input)
        order = {"args": list(args), "env": given, "cwd": str(cwd or Path.cwd()), "module": module, "script": script}
        code = _forge(os.getpid()).run(order | {"files": folder}, timeout)
        out, err = ((place / name).read_text("utf-8") for name in ("out", "err"))
    return subprocess.CompletedProcess(list(args), code, out, err)


def _become(order: Mapping[str, Any]) -> int:
    """In the fork: what a new Python would be."""
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    for number, name in enumerate(("in", "out", "err")):
        how = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(Path(order["files"]) / name, how, 0o600), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv, sys.path[0] = [order["module"], *order["args"]], order["cwd"]
    if (given := order["env"].get("PYTHONPATH")) is not None:
        sys.path[:0] = [part for part in given.split(os.pathsep) if part]
    try:
        if order["script"]:
            exec(compile(order["script"], "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _fork(order: Mapping[str, Any]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        code = _become(order)
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
            atexit._run_exitfuncs()
        os._exit(code)


def serve() -> None:
    """Fork for each line of orders; answer with the process's number, then with its exit code."""
    for name in SHARED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    print("0", flush=True)
    for line in sys.stdin:
        pid = _fork(json.loads(line))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
