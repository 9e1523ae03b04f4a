"""E-mail: rules, and what is kept for which account."""

import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_mail_message import AT, SAMPLES, mail, many, nested

from tocsin.wire.mail.message import Kind, Problem
from tocsin.wire.mail.rules import (
    PATTERN_CHARS_MAX,
    STARS_MAX,
    Found,
    Rule,
    Rules,
    in_subject,
    problems,
)
from tocsin.wire.mail.signals import TEXT_CHARS_MAX, WHY, Taken, take

SECRET = "Open-Sesame-42"
FIRE = Rule(pattern="fire alarm*zone {zone}", code="FA")


def taken(raw: bytes, **values: object) -> Taken:
    usual: dict[str, object] = {"is_known": True, "key": None, "now": AT, "rules": Rules([FIRE])}
    return take(raw, "mill-road", **(usual | values))  # type: ignore[arg-type]


# -- rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "fills"),
    [
        ("fire alarm", "a FIRE  ALARM!", {}),
        ("fire alarm", "campfire alarm", None),
        ("fire alarm", "fire alarms", None),
        ("fire*", "firewall", {}),
        ("*fire", "campfire", {}),
        ("fire*zone {zone}", "Fire in the house, zone 7.", {"zone": "7"}),
        ("fire*zone {zone}", "zone 7, fire", None),
        ("zone {zone}", "zone 123456789", None),
        ("zone {zone} of {partition}", "Zone 7 of 2", {"zone": "7", "partition": "2"}),
        ("zone{zone}", "Zone07", {"zone": "07"}),
        ("通道 {zone}", "报警 通道 3，区域", {"zone": "3"}),
        ("报警", "入侵报警了", {}),
        ("a.c", "abc", None),
        ("(x", "see (x)", {}),
        ("one * two", "one and two", {}),
        ("one * two", "one andtwo", None),
        ("*", "whatever", {}),
        ("*", "", {}),
        ("line one*line two", "line one\nfoo\nline two", {}),
    ],
)
def test_patterns(pattern, text, fills) -> None:
    found = Rules([Rule(pattern=pattern, code="FA")]).find("x", "", text)
    if fills is None:
        assert found is None
    else:
        assert found == Found("FA", "sia", "", fills.get("zone", ""), fills.get("partition", ""))


def test_the_first_rule_that_fits_decides_for_its_account_and_place() -> None:
    rules = Rules(
        [
            Rule(pattern="alarm", code="HA", account="other"),
            Rule(pattern="alarm", code="BA", look_in="subject", zone="9"),
            Rule(pattern="alarm", code="130", codes="cid", qualifier="3", partition="2"),
            Rule(pattern="alarm", code="FA"),
        ]
    )
    assert rules.find("other", "alarm", "") == Found("HA", "sia")
    assert rules.find("mine", "alarm", "") == Found("BA", "sia", "", "9")
    assert rules.find("mine", "", "alarm") == Found("130", "cid", "3", "", "2")
    assert rules.find("mine", "", "nothing") is None
    text_only = Rules([Rule(pattern="alarm", code="FA", look_in="text")])
    assert text_only.find("mine", "alarm", "") is None


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (Rule(pattern="* *", code="FA"), "pattern"),
        (Rule(pattern=" ", code="FA"), "pattern"),
        (Rule(pattern="x" * (PATTERN_CHARS_MAX + 1), code="FA"), "pattern"),
        (Rule(pattern="x*" * (STARS_MAX + 1), code="FA"), "pattern"),
        (Rule(pattern="x {user}", code="FA"), "pattern"),
        (Rule(pattern="{zone} {zone}", code="FA"), "pattern"),
        (Rule(pattern="x {zone", code="FA"), "pattern"),
        (Rule(pattern="x", code="fa"), "code"),
        (Rule(pattern="x", code="130"), "code"),
        (Rule(pattern="x", code="FA", codes="cid"), "code"),
        (Rule(pattern="x", code="FA", zone="kitchen door"), "zone"),
    ],
)
def test_rules_that_can_read_nothing_are_named(rule, key) -> None:
    assert [one[0] for one in problems(rule)] == [key]
    assert all(en and zh for _, en, zh in problems(rule))


