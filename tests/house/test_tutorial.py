from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


STORIES = sorted((ROOT / "src/amends/scenarios").glob("*/story.md"))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.parent.name)
def test_the_tutorial_is_the_scenario(story: Path) -> None:
    page = ROOT / f"docs/tutorial/{story.parent.name.replace('_', '-')}.md"

    assert page.read_text() == story.read_text()
