"""The linter's flags against a reader's labels on published apologies, which are other people's words and not kept here.

python benchmarks/lint.py FILE.json [--wrong]

FILE.json: {"apologies": [{"id", "text", "flags": [...], "label"}]}. Without a file there is nothing to measure.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from amends.notices import lint

READER_SAYS = {
    "conditional-impact": "conditional_impact",
    "conditional-apology": "conditional_apology",
    "inconvenience": "inconvenience",
    "blame": "blame_shift",
    "agentless": "agentless",
    "minimising": "minimising",
    "self-praise": "self_praise",
    "self-defence": "self_defence",
    "claim-burden": "claim_burden",
    "claim-deadline": "claim_deadline",
    "thanks-for-patience": "thanks_for_patience",
    "no-apology": "no_apology_word",
    "bare-promise": "vague_prevention",
}


def measure(apologies: list[dict[str, object]], show: bool) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How often linter and reader agree, the linter alone speaks, and the reader alone does, by flag."""
    both, linter_only, reader_only = Counter[str](), Counter[str](), Counter[str]()
    for apology in apologies:
        found = {READER_SAYS[f.rule] for f in lint.lint_text(str(apology["text"])) if f.rule in READER_SAYS}
        labelled = set(apology["flags"]) & set(READER_SAYS.values())  # type: ignore[call-overload]
        both.update(found & labelled)
        linter_only.update(found - labelled)
        reader_only.update(labelled - found)
        if show and found != labelled:
            print(apology["id"], "linter only:", sorted(found - labelled), "reader only:", sorted(labelled - found))
    return both, linter_only, reader_only


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--wrong", action="store_true", help="list the texts where linter and reader differ")
    given, _ = parser.parse_known_args()
    if given.file is None or not given.file.is_file():
        print("no file of labelled apologies given: nothing measured")
        return
    apologies = json.loads(given.file.read_text("utf-8"))["apologies"]
    both, linter_only, reader_only = measure(apologies, given.wrong)
    print(f"{'flag':22} both  linter only  reader only")
    for flag in sorted({*both, *linter_only, *reader_only}):
        print(f"{flag:22} {both[flag]:4}  {linter_only[flag]:11}  {reader_only[flag]:11}")
    right, extra, missed = both.total(), linter_only.total(), reader_only.total()
    print(f"{len(apologies)} texts: precision {right / (right + extra):.2f}, recall {right / (right + missed):.2f}")


if __name__ == "__main__":
    main()
