"""`make campaign ROUNDS=… KILLS=… SEED=… DATABASE=…`: as long as you have time for; each round names its seed."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.campaign.faking import faketime
from tests.campaign.field import DATABASES, Field
from tests.campaign.rounds import Storm


def main() -> int:
    read = argparse.ArgumentParser(prog="python -m tests.campaign")
    read.add_argument("--rounds", type=int, default=20)
    read.add_argument("--kills", type=int, default=45)
    read.add_argument("--seed", type=int, default=1000)
    read.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    wish = read.parse_args()
    if not faketime():
        print("libfaketime does not load here: the campaign needs clocks that jump", file=sys.stderr)
        return 2
    base = Path(tempfile.mkdtemp(prefix="amends-campaign-"))
    names = list(DATABASES) if wish.database == "both" else [wish.database]
    wrong = sum(_fight(base / name, name, wish) for name in names)
    if wrong:
        print(f"what is left of it is in {base}")
    else:
        shutil.rmtree(base, ignore_errors=True)
    return int(wrong > 0)


def _fight(base: Path, name: str, wish: argparse.Namespace) -> int:
    base.mkdir()
    field, wrong, killed = Field(base, name), 0, 0
    try:
        for seed in range(wish.seed, wish.seed + wish.rounds):
            after, broken = field.round(Storm(seed, wish.kills))
            wrong, killed = wrong + bool(broken), killed + after.ours_killed
            verdict = f"{len(broken)} laws broken" if broken else "holds"
            print(f"{name} seed {seed}: {verdict}; {killed} killed so far; {after.seconds:.0f} s", flush=True)
            for sentence in broken:
                print(f"    {sentence}")
    finally:
        field.end()
    return wrong


if __name__ == "__main__":
    sys.exit(main())
