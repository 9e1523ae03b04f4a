"""What a public warning must say before it goes out, at each limit; and who may let it go out."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tocsin.core.texts import warnings as texts
from tocsin.core.warnings import (
    HEADLINE_CHARS_MAX,
    LISTED_FOR,
    POINTS_MAX,
    RADIUS_KM_MAX,
    Category,
    Certainty,
    Content,
    Kind,
    Severity,
    Urgency,
    Words,
    Wrong,
    is_listed,
    may_approve,
    mistakes,
)

GOOD = Content(
    zh=Words("化学品火灾", "化工厂火灾：请关闭门窗", "有毒烟雾向东扩散。", "留在室内。", "东城区"),
    en=Words("Chemical fire", "Fire: close windows", "Smoke drifts east.", "Stay inside.", "East"),
    category=Category.FIRE,
    urgency=Urgency.IMMEDIATE,
    severity=Severity.SEVERE,
    certainty=Certainty.OBSERVED,
    valid_min=120,
    circle=(31.23, 121.47, 1.5),
)
SQUARE = ((31.0, 121.0), (31.0, 121.1), (31.1, 121.1), (31.0, 121.0))


def test_a_whole_warning_has_no_mistake_in_any_form_of_its_area() -> None:
    assert mistakes(GOOD) == []
    assert mistakes(replace(GOOD, circle=None, polygon=SQUARE)) == []
    assert mistakes(replace(GOOD, circle=None, geocodes=(("adcode", "310101"),))) == []
    ring = (*[(31.0, 121.0 + one / 1_000) for one in range(POINTS_MAX - 1)], (31.0, 121.0))
    assert mistakes(replace(GOOD, circle=None, polygon=ring)) == []
    for minutes in (15, 72 * 60):
        assert mistakes(replace(GOOD, valid_min=minutes)) == []
    assert mistakes(replace(GOOD, circle=(31.0, 121.0, RADIUS_KM_MAX))) == []


@pytest.mark.parametrize(
    ("changed", "field", "wrong"),
    [
        ({"zh": replace(GOOD.zh, headline=" ")}, "headline_zh", Wrong.EMPTY),
        (
            {"en": replace(GOOD.en, headline="x" * (HEADLINE_CHARS_MAX + 1))},
            "headline_en",
            Wrong.TOO_LONG,
        ),
        ({"en": replace(GOOD.en, instruction="a\x00b")}, "instruction_en", Wrong.CHARACTERS),
        ({"en": replace(GOOD.en, description="\u202eabc")}, "description_en", Wrong.CHARACTERS),
        ({"zh": replace(GOOD.zh, area="\ud800")}, "area_zh", Wrong.CHARACTERS),
        ({"valid_min": 14}, "valid_min", Wrong.VALIDITY),
        ({"valid_min": 72 * 60 + 1}, "valid_min", Wrong.VALIDITY),
        ({"circle": None}, "lat", Wrong.NO_AREA),
        ({"circle": (90.1, 0.0, 1.0)}, "lat", Wrong.PLACE),
        ({"circle": (float("nan"), 0.0, 1.0)}, "lat", Wrong.PLACE),
        ({"circle": (31.0, 121.0, 0.0)}, "radius_km", Wrong.RADIUS),
        ({"circle": (31.0, 121.0, RADIUS_KM_MAX + 1)}, "radius_km", Wrong.RADIUS),
        ({"polygon": SQUARE[:3]}, "polygon", Wrong.POLYGON),
        ({"polygon": (*SQUARE[:3], (30.0, 121.0))}, "polygon", Wrong.POLYGON),
        ({"polygon": (SQUARE[0], *SQUARE * POINTS_MAX)}, "polygon", Wrong.POLYGON),
        ({"geocodes": (("adcode", " "),)}, "geocodes", Wrong.GEOCODE),
        ({"geocodes": (("adcode", "3" * 101),)}, "geocodes", Wrong.GEOCODE),
        ({"geocodes": (("a" * 101, "3"),)}, "geocodes", Wrong.GEOCODE),
        ({"geocodes": (("adcode", "3"),) * 101}, "geocodes", Wrong.GEOCODE),
    ],
)
def test_each_mistake_is_named_at_its_field(changed: dict, field: str, wrong: Wrong) -> None:
    assert mistakes(replace(GOOD, **changed)) == [(field, wrong)]


def test_nobody_approves_what_they_wrote() -> None:
    assert may_approve("user:li", "user:wang")
    assert not may_approve("user:li", "user:li")
    assert not may_approve("", "user:li")


def test_what_is_over_stays_listed_for_two_days() -> None:
    sent = datetime(2026, 11, 22, tzinfo=UTC)
    over = sent + timedelta(hours=2)
    assert not is_listed(sent, over, sent - timedelta(seconds=1))
    assert is_listed(sent, over, sent)
    assert is_listed(sent, over, over + LISTED_FOR - timedelta(seconds=1))
    assert not is_listed(sent, over, over + LISTED_FOR)


def test_every_value_has_a_text_in_both_languages() -> None:
    for values, told in (
        (Urgency, texts.URGENCIES),
        (Severity, texts.SEVERITIES),
        (Certainty, texts.CERTAINTIES),
        (Category, texts.CATEGORIES),
        (Kind, texts.KINDS),
        (Wrong, texts.WRONGS),
    ):
        assert set(told) == set(values)
        assert all(text.zh and text.en for text in told.values())
