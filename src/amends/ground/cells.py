"""What may stand in the cell of a table that somebody opens in a spreadsheet."""

from __future__ import annotations

from typing import Any

# Full-width signs count as well: some programs read them as their plain ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def harmless(cell: Any) -> Any:
    """A spreadsheet must not run what a customer typed (OWASP ASVS 1.2.10): such a text begins with an apostrophe.

    Numbers stay numbers; a text that looks like one, such as a telephone number, counts as text.

    >>> harmless("=cmd()"), harmless("+43 1 234"), harmless(-4.5)
    ("'=cmd()", "'+43 1 234", -4.5)
    """
    return "'" + cell if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
