"""Alarm codes: what Contact ID, SIA and CAP codes mean; no alarm reads as anything less."""

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from pysiaalarm.data.adm_mapping import ADM_MAPPING
from pysiaalarm.data.sia_codes import SIA_CODES

from tocsin.core.code_tables import built_in, meaning, partition_of, zone_of
from tocsin.core.codes import cap, contact_id, sia
from tocsin.core.codes import contact_id_alarms as alarms
from tocsin.core.codes import contact_id_statuses as statuses
from tocsin.core.codes import contact_id_troubles as troubles
from tocsin.core.codes.meaning import QUALIFIERS, Meaning, Number
from tocsin.core.codes.sia_singles import ANSWERED, SINGLES
from tocsin.core.codes.sia_statuses import STATUSES
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level

CHINESE = re.compile(r"[\u4e00-\u9fff]")

# Contact ID events that other receivers acknowledge and then call an invalid report.
GAPS = (
    *("102", "103", "115", "116", "118", "123", "126", "141", "142", "145", "147"),
    *("152", "153", "154", "155", "156", "157", "161", "163", "200", "201", "383", "384"),
    *("411", "442", "455", "458", "459", "603", "605", "606", "607", "621"),
)

# DC-05 appendix C: the event codes and whether the number is a zone (Z) or a user (U).
APPENDIX_C = """
Z 100 101 102 110 111 112 113 114 115 116 117 118 120 122 123 124 125 130 131 132 133 134 135 136
Z 137 138 139 140 141 142 143 144 145 146 147 150 151 152 153 154 155 156 157 158 159 161 162 163
Z 200 201 202 203 204 205 206 300 301 302 303 304 305 306 307 308 309 310 311 312 320 321 322 323
Z 324 325 326 327 330 331 332 333 334 335 336 337 338 339 341 342 343 344 350 351 352 353 354 355
Z 356 357 370 371 372 373 374 375 376 377 378 380 381 382 383 384 385 386 387 388 389 391 392 393
U 121 126 313 400 401 402 403 404 405 406 407 408 409 411 412 413 414 415 421 422 424 425 429 430
U 431 441 442 450 451 452 453 454 455 456 457 458 459 462 463 464 466 574 604 607 625 642
Z 416 423 426 427 428 432 433 434 461 465 501 520 521 522 523 524 525 526 527 531 532 551 552 553
Z 570 571 572 573 575 576 577 601 602 603 605 606 608 609 611 612 613 614 615 616 621 622 623 624
Z 626 627 628 629 630 631 632 641 654
"""
STANDARD = {
    code: Number.USER if kind == "U" else Number.ZONE
    for line in APPENDIX_C.split("\n")
    for kind, *codes in [line.split() or [""]]
    for code in codes
}

CONCERNS = {
    "Zone or point": Number.ZONE,
    "Zone number": Number.ZONE,
    "Point number": Number.ZONE,
    "User number": Number.USER,
    "User": Number.USER,
    "Area number": Number.PARTITION,
    "Door number": Number.DOOR,
    "Unused": Number.NONE,
    "Mfr defined": Number.NONE,
    "Dealer ID": Number.NONE,
}
# Equipment conditions are numbered, though not by zone.
EQUIPMENT = {"IA", "IR"}


def read(token: str, code: str, qualifier: str = "", zone: str = "", text: str = "") -> SignalRead:
    return SignalRead("dc09", token, "1234", code=code, qualifier=qualifier, zone=zone, text=text)