def test_rules_at_their_limits_are_none_of_them() -> None:
    for pattern in ("*", "x" * PATTERN_CHARS_MAX, "x*" * STARS_MAX):
        assert not list(problems(Rule(pattern=pattern, code="130", codes="cid")))


@settings(max_examples=300, deadline=None)
@given(
    st.text("ab *{}zone1.(", min_size=1, max_size=40),
    st.text("ab zone1.(\n", max_size=60),
)
def test_every_pattern_that_is_allowed_is_read(pattern: str, text: str) -> None:
    rule = Rule(pattern=pattern, code="FA")
    if not list(problems(rule)):
        Rules([rule]).find("x", text, text)


def test_no_pattern_takes_longer_than_the_text_is_long() -> None:
    hostile = "a* a" * STARS_MAX + "{zone}b {partition}c"
    rule = Rule(pattern=hostile[:PATTERN_CHARS_MAX], code="FA")
    assert not list(problems(rule))
    began = time.process_time()
    assert Rules([rule] * 20).find("x", "", "a " * 10_000) is None
    assert Rules([Rule(pattern="a a a a{zone}b", code="FA")]).find("x", "", "a " * 10_000) is None
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("ALARM [BA 7]", Found("BA", "sia", "", "7")),
        ("[FA]", Found("FA", "sia")),
        ("[FA12] x", Found("FA", "sia", "", "12")),
        ("x [E130 01 007]", Found("130", "cid", "1", "007", "01")),
        ("[3130]", Found("130", "cid", "3")),
        ("[6130 02]", Found("130", "cid", "6", "", "02")),
        ("BA 7", None),
        ("[ba 7]", None),
        ("[130]", None),
        ("[BA 123456789]", None),
        ("[SPAM]", None),
    ],
)
def test_codes_in_subjects(subject, found) -> None:
    assert in_subject(subject) == found


def test_a_code_in_the_subject_counts_where_it_is_asked_for() -> None:
    raw = mail("fire alarm, zone 7", Subject="[BA 3]")
    assert taken(raw).signals[0].code == "FA"
    (said,) = taken(raw, codes_in_subject=True).signals
    assert (said.code, said.codes, said.zone) == ("BA", "sia", "3")


# -- the signal ---------------------------------------------------------------------------------


def test_mail_of_a_device_by_its_rule() -> None:
    one = taken(SAMPLES["panel_plain"])
    (said,) = one.signals
    assert (one.problem, one.is_devices, one.is_named) == (None, True, True)
    assert one.body == SAMPLES["panel_plain"]
    assert (said.protocol, said.token, said.account) == ("mail", "mail", "mill-road")
    assert (said.code, said.codes, said.zone, said.occurred_at) == ("FA", "sia", "7", AT)
    assert said.text.startswith("ALARM: Fire alarm Zone 7\nSite: Mill Road 4")


def test_no_personal_address_leaves_the_sealed_original() -> None:
    for name, raw in SAMPLES.items():
        (said,) = taken(raw).signals
        assert "@" not in repr(said), name


def test_without_a_rule_it_is_text_and_nothing_is_lost() -> None:
    (said,) = taken(SAMPLES["recorder_html"]).signals
    assert (said.code, said.codes) == ("", "")
    assert said.text == "Event notification\nLarm: Inbrott i källaren\n\nZone 12"


def test_a_rule_for_every_mail_is_for_no_bounce_and_no_list() -> None:
    rules = Rules([Rule(pattern="*", code="FA")])
    assert taken(mail("anything"), rules=rules).signals[0].code == "FA"
    assert taken(many(60), rules=rules).signals[0].code == "FA"
    assert taken(mail(Auto_Submitted="auto-generated"), rules=rules).signals[0].code == "FA"
    assert taken(mail(), rules=rules, is_bounce=True).signals[0].code == ""
    assert taken(SAMPLES["list"], rules=rules).signals[0].code == ""
    by_word = Rules([Rule(pattern="fire sale", code="FA")])
    assert taken(SAMPLES["list"], rules=by_word).signals[0].code == "FA"


