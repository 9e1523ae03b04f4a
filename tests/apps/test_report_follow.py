"""Following a report: plain words about its own event, nothing of units, places or other people; a
wrong code is one that never was; codes end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.reporting import Person, calm, code_in, hidden, newest
from little_city import City, build, call, command
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.report_codes import read_code
from tocsin.record.report_following import (
    ADDITIONS_MAX,
    KEPT_FOR,
    NoReport,
    forget_expired,
    standing,
)
from web_site import Site

UNKNOWN = "There is no report with this code"


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="follow ")


@pytest.fixture(autouse=True)
def nothing_counted(site: Site) -> Iterator[None]:
    calm(site)
    yield
    calm(site)


def do(site: Site, role: Role, type_: str, **fields: Any) -> None:
    with site.client(role) as desk:
        answer = command(desk, type_, **fields)
    assert answer.status_code == 200, answer.text


def stages(page: str) -> list[str]:
    return re.findall(r"<li[^>]*><b>([^<]+)</b> <time", page)


def test_it_is_told_in_plain_words_from_received_to_closed(site: Site, city: City) -> None:
    person = Person(site)
    code = person.report(position="31.25, 121.47")
    incident, unit = newest(site)["id"], str(city.units["north"]["engine"])
    page = person.follow(code).text
    assert stages(page) == ["Received"]
    assert "Waiting to be looked at" in page
    assert re.search(r"\d{1,2} \w{3} 20\d\d, \d\d:\d\d \(UTC\+8\)", page)
    do(site, Role.DISPATCHER, "take_incident", incident=incident)
    assert stages(person.follow(code).text) == ["Received", "Somebody is looking at it"]
    do(site, Role.DISPATCHER, "send_units", incident=incident, units=[unit])
    assert stages(person.follow(code).text)[-1] == "Help is on its way"
    do(site, Role.DISPATCHER, "report_status", unit=unit, state="under_way")
    do(site, Role.DISPATCHER, "report_status", unit=unit, state="at_scene")
    page = person.follow(code).text
    assert stages(page)[-1] == "It is being dealt with"
    assert code in page
    told = page.replace(code, "")  # a code may hold any letters
    for secret in ("engine", "N-", unit, incident, "31.25", "121.47", "dispatcher"):
        assert secret not in told
    do(site, Role.DISPATCHER, "report_status", unit=unit, state="returning")
    do(site, Role.DISPATCHER, "close_incident", incident=incident, disposition="handled")
    page = person.follow(code).text
    assert stages(page) == [
        "Received", "Somebody is looking at it", "Help is on its way", "It is being dealt with",
        "Closed",
    ]  # fmt: skip
    assert "It was dealt with." in page
    assert 'name="text"' not in page
    zh = Person(site, language="zh-CN").follow(code).text
    assert stages(zh)[-1] == "已结束"
    assert re.search(r"20\d\d年\d{1,2}月\d{1,2}日 \d\d:\d\d（UTC\+8）", zh)


def test_help_that_was_taken_back_is_not_on_its_way(site: Site, city: City) -> None:
    person = Person(site)
    code = person.report()
    incident, unit = newest(site)["id"], str(city.units["north"]["ladder"])
    do(site, Role.DISPATCHER, "send_units", incident=incident, units=[unit])
    assert stages(person.follow(code).text)[-1] == "Help is on its way"
    do(site, Role.DISPATCHER, "recall_units", incident=incident, units=[unit])
    assert stages(person.follow(code).text)[-1] == "Somebody is looking at it"


@pytest.mark.parametrize(
    ("disposition", "said"),
    [
        ("false_alarm", "It was checked; there was nothing to deal with."),
        ("unfounded", "It was checked; there was nothing to deal with."),
        ("test", "It was checked; there was nothing to deal with."),
        ("no_response_needed", "nobody had to be sent"),
        ("transferred", "passed on to those who are responsible"),
        ("duplicate", "dealt with already"),
    ],
)
def test_how_it_ended_is_told_coarsely(site: Site, disposition: str, said: str) -> None:
    person = Person(site)
    code = person.report()
    incident = newest(site)["id"]
    do(site, Role.DISPATCHER, "take_incident", incident=incident)
    do(site, Role.DISPATCHER, "close_incident", incident=incident, disposition=disposition)
    page = person.follow(code).text
    assert said in page
    assert disposition not in page


def test_merged_it_follows_what_it_was_merged_into(site: Site) -> None:
    person = Person(site)
    code = person.report()
    incident = newest(site)["id"]
    with site.client(Role.DISPATCHER) as desk:
        other = call(desk)
    do(site, Role.DISPATCHER, "merge_incidents", incident=incident, into=other)
    do(site, Role.DISPATCHER, "take_incident", incident=other)
    page = person.follow(code).text
    assert stages(page) == ["Received", "Somebody is looking at it"]
    for of_others in ("Ada", "13800000000", "roof", "Mill Rd"):
        assert of_others not in page
    # What is added goes to where people look.
    assert person.add(code, "second caller").status_code == 302
    site.number_facts()
    with site.client(Role.DISPATCHER) as desk:
        told = desk.get("/api/v1/facts", params={"incident": other}).json()["items"]
    assert any(one["data"].get("text") == "second caller" for one in told)


@pytest.mark.parametrize(
    "code", ["", "x", "2222-2222-2222-2222", "A" * 16, "码" * 16, "%00", "a/b"]
)
def test_a_wrong_code_is_one_that_never_was(site: Site, code: str) -> None:
    person = Person(site)
    if not code or "/" in code:
        return
    answer = person.follow(code)
    assert answer.status_code == 404
    nobodys = person.follow("2222-2222-2222-222X")

    def bare(page: str) -> str:
        return re.sub(r'(id="code"[^>]*) value="[^"]*"', r"\1", page)

    assert bare(answer.text) == bare(nobodys.text)
    assert UNKNOWN in answer.text


def test_a_code_is_typed_into_a_form_in_any_way(site: Site) -> None:
    person = Person(site)
    code = person.report()
    typed = code.lower().replace("-", " ")
    answer = person.client.get("/follow", params={"code": typed})
    assert answer.status_code == 302
    assert code_in(answer) == code
    assert stages(person.client.get(answer.headers["location"]).text) == ["Received"]
    assert person.follow(code.replace("-", "").lower()).status_code == 200
    wrong = person.client.get("/follow", params={"code": code[:-1]})
    assert wrong.status_code == 404
    assert f'value="{code[:-1]}"' in wrong.text


def test_what_the_sender_adds_stands_on_the_timeline_as_his(site: Site) -> None:
    person = Person(site)
    code = person.report()
    token = person.token(f"/follow/{code}")
    first = person.add(code, "two cars & a bus", token=token)
    assert first.status_code == 302
    assert "?added" in first.headers["location"]
    # The same form again, and with other words: once.
    assert person.add(code, "two cars & a bus", token=token).status_code == 302
    again = person.add(code, "other words", token=token)
    assert again.status_code == 422
    assert "other words</textarea>" in again.text
    row = newest(site)
    assert row["report_additions"] == 1
    site.number_facts()
    with site.client(Role.DISPATCHER) as desk:
        facts = desk.get("/api/v1/facts", params={"incident": row["id"]}).json()["items"]
    added = [one for one in facts if one["kind"] == "incident.report_added"]
    assert [one["data"]["text"] for one in added] == ["two cars & a bus"]
    assert added[0]["actor"] == "public_report"


def test_adding_ends_at_its_limit_and_says_so(site: Site) -> None:
    person = Person(site)
    code = person.report()
    for number in range(ADDITIONS_MAX):
        left = f"You can add {ADDITIONS_MAX - number} more times."
        assert left in person.follow(code).text
        assert person.add(code, f"more {number}").status_code == 302
    page = person.follow(code).text
    assert "You have added as often as you can" in page
    assert 'name="text"' not in page
    over = person.add(code, "one more", token=Person(site).token(f"/follow/{person.report()}"))
    assert over.status_code == 422
    assert "one more" in over.text
    with connect(site.urls.application) as connection:
        counts = connection.execute("SELECT max(additions) FROM heard.report").fetchone()
    assert counts == (ADDITIONS_MAX,)


@pytest.mark.parametrize(
    ("text", "said"), [("", "Write what you want to add"), ("x" * 2_001, "it has 2001")]
)
def test_an_addition_that_cannot_be_kept_is_named_and_not_lost(
    site: Site, text: str, said: str
) -> None:
    person = Person(site)
    code = person.report()
    answer = person.add(code, text)
    assert answer.status_code == 422
    assert said in answer.text
    assert f">{text}</textarea>" in answer.text


def test_no_longer_needed_is_told_and_closes_nothing(site: Site) -> None:
    person = Person(site)
    code = person.report()
    for _ in range(2):
        answer = person.client.post(f"/follow/{code}", data={"act": "withdraw"})
        assert answer.status_code == 302
    page = person.follow(code).text
    assert "You said at" in page
    assert 'value="withdraw"' not in page
    row = newest(site)
    assert (row["reports_withdrawn"], row["state"]) == (1, "new")
    assert row["due_at"] is not None


def test_on_a_closed_report_nothing_can_be_said_unseen(site: Site) -> None:
    person = Person(site)
    code = person.report()
    token = person.token(f"/follow/{code}")
    incident = newest(site)["id"]
    do(site, Role.DISPATCHER, "take_incident", incident=incident)
    do(site, Role.DISPATCHER, "close_incident", incident=incident, disposition="handled")
    answer = person.add(code, "it burns again", token=token)
    assert answer.status_code == 422
    assert "Not added: it has just been closed" in answer.text
    assert "it burns again" in answer.text
    assert person.client.post(f"/follow/{code}", data={"act": "withdraw"}).status_code == 422


@pytest.mark.parametrize("act", ["withdraw", ""])
def test_another_sites_page_cannot_speak_for_the_sender(site: Site, act: str) -> None:
    person = Person(site)
    code = person.report()
    token = hidden(person.follow(code).text, "token")
    answer = person.client.post(
        f"/follow/{code}",
        data={"act": act, "text": "no", "token": token},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 422
    assert (newest(site)["reports_withdrawn"], newest(site)["report_additions"]) == (0, 0)


def test_a_code_ends_thirty_days_after_closing_and_then_it_is_gone(site: Site) -> None:
    person = Person(site)
    codes = [person.report() for _ in range(3)]
    incidents = _incidents_of_newest(site, 3)
    do(site, Role.DISPATCHER, "merge_incidents", incident=incidents[1], into=incidents[0])
    do(site, Role.DISPATCHER, "take_incident", incident=incidents[0])
    do(site, Role.DISPATCHER, "close_incident", incident=incidents[0], disposition="handled")
    now = datetime.now(UTC)
    read = [str(read_code(code)) for code in codes]
    with connect(site.urls.application) as connection:

        def alive(at: datetime) -> list[bool]:
            found = []
            for code in read:
                try:
                    standing(connection, site.keyring, code, at)
                    found.append(True)
                except NoReport:
                    found.append(False)
            return found

        assert alive(now + KEPT_FOR - timedelta(minutes=1)) == [True, True, True]
        # Closed, merged into the closed one, and still open.
        assert alive(now + KEPT_FOR + timedelta(minutes=1)) == [False, False, True]
        kept = connection.execute("SELECT count(*) FROM heard.report").fetchone()
        connection.rollback()
        assert forget_expired(connection, now + KEPT_FOR - timedelta(minutes=1)) == 0
        gone = forget_expired(connection, now + KEPT_FOR + timedelta(minutes=1))
        assert gone >= 2
        left = connection.execute("SELECT count(*) FROM heard.report").fetchone()
        assert kept is not None
        assert left == (kept[0] - gone,)
        assert alive(now) == [False, False, True]
        assert forget_expired(connection, now + KEPT_FOR + timedelta(minutes=1)) == 0


def test_living_codes_keep_none_that_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(site)
    codes = [person.report() for _ in range(3)]
    # Newest first: one that lives on, one merged into it, and one that is closed.
    into, *merged, ended = _incidents_of_newest(site, 3)
    for one in merged:
        do(site, Role.DISPATCHER, "merge_incidents", incident=one, into=into)
    do(site, Role.DISPATCHER, "take_incident", incident=ended)
    do(site, Role.DISPATCHER, "close_incident", incident=ended, disposition="handled")
    later = datetime.now(UTC) + KEPT_FOR + timedelta(minutes=1)
    monkeypatch.setattr("tocsin.record.report_following._CHUNK", 1)
    with connect(site.urls.application) as connection:
        assert forget_expired(connection, later) >= 1
        row = connection.execute(
            "SELECT count(*) FROM heard.report WHERE incident = %s", (ended,)
        ).fetchone()
        assert row == (0,)
        left = connection.execute(
            "SELECT count(*) FROM heard.report WHERE incident = ANY(%s::uuid[])", ([into, *merged],)
        ).fetchone()
        assert left == (len(codes) - 1,)
        # A code whose incident is gone tells nobody anything.
        connection.execute(
            "UPDATE heard.report SET incident = gen_random_uuid() WHERE incident = %s", (into,)
        )
        connection.commit()
        assert forget_expired(connection, later) == 1


def _incidents_of_newest(site: Site, count: int) -> list[str]:
    with connect(site.urls.application) as connection:
        rows = connection.execute(
            "SELECT incident FROM heard.report ORDER BY received_at DESC LIMIT %s", (count,)
        ).fetchall()
    return [str(UUID(str(incident))) for (incident,) in reversed(rows)]
