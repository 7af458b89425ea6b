"""`amends assess video` on an access log, the whole command, against a plain Python loop that only reads the lines.

python benchmarks/access_log.py [--megabytes 1000]
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, unquote

LINE = re.compile(r'\S+ \S+ \S+ \[([^\]]+)\] "GET (\S+) HTTP/[^"]*" (\d{3}) (\d+)')


def make(path: Path, megabytes: int) -> None:
    """Sessions of thirty segments, interleaved, as a CDN would log them."""
    size, session = 0, 0
    with path.open("w") as file:
        while size < megabytes * 1_000_000:
            for segment in range(30):
                for each in range(20):
                    cmcd = (
                        f'bl={segment * 100 % 9000},br=2500,cid="film",d=2000,dl={segment * 100},mtp=6000,'
                        f'nor="seg-{segment + 2:05d}.m4s",ot=v,rtp=4000,sf=d,sid="session-{session + each}",st=v,tb=2500'
                    )
                    second = segment * 2 % 60
                    line = (
                        f"203.0.113.{each} - - [24/Nov/2026:20:{segment // 30:02d}:{second:02d} +0000] "
                        f'"GET /film/seg-{segment + 1:05d}.m4s?CMCD={quote(cmcd)} HTTP/1.1" 200 626000 "-" "player/1.0"\n'
                    )
                    size += file.write(line)
            session += 20


def plain_loop(path: Path) -> int:
    """What a script would do: match, unquote, split into a dict, convert the numbers."""
    count = 0
    with path.open() as file:
        for line in file:
            match = LINE.match(line)
            if match is None or "CMCD=" not in match[2]:
                continue
            target = match[2]
            members = {}
            for part in unquote(target.partition("CMCD=")[2]).split(","):
                key, _, value = part.partition("=")
                members[key] = int(value) if value.isdigit() else value.strip('"')
            moment = time.strptime(match[1][:20], "%d/%b/%Y:%H:%M:%S")
            row = (moment, target.partition("?")[0], int(match[3]), int(match[4]), members)
            count += len(row) > 0
    return count


def ours(path: Path) -> int:
    """As a user would call it: start-up, reading, judging and writing included."""
    with (path.parent / "sessions.jsonl").open("wb") as out:
        subprocess.run([sys.executable, "-m", "amends", "assess", "video", str(path)], stdout=out, check=True)
    return (path.parent / "sessions.jsonl").read_bytes().count(b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "access.log"
        make(path, given.megabytes)
        seconds = {}
        for name, work, what in (("plain loop", plain_loop, "requests read"), ("amends", ours, "sessions judged")):
            began = time.perf_counter()
            rows = work(path)
            seconds[name] = time.perf_counter() - began
            print(f"{name:12} {seconds[name]:7.2f} s  {rows:,} {what}")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"amends' memory at its highest: {peak:,.0f} MiB")
        print(f"ratio: {seconds['plain loop'] / seconds['amends']:.2f} times as fast as the plain loop")


if __name__ == "__main__":
    main()
