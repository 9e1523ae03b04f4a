"""Every *.story is told to its end; and a story that is wrong breaks, with its line."""

from pathlib import Path

import pytest

from stories.story import StoryBroken, tell

STORIES = sorted(Path(__file__).parent.glob("*.story"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    tell(path)


def test_there_are_stories() -> None:
    assert len(STORIES) >= 8


SCENE = 'site #1234 "Mill Road 4"\ndesk Li dispatcher\ndesk Kim call_taker\nunit E11 pump\n'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('12:00:00 expect incident fire "Mill Road 4"', "no incident is open"),
        ('12:00:00 dc09 #1234 FA\n12:00:00 expect incident gas "Mill Road 4"', "is fire, not gas"),
        ("12:00:00 dc09 #1234 FA\n12:00:00 expect 2 incidents", "is 1, not 2"),
        ("12:00:00 dc09 #1234 FA\n12:00:00 Li dances", "nobody knows what it means"),
        ("12:00:00 dc09 #1234 FA\n12:00:00 Li takes 9", "there is no incident 9"),
        ("12:00:00 dc09 #1234 FA\n12:00:00 Kim sends E11 to 1", "Your role may not do this"),
        ("12:00:00 dc09 #1234 FA\n12:00:00 Li takes 1 - refused not_found", "was not refused"),
        ("12:00:00 dc09 #1234 FA\n11:59:59 Li takes 1", "the time goes backwards"),
        ('12:00:00 dc09 #1234 FA\n12:00:00 expect told "Nothing"', "told 0 times"),
        ("something else", "says nothing that is known"),
    ],
)
def test_a_wrong_story_breaks(tmp_path: Path, lines: str, says: str) -> None:
    path = tmp_path / "wrong.story"
    path.write_text(SCENE + lines, encoding="utf-8")
    with pytest.raises(StoryBroken, match=says) as broken:
        tell(path)
    assert f"wrong.story:{5 + lines.count(chr(10))}:" in str(broken.value)
