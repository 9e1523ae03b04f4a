"""Alarm codes: what Contact ID and SIA codes mean, and that no alarm reads as anything less."""

import re

import pytest

from tocsin.core import code_contact_id as cid
from tocsin.core import code_sia as sia
from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(token: str, code: str, qualifier: str = "", zone: str = "", text: str = "") -> SignalRead:
    return SignalRead("dc09", token, "1234", code=code, qualifier=qualifier, zone=zone, text=text)


@pytest.mark.parametrize(
    ("code", "qualifier", "effect", "kind", "level"),
    [
        ("100", "1", Effect.ALARM, IncidentType.MEDICAL, Level.P1),
        ("102", "1", Effect.ALARM, IncidentType.MEDICAL, Level.P2),
        ("103", "1", Effect.ALARM, IncidentType.MEDICAL, Level.P1),
        ("110", "1", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("115", "1", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("116", "1", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("118", "1", Effect.ALARM, IncidentType.FIRE, Level.P2),
        ("121", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("123", "1", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("126", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("130", "1", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("151", "1", Effect.ALARM, IncidentType.GAS, Level.P1),
        ("110", "3", Effect.RESTORE, IncidentType.FIRE, Level.P1),
        ("110", "6", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("301", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("301", "3", Effect.RESTORE, IncidentType.TECHNICAL, Level.P4),
        ("301", "6", Effect.STATUS, IncidentType.TECHNICAL, Level.P4),
        ("384", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("401", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("406", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("570", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("602", "1", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        # Codes that are not listed speak by their group.
        ("119", "1", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("128", "1", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("299", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("499", "3", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("703", "1", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
    ],
)
def test_contact_id(
    code: str, qualifier: str, effect: Effect, kind: IncidentType, level: Level
) -> None:
    said = meaning(read("ADM-CID", code, qualifier))
    assert (said.effect, said.type, said.level) == (effect, kind, level)


@pytest.mark.parametrize("token", ["ADM-CID", "ADM-CIDX"])
def test_opening_and_closing_are_told_apart(token: str) -> None:
    assert meaning(read(token, "401", "1")).text_en == "Opened by user"
    assert meaning(read(token, "401", "3")).text_zh == "用户布防"


@pytest.mark.parametrize(
    ("code", "effect", "kind", "level"),
    [
        ("FA", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("KA", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("SA", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("BA", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("BV", Effect.ALARM, IncidentType.BURGLARY, Level.P1),
        ("HA", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("PA", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("MA", Effect.ALARM, IncidentType.MEDICAL, Level.P1),
        ("GA", Effect.ALARM, IncidentType.GAS, Level.P1),
        ("UA", Effect.ALARM, IncidentType.UNKNOWN, Level.P2),
        ("TA", Effect.ALARM, IncidentType.BURGLARY, Level.P3),
        ("FH", Effect.RESTORE, IncidentType.FIRE, Level.P1),
        ("FR", Effect.RESTORE, IncidentType.FIRE, Level.P1),
        ("BJ", Effect.RESTORE, IncidentType.BURGLARY, Level.P2),
        ("FT", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("AT", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("NL", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("OP", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("BB", Effect.STATUS, IncidentType.BURGLARY, Level.P2),
        ("RP", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("FX", Effect.TEST, IncidentType.FIRE, Level.P1),
        ("QQ", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
        ("ZY", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
    ],
)
def test_sia(code: str, effect: Effect, kind: IncidentType, level: Level) -> None:
    said = meaning(read("SIA-DCS", code))
    assert (said.effect, said.type, said.level) == (effect, kind, level)


def test_the_zone_is_named_and_a_users_number_is_not() -> None:
    assert meaning(read("SIA-DCS", "FA", zone="007")).text_en == "Fire alarm, zone 7"
    assert meaning(read("SIA-DCS", "FA", zone="007")).text_zh == "火警，防区 7"
    assert meaning(read("SIA-DCS", "FA", zone="000")).text_en == "Fire alarm"
    for code in ("121", "401", "406", "461"):
        assert "012" not in meaning(read("ADM-CID", code, "1", zone="012")).text_en
        assert "12" not in meaning(read("ADM-CID", code, "1", zone="012")).text_zh


def test_null_is_a_link_test_and_what_cannot_be_read_is_unknown() -> None:
    assert meaning(read("NULL", "")).effect is Effect.TEST
    assert meaning(read("NULL", "", text="FIRE")).effect is Effect.UNKNOWN
    assert meaning(read("SIA-DCS", "")).effect is Effect.UNKNOWN
    assert meaning(read("VIS-BBA", "FA")).effect is Effect.UNKNOWN
    assert meaning(read("SIA-DCS", "QQ")).text_en == "Unknown code QQ"


def test_every_contact_id_alarm_alarms_whatever_its_qualifier_but_restore() -> None:
    for number in range(100, 170):
        for qualifier in ("1", "6", ""):
            assert meaning(read("ADM-CID", str(number), qualifier)).effect is Effect.ALARM


def test_the_tables_do_not_contradict_each_other() -> None:
    tables = [set(cid.ALARMS), set(cid.TROUBLES), set(cid.STATUSES), set(cid.TESTS)]
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert not set(sia.SINGLES) & set(sia.STATUSES)
    assert all(re.fullmatch(r"[1-6]\d\d", code) for table in tables for code in table)
    assert all(re.fullmatch(r"[A-Z]{2}", code) for code in {*sia.SINGLES, *sia.STATUSES})


def every_meaning() -> list[tuple[str, str, str]]:
    codes = {*cid.ALARMS, *cid.TROUBLES, *cid.STATUSES, *cid.TESTS}
    found = [("ADM-CID", code, qualifier) for code in codes for qualifier in "136"]
    found += [("SIA-DCS", code, "") for code in {*sia.SINGLES, *sia.STATUSES}]
    found += [
        ("SIA-DCS", family + condition, "")
        for family in sia.FAMILIES
        for condition in sia.CONDITIONS
    ]
    return sorted(found)


@pytest.mark.parametrize(("token", "code", "qualifier"), every_meaning())
def test_every_code_has_a_text_in_both_languages(token: str, code: str, qualifier: str) -> None:
    said = meaning(read(token, code, qualifier, zone="3"))
    assert said.effect is not Effect.UNKNOWN
    assert CHINESE.search(said.text_zh)
    assert said.text_en
    assert not CHINESE.search(said.text_en)
    assert said.text_en[0].isupper() or said.text_en[0].isdigit()
