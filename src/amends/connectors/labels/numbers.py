"""How a label is found again: its return number, and the file it is kept in. No drawing is needed for that."""

from __future__ import annotations

import hashlib
from pathlib import Path

from amends.ground.ids import derive

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def file_of(folder: Path, key: str) -> Path:
    """Where the label of an act is kept."""
    return folder / f"{derive('label', key)}.pdf"


def number_of(key: str) -> str:
    """The return number of an act: the same for ever, short enough to be read out."""
    value = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=b"amends-label").digest(), "big")
    signs = "".join(SIGNS[value >> 5 * place & 31] for place in range(11))
    return f"R{signs[:3]}-{signs[3:7]}-{signs[7:]}"
