from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tutorial_is_the_scenario() -> None:
    story = ROOT / "src/amends/scenarios/buffering_evening/story.md"

    assert (ROOT / "docs/tutorial/buffering-evening.md").read_text() == story.read_text()
