"""What a player of a story reports: CMCD v2 in event mode (CTA-5004-A), a line for each change of state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

ON_THE_WAY_MS = 60


def reports(
    session_id: str, title: str, began_ms: int, states: Sequence[tuple[int, str]], bitrates: Sequence[tuple[int, int]]
) -> Iterator[str]:
    """Lines of one session: states and bitrates are (ms since it began, value); state f ends it with an error."""
    return (line for _, line in _timed(session_id, title, began_ms, states, bitrates))


def log(
    session_id: str, title: str, began_ms: int, states: Sequence[tuple[int, str]], bitrates: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, str]]:
    """The same as an edge server wrote it down: when it arrived, and a line that `amends ingest` reads."""
    for at_ms, line in _timed(session_id, title, began_ms, states, bitrates):
        yield at_ms, json.dumps({"t": (at_ms + ON_THE_WAY_MS) / 1000, "kind": "event", "body": line})


def _timed(
    session_id: str, title: str, began_ms: int, states: Sequence[tuple[int, str]], bitrates: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, str]]:
    kbps = dict(bitrates)
    current = bitrates[0][1]
    for sequence, (at, state) in enumerate(states):
        current = kbps.get(at, current)
        event = "e" if state == "f" else "ps"
        error = ",ec=3016" if state == "f" else ""
        yield (
            began_ms + at,
            f'br=({current};v),cid="{title[:60]}",e={event}{error},sf=h,sid="{session_id}",'
            f"sn={sequence},st=v,sta={state},ts={began_ms + at},v=2",
        )
