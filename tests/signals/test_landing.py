"""Landing segments: what was answered is there, whatever happens next."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from amends.signals.landing import Log, read, segments

WRITER = """
import sys, threading
from pathlib import Path
from amends.signals.landing import Log
log, gate = Log(Path(sys.argv[1])), threading.Lock()
def write(name):
    for number in range(10**9):
        body = b"%d-%d" % (name, number)
        log.append("events", body, 1)
        with gate:
            sys.stdout.buffer.write(body + b"\\n"); sys.stdout.buffer.flush()
for name in range(8):
    threading.Thread(target=write, args=(name,)).start()
"""


def bodies(directory: Path) -> list[bytes]:
    return [landed.body for path in segments(directory) for landed in read(path, 0, 2**40)]


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout
    answered = [writer.stdout.readline() for _ in range(300)]
    writer.send_signal(signal.SIGKILL)
    answered += writer.stdout.read().splitlines(keepends=True)
    writer.wait()

    whole = {line.strip() for line in answered if line.endswith(b"\n")}
    assert len(whole) >= 300
    assert whole <= set(bodies(tmp_path))


def test_a_torn_tail_is_cut_wherever_it_tears(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for body in (b"first", b"second"):
        log.append("events", body, 7)
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    for size in range(len(whole) - 24 - len(b"second"), len(whole)):
        path.write_bytes(whole[:size])
        assert bodies(tmp_path) == [b"first"]


def test_a_flipped_bit_is_not_read_as_an_event(tmp_path: Path) -> None:
    Log(tmp_path).append("events", b"first", 7)
    (path,) = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    assert bodies(tmp_path) == []


def test_whoever_was_quiet_until_their_segment_was_removed_begins_another(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append("events", b"old", 1)
    segments(tmp_path)[0].unlink()  # read to its end, and a week has passed
    log.append("events", b"new", 2)

    assert bodies(tmp_path) == [b"new"]