def of_list(listed: str, code: str, qualifier: str = "", level: int | None = None) -> Meaning:
    return meaning(
        SignalRead("webhook", "", "x", code=code, qualifier=qualifier, codes=listed, level=level)
    )


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
        # Silent: nobody may ring the place back. 120 and 123 are heard there.
        ("121", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("122", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("124", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("125", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("126", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("127", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("129", "1", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("120", "1", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("123", "1", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("130", "1", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("146", "1", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("151", "1", Effect.ALARM, IncidentType.GAS, Level.P1),
        ("161", "1", Effect.ALARM, IncidentType.TECHNICAL, Level.P3),
        ("163", "1", Effect.ALARM, IncidentType.TECHNICAL, Level.P3),
        ("374", "1", Effect.ALARM, IncidentType.BURGLARY, Level.P3),
        ("423", "1", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("110", "3", Effect.RESTORE, IncidentType.FIRE, Level.P1),
        ("110", "6", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("200", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("301", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("301", "3", Effect.RESTORE, IncidentType.TECHNICAL, Level.P4),
        ("301", "6", Effect.STATUS, IncidentType.TECHNICAL, Level.P4),
        ("377", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),  # swinger
        ("384", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("401", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("406", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("442", "3", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("570", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("575", "1", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("602", "1", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("603", "1", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("604", "3", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("607", "6", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("608", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),  # test off normal
        # Codes that are not listed speak by their group.
        ("119", "1", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("128", "1", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("299", "1", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("499", "3", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("703", "1", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
        ("750", "1", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),  # the user's own, 750-789
    ],
)
def test_contact_id(
    code: str, qualifier: str, effect: Effect, kind: IncidentType, level: Level
) -> None:
    said = meaning(read("ADM-CID", code, qualifier))
    assert (said.effect, said.type, said.level) == (effect, kind, level)
    assert of_list("cid", code, qualifier) == said


@pytest.mark.parametrize("token", ["ADM-CID", "ADM-CIDX"])
def test_the_two_sides_of_a_code_are_told_apart(token: str) -> None:
    for code, begun, ended in (
        ("401", "Opened by user", "Closed by user"),
        ("404", "Late to open", "Late to close"),
        ("452", "Late opening", "Late closing"),
        ("604", "Fire test begun", "Fire test ended"),
        ("607", "Walk test begun", "Walk test ended"),
    ):
        assert meaning(read(token, code, "1")).text_en == begun
        assert meaning(read(token, code, "3")).text_en == ended
    assert meaning(read(token, "401", "3")).text_zh == "用户布防"
    assert meaning(read(token, "401", "6")).text_en == "Opened by user, reported before"


def test_what_did_not_happen_in_time_needs_somebody_whichever_side_it_is() -> None:
    for code in ("404", "453", "454", "455"):
        for qualifier in ("", "1", "3"):
            assert of_list("cid", code, qualifier).effect is Effect.TROUBLE
        assert of_list("cid", code, "6").effect is Effect.STATUS
    for code in ("CI", "CT", "OI", "OT"):
        assert of_list("sia", code).effect is Effect.TROUBLE
    for code in ("CJ", "OJ", "CK", "OK"):  # it did happen, early or late
        assert of_list("sia", code).effect is Effect.STATUS


@pytest.mark.parametrize(
    ("code", "effect", "kind", "level"),
    [
        ("FA", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("KA", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("SA", Effect.ALARM, IncidentType.FIRE, Level.P1),
        ("BA", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("BM", Effect.ALARM, IncidentType.BURGLARY, Level.P1),
        ("BV", Effect.ALARM, IncidentType.BURGLARY, Level.P1),
        ("HA", Effect.ALARM, IncidentType.HOLDUP, Level.P1),
        ("ND", Effect.ALARM, IncidentType.HOLDUP, Level.P1),  # disarmed under duress
        ("PA", Effect.ALARM, IncidentType.PANIC, Level.P1),
        ("MA", Effect.ALARM, IncidentType.MEDICAL, Level.P1),
        ("GA", Effect.ALARM, IncidentType.GAS, Level.P1),
        ("UA", Effect.ALARM, IncidentType.UNKNOWN, Level.P2),
        ("UX", Effect.ALARM, IncidentType.UNKNOWN, Level.P2),  # undefined alarm: no test
        ("UZ", Effect.ALARM, IncidentType.BURGLARY, Level.P3),  # a point that was armed is gone
        ("XM", Effect.ALARM, IncidentType.BURGLARY, Level.P2),
        ("TA", Effect.ALARM, IncidentType.BURGLARY, Level.P3),
        ("FH", Effect.RESTORE, IncidentType.FIRE, Level.P1),
        ("FR", Effect.RESTORE, IncidentType.FIRE, Level.P1),
        ("BJ", Effect.RESTORE, IncidentType.BURGLARY, Level.P2),
        ("FT", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("AT", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("BD", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),  # swinger
        ("RY", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),  # test off normal
        ("YN", Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4),
        ("AB", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("BC", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("NL", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("OC", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("OP", Effect.STATUS, IncidentType.UNKNOWN, Level.P4),
        ("BB", Effect.STATUS, IncidentType.BURGLARY, Level.P2),
        ("RP", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("TS", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("TE", Effect.TEST, IncidentType.UNKNOWN, Level.P4),
        ("FX", Effect.TEST, IncidentType.FIRE, Level.P1),
        ("QQ", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
        ("ZQ", Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4),
    ],
)
def test_sia(code: str, effect: Effect, kind: IncidentType, level: Level) -> None:
    said = meaning(read("SIA-DCS", code))
    assert (said.effect, said.type, said.level) == (effect, kind, level)
    assert of_list("sia", code) == said


def test_every_event_of_the_standard_is_listed_with_what_its_number_counts() -> None:
    assert len(STANDARD) == 223
    assert set(STANDARD) <= set(contact_id.CODES)
    wrong = {code: contact_id.number_of(code) for code in STANDARD}
    assert wrong == STANDARD


def test_every_gap_of_other_receivers_is_filled_for_every_qualifier() -> None:
    assert len(GAPS) == 33
    assert not set(GAPS) & set(ADM_MAPPING)  # the gaps are real
    assert set(GAPS) <= set(contact_id.CODES)
    for code in GAPS:
        texts = {meaning(read("ADM-CID", code, qualifier)).text_en for qualifier in QUALIFIERS}
        assert len(texts) >= 2, code


def test_every_code_of_other_receivers_is_known() -> None:
    assert len(SIA_CODES) == 325
    for code in SIA_CODES:
        assert of_list("sia", code).effect is not Effect.UNKNOWN, code
        assert code in sia.CODES
    for code in ADM_MAPPING:
        for qualifier in QUALIFIERS:
            assert of_list("cid", code, qualifier).effect is not Effect.UNKNOWN, code


def test_what_a_sia_number_counts_agrees_with_other_receivers() -> None:
    for code, other in SIA_CODES.items():
        expected = CONCERNS.get(other.concerns, Number.DEVICE)
        if code in EQUIPMENT:
            expected = Number.DEVICE
        assert built_in("sia", code, "").number is expected, (code, other.concerns)


def test_a_zone_is_named_and_a_users_number_never_is() -> None:
    assert meaning(read("SIA-DCS", "FA", zone="007")).text_en == "Fire alarm, zone 7"
    assert meaning(read("SIA-DCS", "FA", zone="007")).text_zh == "火警，防区 7"
    assert meaning(read("SIA-DCS", "FA", zone="000")).text_en == "Fire alarm"
    assert meaning(read("SIA-DCS", "CA", zone="2")).text_en == "Closed automatically, partition 2"
    assert meaning(read("SIA-DCS", "DF", zone="3")).text_zh == "门被强行打开，门 3"
    assert meaning(read("SIA-DCS", "ET", zone="4")).text_en == "Expansion trouble, no. 4"
    assert meaning(read("SIA-DCS", "YC", zone="4")).text_en == "Communication failed"
    for token, listed in (("ADM-CID", "cid"), ("SIA-DCS", "sia")):
        for code in (*contact_id.CODES, "499") if listed == "cid" else sia.CODES:
            for qualifier in QUALIFIERS if listed == "cid" else ("",):
                one = read(token, code, qualifier, zone="0987")
                shown = "987" in meaning(one).text_en or "987" in meaning(one).text_zh
                number = built_in(listed, code, qualifier).number
                assert shown == (number not in (Number.USER, Number.NONE)), code
                assert bool(zone_of(one)) == (number is Number.ZONE), code


def test_a_row_shows_a_number_only_where_it_belongs() -> None:
    assert zone_of(read("ADM-CID", "401", "1", zone="012")) == ""
    assert zone_of(read("ADM-CID", "130", "1", zone="012")) == "012"
    assert zone_of(read("SIA-DCS", "CL", zone="501")) == ""
    assert zone_of(read("SIA-DCS", "NL", zone="2")) == ""
    assert partition_of(read("SIA-DCS", "NL", zone="2")) == "2"
    assert partition_of(read("SIA-DCS", "BA", zone="2")) == ""


def test_null_is_a_link_test_and_what_cannot_be_read_is_unknown() -> None:
    assert meaning(read("NULL", "")).effect is Effect.TEST
    assert meaning(read("NULL", "", text="FIRE")).effect is Effect.UNKNOWN
    assert meaning(read("SIA-DCS", "")).effect is Effect.UNKNOWN
    assert meaning(read("VIS-BBA", "FA")).effect is Effect.UNKNOWN
    assert meaning(read("SIA-DCS", "QQ")).text_en == "Unknown code QQ"
    assert meaning(read("SIA-DCS", "QQ")).needs_answer


def test_a_mail_that_was_read_and_names_no_code_is_not_called_unreadable() -> None:
    mail = SignalRead("mail", "mail", "hall", text="Alarm\nDoor 3 was forced")
    said = meaning(mail)
    assert (said.text_en, said.text_zh) == ("Message without a code", "消息中没有代码")
    assert (said.effect, said.needs_answer) == (Effect.UNKNOWN, True)
    for unread in (replace(mail, text=""), replace(mail, protocol="mqtt", token="unreadable")):
        assert meaning(unread).text_en == "Content cannot be read"


def test_the_list_that_a_signal_names_counts_before_its_token() -> None:
    assert of_list("sia", "FA").effect is Effect.ALARM
    assert of_list("cid", "FA").effect is Effect.UNKNOWN
    assert of_list("", "FA").effect is Effect.UNKNOWN


@pytest.mark.parametrize("category", cap.CODES)
def test_a_warning_alarms_with_its_sources_level_and_ends(category: str) -> None:
    for qualifier in ("1", "6", ""):
        for level in Level:
            said = of_list("cap", category, qualifier, level)
            assert (said.effect, said.level, said.needs_answer) == (Effect.ALARM, level, True)
    assert of_list("cap", category, "1").level is Level.P2  # no level: no less than urgent
    ended = of_list("cap", category, "3", 1)
    assert (ended.effect, ended.needs_answer) == (Effect.RESTORE, False)
    assert len({of_list("cap", category, one).text_zh for one in "136"}) == 3


def test_the_categories_of_cap_are_those_of_the_standard() -> None:
    assert " ".join(cap.CODES) == (
        "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other"
    )
    assert of_list("cap", "fire", "1").type is IncidentType.FIRE
    assert of_list("cap", "Zombies", "1").effect is Effect.UNKNOWN


def test_a_source_may_say_that_it_is_more_urgent_and_never_that_it_is_less() -> None:
    assert of_list("sia", "BA", "", 1).level is Level.P1
    assert of_list("sia", "FA", "", 4).level is Level.P1
    assert of_list("cid", "130", "1", 4).level is Level.P2
    assert of_list("sia", "AT", "", 1).level is Level.P4  # a trouble is none the more urgent
    assert of_list("sia", "FA", "", 9).level is Level.P1


def test_every_contact_id_alarm_alarms_whatever_its_qualifier_but_restore() -> None:
    for number in range(100, 170):
        for qualifier in ("1", "6", ""):
            assert meaning(read("ADM-CID", str(number), qualifier)).effect is Effect.ALARM


def test_the_tables_do_not_contradict_each_other() -> None:
    tables = [
        *(set(alarms.ALARMS), set(troubles.TROUBLES), set(troubles.NOT_DONE)),
        *(set(statuses.STATUSES), set(statuses.TESTS)),
    ]
    assert sum(map(len, tables)) == len(set().union(*tables)) == len(contact_id.CODES)
    assert len({*SINGLES, *STATUSES, *ANSWERED}) == len(SINGLES) + len(STATUSES) + len(ANSWERED)
    assert all(re.fullmatch(r"[1-9]\d\d", code) for table in tables for code in table)
    assert all(re.fullmatch(r"[A-Z]{2}", code) for code in sia.CODES)
    assert set(contact_id.USERS) | set(contact_id.DEVICES) <= {*contact_id.CODES, "652", "653"}


def every_meaning() -> Iterator[tuple[str, str, str]]:
    for code in contact_id.CODES:
        yield from (("cid", code, qualifier) for qualifier in QUALIFIERS)
    yield from (("sia", code, "") for code in sia.CODES)
    yield from (("cap", code, qualifier) for code in cap.CODES for qualifier in QUALIFIERS)


def test_every_code_has_a_text_in_both_languages() -> None:
    seen = 0
    for listed, code, qualifier in every_meaning():
        said = meaning(
            SignalRead("", "", "", code=code, qualifier=qualifier, zone="3", codes=listed)
        )
        assert said.effect is not Effect.UNKNOWN, code
        assert CHINESE.search(said.text_zh), code
        assert said.text_en, code
        assert not CHINESE.search(said.text_en), code
        assert said.text_en[0].isupper() or said.text_en[0].isdigit(), code
        assert len(said.text_en) <= 60, said.text_en
        assert len(said.text_zh) <= 30, said.text_zh
        seen += 1
    assert seen == 3 * len(contact_id.CODES) + len(sia.CODES) + 3 * 12


def test_what_needs_an_answer() -> None:
    for listed, code, qualifier in every_meaning():
        said = built_in(listed, code, qualifier)
        expected = said.effect in (Effect.ALARM, Effect.TROUBLE) or code in ANSWERED
        assert said.needs_answer == expected, code