def test_text_of_a_rule_stands_first_and_all_is_cut() -> None:
    rules = Rules([Rule(pattern="x", code="FA", text="From the rule")])
    (said,) = taken(mail("x " * 5_000), rules=rules).signals
    assert said.text.startswith("From the rule\ns\nx x")
    assert len(said.text) == TEXT_CHARS_MAX


@pytest.mark.parametrize(
    ("raw", "values", "problem", "is_devices"),
    [
        (mail(), {"is_known": False}, Problem.UNKNOWN_ACCOUNT, False),
        (mail(), {"key": SECRET.encode()}, Problem.WRONG_SECRET, False),
        (mail(SECRET), {"key": SECRET.encode()}, None, True),
        (mail(Subject=f"x {SECRET}"), {"key": SECRET.encode()}, None, True),
        (mail(SECRET.lower()), {"key": SECRET.encode()}, Problem.WRONG_SECRET, False),
        (mail(), {"key_is_lost": True}, Problem.NO_KEY, False),
        (many(60), {}, Problem.TOO_MANY_PARTS, True),
        (many(60), {"key": SECRET.encode()}, Problem.WRONG_SECRET, False),
        (nested(9), {}, Problem.TOO_DEEP, True),
        (mail("\n" * 60_000), {}, Problem.TOO_MANY_LINES, True),
        (mail(b"\xff", Content_Type="image/png"), {}, Problem.NO_TEXT, True),
        (mail(b"\xff"), {}, Problem.CHARSET, True),
        (mail(b"\xff"), {"is_known": False}, Problem.UNKNOWN_ACCOUNT, False),
    ],
)
def test_marks_and_whose_it_is(raw, values, problem, is_devices) -> None:
    one = taken(raw, **values)
    assert (one.problem, one.is_devices) == (problem, is_devices)
    assert len(one.signals) == 1
    assert problem is None or problem in WHY


def test_every_problem_has_its_why() -> None:
    assert set(WHY) | {Problem.UNREADABLE} == set(Problem)


def test_bounce_is_marked_by_its_token() -> None:
    assert taken(mail(), is_bounce=True).signals[0].token == Kind.BOUNCE.value
    assert taken(many(60), is_bounce=True).signals[0].token == Kind.BOUNCE.value
    assert taken(SAMPLES["list"]).signals[0].token == Kind.LIST.value


def test_repeats_share_a_key_and_news_does_not() -> None:
    raw = SAMPLES["panel_plain"]
    key = taken(raw).repeat_key
    assert key is not None
    assert taken(raw.replace(b"Received: ", b"Received: by another;\r\n ")).repeat_key == key
    for other in (
        raw.replace(b"20260304.1@", b"20260304.2@"),
        raw.replace(b"06:06:07", b"06:06:08"),
        raw.replace(b"Event: Fire", b"Event: Burglary"),
        raw.replace(b"Subject: ALARM", b"Subject: RESTORED"),
    ):
        assert taken(other).repeat_key not in (key, None)
    assert taken(raw, is_known=False).repeat_key != key
    assert take(raw, "other", is_known=True, key=None, now=AT, rules=Rules()).repeat_key != key
    unnamed = taken(raw.replace(b"Message-ID: ", b"X-ID: "))
    assert unnamed.repeat_key is not None
    assert taken(SAMPLES["no_headers"]).repeat_key is None


def test_only_a_mail_that_dates_itself_rightly_is_a_repeat_for_days() -> None:
    raw = SAMPLES["panel_plain"]
    for days, is_named in ((0, True), (5, True), (5.01, False), (-5, True), (-5.01, False)):
        assert taken(raw, now=AT + timedelta(days=days)).is_named == is_named
    assert not taken(raw.replace(b"Date: ", b"X-Date: ")).is_named
    assert not taken(raw.replace(b"Message-ID: ", b"X-ID: ")).is_named
