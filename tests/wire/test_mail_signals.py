"""E-mail: rules, the secret word that stays in nothing, and what is kept for which account."""

import base64
import quopri
import time
from datetime import timedelta
from email.header import Header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_mail_message import AT, SAMPLES, mail, many, nested

from tocsin.wire.mail import secret as secrets
from tocsin.wire.mail.message import Kind, Problem, parse, read
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


# -- the secret word ----------------------------------------------------------------------------


def multipart(*parts: bytes) -> bytes:
    inner = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return (
        b"Subject: s\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        + inner
        + b"--b--\r\n"
    )


B64 = f"=?utf-8?b?{base64.b64encode(SECRET.encode()).decode()}?="
LONG = f"before {SECRET} after\r\n" * 20
WITH_SECRET = {
    "openly": mail(f"it is {SECRET}, here"),
    "subject": mail("x", Subject=f"alarm {SECRET}"),
    "subject in encoded words": mail(
        "x", Subject=Header(f"alarm å {SECRET}", "utf-8").encode(linesep="\r\n")
    ),
    "subject in base64": mail("x", Subject=B64),
    "base64": mail(base64.encodebytes(LONG.encode()), Content_Transfer_Encoding="base64"),
    "quoted-printable": mail(
        quopri.encodestring(("å" * 60 + LONG).encode()),
        Content_Transfer_Encoding="quoted-printable",
    ),
    "utf-16": mail(
        base64.encodebytes(LONG.encode("utf-16-le")),
        Content_Type="text/plain; charset=utf-16le",
        Content_Transfer_Encoding="base64",
    ),
    "text and hypertext": multipart(
        b"Content-Type: text/plain\r\n\r\n" + SECRET.encode(),
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(f"<p>{SECRET}</p>".encode()),
    ),
    "spread over tags": multipart(
        b"Content-Type: text/html\r\n\r\n<p><b>Open</b>-Sesame<i>-42</i> fire</p>"
    ),
    "as character references": multipart(
        b"Content-Type: text/html\r\n\r\n<p>&#79;pen-Sesame-42 and more</p>",
    ),
    "also in another header": mail(SECRET, Thread_Topic=Header(SECRET, "utf-8").encode()),
    "also in an attachment": multipart(
        b"Content-Type: text/plain\r\n\r\n" + SECRET.encode(),
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(LONG.encode()),
    ),
    "also in an attached message": multipart(
        b"Content-Type: text/plain\r\n\r\n" + SECRET.encode(),
        b"Content-Type: message/rfc822\r\n\r\n"
        + mail(
            base64.encodebytes(LONG.encode()),
            Content_Transfer_Encoding="base64",
            Subject=B64,
        ),
    ),
}


def found_by_a_reader(raw: bytes) -> bool:
    """Whether the secret word is anywhere where a mail program would show or save it."""
    message = parse(raw)
    shown = [raw.decode("latin-1")]
    for part in message.walk():
        shown += [" ".join(str(value).split()) for value in part.values()]
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            shown += [data.decode("latin-1"), data.decode("utf-16-le", "ignore")]
    return any(SECRET in one for one in shown)


@pytest.mark.parametrize("name", WITH_SECRET)
def test_secret_word_is_in_nothing_that_is_kept(name: str) -> None:
    raw = WITH_SECRET[name]
    one = taken(raw, key=SECRET.encode())
    assert one.is_devices
    assert not found_by_a_reader(one.body)
    assert SECRET not in repr(one)
    assert not secrets.holds(read(one.body), SECRET)
    assert secrets.MARKER in one.signals[0].text


@pytest.mark.parametrize(
    "name",
    [
        *("openly", "subject", "subject in base64", "base64", "quoted-printable", "utf-16"),
        "also in another header",
    ],
)
def test_what_stands_around_the_secret_word_stays(name: str) -> None:
    raw = WITH_SECRET[name]
    before, after = read(raw), read(taken(raw, key=SECRET.encode()).body)
    assert after.text == before.text.replace(SECRET, secrets.MARKER)
    assert after.subject == before.subject.replace(SECRET, secrets.MARKER)
    assert after.problem is None


def test_a_word_that_cannot_be_taken_out_takes_the_original_with_it() -> None:
    inside = WITH_SECRET["also in an attached message"]
    assert taken(inside, key=SECRET.encode()).body == secrets.WITHHELD
    hidden = many(60) + base64.b64encode(b"x" + SECRET.encode())
    assert taken(hidden, key=SECRET.encode()).body == secrets.WITHHELD
    assert taken(many(60), key=SECRET.encode()).body == many(60)


def test_a_word_looked_for_in_vain_is_taken_out_where_it_stands() -> None:
    raw = multipart(
        b"Content-Type: text/plain\r\n\r\nno word here",
        b"Content-Type: text/html\r\n\r\n<p>" + SECRET.encode() + b"</p>",
    )
    one = taken(raw, key=SECRET.encode())
    assert (one.is_devices, one.problem) == (False, Problem.WRONG_SECRET)
    assert not found_by_a_reader(one.body)


@pytest.mark.parametrize("mistyped", [SECRET.lower(), SECRET.upper(), SECRET.swapcase()])
@pytest.mark.parametrize("name", ["openly", "subject", "base64", "quoted-printable"])
def test_a_word_in_capitals_or_not_is_wrong_and_is_in_nothing_that_is_kept(
    name: str, mistyped: str
) -> None:
    raw = {
        "openly": mail(f"fire {mistyped} door"),
        "subject": mail(Subject=f"fire {mistyped}"),
        "base64": mail(base64.encodebytes(mistyped.encode()), Content_Transfer_Encoding="base64"),
        "quoted-printable": mail(
            mistyped.replace("-", "=2D"), Content_Transfer_Encoding="quoted-printable"
        ),
    }[name]
    one = taken(raw, key=SECRET.encode())
    assert (one.is_devices, one.problem) == (False, Problem.WRONG_SECRET)
    kept = read(one.body)
    assert SECRET.lower() not in (kept.subject + kept.text + repr(one)).lower()
    assert secrets.MARKER in one.signals[0].text


def test_every_place_in_base64_is_found() -> None:
    for before in range(7):
        raw = base64.encodebytes(b"x" * before + SECRET.encode() + b"y" * (before % 4))
        assert secrets._in_base64(raw, SECRET)
    assert not secrets._in_base64(base64.encodebytes(b"nothing of the kind" * 9), SECRET)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(list(WITH_SECRET.values())), max_size=3).map(b"\r\n--b\r\n".join),
    st.integers(0, 600),
    st.binary(max_size=8),
)
def test_no_damage_brings_the_secret_word_into_what_is_kept(raw, at, noise) -> None:
    damaged = raw[:at] + noise + raw[at:]
    one = taken(damaged, key=SECRET.encode())
    assert SECRET.encode() not in one.body
    assert SECRET not in one.signals[0].text
