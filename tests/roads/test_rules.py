"""What tags say to a driver: speeds, limits, directions, access, barriers, and a file of rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.roads.rules import (
    KMH,
    MPH,
    Emergency,
    Rules,
    RulesRefused,
    Street,
    limit,
    load_rules,
    passes,
    street,
)

RULES = Rules()
FASTER = RULES.emergency.faster


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50),
        (" 50 ", 50),
        ("30 mph", 30 * MPH),
        ("30mph", 30 * MPH),
        ("40 km/h", 40),
        ("12 knots", 12 * 1.852),
        ("CN:urban", 50),
        ("DE:zone:30", 30),
        ("DE:zone30", 30),
        ("RO:rural", 90),
        ("walk", 7),
        ("7.5", 7.5),
        ("none", None),
        ("signals", None),
        ("", None),
        ("fast", None),
        ("50;30", None),
        ("0", None),
        ("999", None),
        ("-30", None),
        ("nan", None),
        ("inf", None),
        ("٥٠", None),
    ],
)
def test_a_speed_limit_is_read_or_is_none(text: str, kmh: float | None) -> None:
    assert limit(text) == (None if kmh is None else pytest.approx(kmh))


def of(rules: Rules = RULES, **tags: str) -> Street:
    found = street(
        {"highway": "residential"} | {k.replace("__", ":"): v for k, v in tags.items()}, rules
    )
    assert found is not None
    return found


def ways(found: Street) -> tuple[bool, bool, bool, bool]:
    """Emergency along and against, ordinary along and against."""
    return (
        found.forward > 0,
        found.backward > 0,
        found.ordinary_forward > 0,
        found.ordinary_backward > 0,
    )


BOTH, ALONG, AGAINST = (True,) * 4, (True, False) * 2, (False, True) * 2
CREWS_BOTH = (True, True, False, False)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, BOTH),
        ({"oneway": "yes"}, ALONG),
        ({"oneway": "-1"}, AGAINST),
        ({"junction": "roundabout"}, ALONG),
        ({"highway": "motorway"}, ALONG),
        ({"highway": "motorway", "oneway": "no"}, BOTH),
        ({"highway": "trunk"}, BOTH),
        ({"oneway": "yes", "oneway__emergency": "no"}, (True, True, True, False)),
        ({"access": "private"}, CREWS_BOTH),
        ({"access": "no", "motor_vehicle": "yes"}, BOTH),
        ({"motor_vehicle": "no"}, CREWS_BOTH),
        ({"access": "private", "motorcar": "destination"}, BOTH),
        ({"highway": "track"}, CREWS_BOTH),
        ({"highway": "track", "motor_vehicle": "yes"}, BOTH),
        ({"highway": "pedestrian"}, CREWS_BOTH),
        ({"highway": "service", "service": "emergency_access"}, CREWS_BOTH),
        ({"highway": "footway", "emergency": "yes"}, (True, True, True, True)),
        ({"oneway": "reversible"}, CREWS_BOTH),
    ],
)
def test_directions_and_access(tags: dict[str, str], expected: tuple[bool, ...]) -> None:
    assert ways(of(**tags)) == expected


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway"},
        {"highway": "steps"},
        {"highway": "construction"},
        {"highway": "pedestrian", "area": "yes"},
        {"building": "yes"},
    ],
)
def test_what_is_no_road(tags: dict[str, str]) -> None:
    assert street(tags, RULES) is None


def test_speeds_come_from_the_class_or_the_limit_and_sirens_are_faster_up_to_a_maximum() -> None:
    plain = of()
    assert plain.ordinary_forward == KMH["residential"]
    assert plain.forward == pytest.approx(KMH["residential"] * FASTER)
    limited = of(maxspeed="30 mph", maxspeed__backward="50")
    assert limited.ordinary_forward == pytest.approx(30 * MPH * 0.8)
    assert limited.ordinary_backward == pytest.approx(40)
    quick = of(highway="motorway", maxspeed="120")
    assert quick.ordinary_forward == pytest.approx(96)
    assert quick.forward == RULES.emergency.kmh_max
    # Never slower than everybody else.
    assert of(highway="motorway", maxspeed="150").forward == pytest.approx(120)


def test_what_emergency_vehicles_may_do_is_a_matter_of_the_rules() -> None:
    against = Rules(emergency=Emergency(observes_one_way=False, against_one_way=0.5))
    found = of(against, oneway="yes")
    assert ways(found) == (True, True, True, False)
    assert found.backward == pytest.approx(found.forward / 2)
    for bound in ({"junction": "roundabout"}, {"highway": "motorway"}):
        assert ways(of(against, **bound)) == ALONG
    shut = Rules(emergency=Emergency(private=False))
    assert street({"highway": "residential", "access": "private"}, shut) is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"barrier": "bollard"}, (False, False, False)),
        ({"barrier": "bollard", "emergency": "yes"}, (True, False, True)),
        ({"barrier": "gate"}, (True, True, False)),
        ({"barrier": "gate", "access": "private"}, (True, False, True)),
        ({"barrier": "gate", "locked": "yes"}, (True, False, True)),
        ({"barrier": "lift_gate", "motor_vehicle": "no"}, (True, False, True)),
        ({"barrier": "toll_booth"}, (True, True, False)),
        ({"barrier": "entrance", "access": "no"}, (True, False, False)),
    ],
)
def test_barriers(tags: dict[str, str], expected: tuple[bool, bool, bool]) -> None:
    assert passes(tags) == expected


def test_a_file_of_rules_is_read_and_a_bad_one_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("maxspeed_share = 0.9\n[kmh]\nprimary = 60\n[emergency]\nfaster = 1.5\n")
    rules = load_rules(path)
    assert (rules.kmh, rules.maxspeed_share) == ({"primary": 60}, 0.9)
    assert of(rules, highway="primary").forward == pytest.approx(90)
    for text, said in (
        ("[kmh]\nlane = 10", "kmh.lane"),
        ("[kmh]\nprimary = 0", "kmh.primary"),
        ("[kmh]\nprimary = 151", "kmh.primary"),
        ("maxspeed_share = 1.6", "maxspeed_share"),
        ("[emergency]\nfaster = 0.9", "emergency.faster"),
        ("[emergency]\nfaster = nan", "emergency.faster"),
        ("[emergency]\nagainst_one_way = 0.0", "against_one_way"),
        ("[emergency]\nwings = true", "wings"),
        ("speed = ", "Invalid value"),
    ):
        path.write_text(text)
        with pytest.raises(RulesRefused, match=said):
            load_rules(path)
    with pytest.raises(RulesRefused, match=r"none\.toml"):
        load_rules(tmp_path / "none.toml")
