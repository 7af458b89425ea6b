"""Killed at the n-th system call: strace does what no timer can, cut exactly between two writes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

CALLS = ("fdatasync", "pwrite64", "sendto")  # to disk, into the database's file, to the database or the other side
LATEST = 6  # a group of acts is one commit: more calls are rarely made in a row


def tracer(pids: Sequence[int], call: str, nth: int) -> subprocess.Popen[bytes]:
    """Attach to running processes; the one that makes the call for the n-th time is killed before it returns."""
    wish = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    targets = [part for pid in pids for part in ("-p", str(pid))]
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *wish, *targets]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def can_trace() -> str:
    """Why this machine cannot, or nothing when it can: it is tried on a process that does no harm."""
    if not shutil.which("strace"):
        return "strace is not installed (`make system` asks apt-get for it)"
    harmless = "import os, time\nfor _ in range(100): os.getppid(); time.sleep(0.05)"
    victim = subprocess.Popen([sys.executable, "-c", harmless])
    strace = tracer([victim.pid], "getppid", 2)
    try:
        killed = victim.wait(10) != 0
    except subprocess.TimeoutExpired:
        killed = False
    victim.kill()
    strace.kill()
    strace.wait()
    return "" if killed else "strace may not attach to processes here (ptrace is restricted)"
