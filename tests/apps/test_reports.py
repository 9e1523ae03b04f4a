"""The public report page: received once, at once and durably, or said that it was not; nothing that
was typed is lost; no cookie, no account, no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from apps.reporting import FILLED, Person, calm, code_in, hidden, incidents, newest
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.handle import OutcomeUnknown
from web_site import Site

if TYPE_CHECKING:
    from conftest import Server


@pytest.fixture(autouse=True)
def nothing_counted(site: Site) -> Iterator[None]:
    calm(site)
    yield
    calm(site)


def test_a_report_opens_an_incident_that_the_desk_sees(site: Site) -> None:
    code = Person(site).report(position="31.25, 121.47", phone="13900001111", hurt="yes")
    assert re.fullmatch(r"(?:[2-9A-HJKMNP-RTV-Y]{4}-){3}[2-9A-HJKMNP-RTV-Y]{4}", code)
    row = newest(site)
    assert (row["source"], row["type"], row["level"], row["state"], row["band"]) == (
        *("report", "fire", 1, "new", "unassigned"),
    )
    assert (row["agency"], row["district"], row["report_count"]) == ("fire", "north", 1)
    place = row["place"]
    assert (place["lat"], place["lon"], place["datum"]) == (31.25, 121.47, "WGS-84")
    # The place in words is sealed: it may say who lives there.
    assert (place["source"], place["address_zh"], place["address_en"]) == ("reporter", "", "")
    assert row["units"] == []
    site.number_facts()
    with site.client(Role.DISPATCHER) as desk:
        facts = desk.get("/api/v1/facts", params={"incident": row["id"]}).json()["items"]
    told = next(one for one in facts if one["kind"] == "incident.report_joined")
    assert told["actor"] == "public_report"
    assert told["data"]["where"] == FILLED["where"]
    assert told["data"]["text"] == "flames & smoke"
    assert told["data"]["caller_phone"] == "13900001111"
    assert told["data"]["hurt"] == "yes"


@pytest.mark.parametrize("role", [Role.SERVICE, Role.ADMINISTRATOR])
def test_what_a_report_says_is_sealed_from_those_who_may_not_read_it(
    site: Site, role: Role
) -> None:
    Person(site).report(phone="13900002222", text="sealed words")
    site.number_facts()
    with site.client(role) as other:
        answer = other.get("/api/v1/facts", params={"incident": newest(site)["id"]})
    assert "13900002222" not in answer.text
    assert "sealed words" not in answer.text
    assert "Mill Road" not in answer.text


def test_no_cookie_and_headers_that_let_nobody_frame_it(site: Site) -> None:
    person = Person(site)
    form = person.client.get("/report")
    sent = person.send()
    followed = person.follow(code_in(sent))
    asked = person.client.get("/follow")
    for answer in (form, sent, followed, asked):
        assert "set-cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("vary", "")
    assert not list(person.client.cookies.jar)
    for answer in (form, followed, asked):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=", answer.text)
        assert not re.search(r"<script(?![^>]*src=\"/static/)", answer.text)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", answer.text)
    assert "geolocation=(self)" in form.headers["permissions-policy"]
    assert len(form.content) < 15_000
    for path in ("public.css", "position.js"):
        static = person.client.get(f"/static/citizen/{path}")
        assert static.status_code == 200
        assert len(static.content) < 10_000


def test_the_emergency_numbers_are_the_first_thing_on_every_page(site: Site) -> None:
    person = Person(site)
    for path in ("/report", "/follow", "/follow/2222-2222-2222-2222"):
        page = person.client.get(path).text
        first = page.index('href="tel:')
        assert first < page.index("<h1>") < page.index("</main>")
        assert re.findall(r'href="tel:(\d+)"', page) == ["110", "119", "120", "122", "112"]


@pytest.mark.parametrize(
    ("asked", "params", "tag", "title"),
    [
        ("en-GB,en", {}, "en", "Report an emergency"),
        ("zh-CN", {}, "zh-CN", "网上报警"),
        ("de", {}, "zh-CN", "网上报警"),
        ("zh-CN", {"lang": "en"}, "en", "Report an emergency"),
        ("en", {"lang": "zh"}, "zh-CN", "网上报警"),
        ("en", {"lang": "tlh"}, "en", "Report an emergency"),
    ],
)
def test_the_language_is_what_is_asked_for(
    site: Site, asked: str, params: dict[str, str], tag: str, title: str
) -> None:
    answer = site.browser(headers={"Accept-Language": asked}).get("/report", params=params)
    assert f'<html lang="{tag}">' in answer.text
    assert f"<h1>{title}</h1>" in answer.text
    assert answer.headers["content-language"] == tag


def test_a_mistake_is_named_and_nothing_typed_is_lost(site: Site) -> None:
    person = Person(site)
    before = len(incidents(site))
    odd = {
        "where": "",
        "text": "<b>\"x\"</b> & 'y'\nsecond line",
        "phone": "none",
        "position": "here",
    }
    answer = person.send(**odd, datum="BD-09", hurt="yes")
    assert answer.status_code == 422
    page = answer.text
    for field in ("where", "phone", "position"):
        assert f'<a href="#{field}">' in page
        assert f'id="{field}-problem"' in page
    assert "&lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; &#x27;y&#x27;\nsecond line</textarea>" in page
    assert 'value="none"' in page
    assert 'value="here"' in page
    assert re.search(r'value="fire" required checked', page)
    assert re.search(r'value="yes" checked', page)
    assert re.search(r'value="BD-09" selected', page)
    assert len(incidents(site)) == before
    # The form's token is still the same form's: corrected, it is sent once.
    token = hidden(page, "token")
    assert person.send(token=token).status_code == 302
    assert len(incidents(site)) == before + 1


def test_the_other_language_in_the_middle_of_filling_in_loses_nothing(site: Site) -> None:
    person = Person(site)
    token = person.token()
    answer = person.send(token=token, switch="zh", where="", text="half a sen")
    assert answer.status_code == 200
    assert '<html lang="zh-CN">' in answer.text
    assert "half a sen</textarea>" in answer.text
    assert hidden(answer.text, "token") == token
    assert "problem" not in re.sub(r'class="problem"', "problem", answer.text)


def test_the_same_form_sent_again_is_one_incident_and_one_code(site: Site) -> None:
    person = Person(site)
    before = len(incidents(site))
    token = person.token()
    first, second = person.send(token=token), person.send(token=token)
    assert code_in(first) == code_in(second)
    assert "?received" in second.headers["location"]
    assert len(incidents(site)) == before + 1
    other = person.send(token=token, where="somewhere else")
    assert code_in(other) == code_in(first)
    assert "?again" in other.headers["location"]
    assert "was not recorded" in person.client.get(other.headers["location"]).text
    assert len(incidents(site)) == before + 1


def test_sent_many_times_at_the_same_moment_it_is_one_incident(site: Site) -> None:
    person = Person(site)
    before = len(incidents(site))
    token = person.token()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: person.send(token=token), range(8)))
    assert {answer.status_code for answer in answers} == {302}
    assert len({code_in(answer) for answer in answers}) == 1
    assert len(incidents(site)) == before + 1


@pytest.mark.parametrize("token", ["", "rubbish", "a:b:c"])
def test_a_form_that_is_not_ours_is_not_taken(site: Site, token: str) -> None:
    person = Person(site)
    before = len(incidents(site))
    answer = person.client.post("/report", data={**FILLED, "token": token})
    assert answer.status_code == 422
    assert FILLED["where"] in answer.text
    assert len(incidents(site)) == before
    # Sent again from the page that came back, it is received.
    assert person.send(token=hidden(answer.text, "token")).status_code == 302


def test_a_form_left_open_for_a_day_is_not_lost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(site)
    token = person.token()
    monkeypatch.setattr("tocsin.apps.citizen.answering.TOKEN_SECONDS", -1)
    answer = person.send(token=token)
    assert answer.status_code == 422
    assert "open for too long" in answer.text
    assert FILLED["where"] in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 302),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_another_sites_page_cannot_report_through_a_visitor(
    site: Site, headers: dict[str, str], status: int
) -> None:
    person = Person(site)
    data = {**FILLED, "token": person.token()}
    assert person.client.post("/report", data=data, headers=headers).status_code == status


def test_without_a_database_it_says_that_nothing_was_received(
    site: Site, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    person = Person(site)
    token = person.token()
    code = person.report()
    before = len(incidents(site))
    with away(site, server):
        answer = person.send(token=token, text="keep this")
        followed = person.follow(code)
        added = person.add(code, "keep that too", token=token)
    assert (answer.status_code, followed.status_code, added.status_code) == (503, 503, 503)
    assert "Your report was NOT received" in answer.text
    assert "keep this</textarea>" in answer.text
    assert 'href="tel:119"' in answer.text
    assert hidden(answer.text, "token") == token
    assert "cannot be shown at the moment" in followed.text
    assert "keep that too" in added.text
    assert len(incidents(site)) == before
    # The database is back, and within seconds so are the connections to it: the same page is sent
    # again until it is received, once.
    token = hidden(answer.text, "token")
    answers = (person.send(token=token).status_code for _ in range(10))
    assert next(one for one in answers if one != 503) == 302
    assert len(incidents(site)) == before + 1
    assert code not in caplog.text


@contextmanager
def away(site: Site, server: Server) -> Iterator[None]:
    """The site's database lets nobody in, and throws out who is there."""
    from django.db import connections

    name = urlsplit(site.urls.owner).path.removeprefix("/")
    with psycopg.connect(server.administrator, autocommit=True) as administrator:
        let_in = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        administrator.execute(let_in.format(sql.Identifier(name), sql.SQL("false")))
        try:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            yield
        finally:
            administrator.execute(let_in.format(sql.Identifier(name), sql.SQL("true")))
            connections.close_all()  # this thread's own was thrown out too


def test_a_commit_whose_outcome_is_unknown_is_told_as_that_and_counts_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost after the commit: sending again must find what was committed."""
    from tocsin.apps.citizen import report_pages

    person = Person(site)
    token = person.token()
    before = len(incidents(site))
    real = report_pages.receive

    def lost(*arguments: object, **named: object) -> None:
        real(*arguments, **named)  # type: ignore[arg-type]
        raise OutcomeUnknown("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(report_pages, "receive", lost)
        answer = person.send(token=token)
    assert answer.status_code == 503
    assert "cannot tell whether it was received" in answer.text
    assert person.send(token=hidden(answer.text, "token")).status_code == 302
    assert len(incidents(site)) == before + 1


def test_what_the_web_process_refuses_itself_is_a_page_too(site: Site) -> None:
    person = Person(site)
    answer = person.client.post("/report", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "NOT received" in answer.text
    assert 'href="tel:119"' in answer.text
    zh = Person(site, language="zh-CN").client.post("/follow/x", content=b"x" * 70_000)
    assert "没有收到" in zh.text


def test_nothing_a_person_wrote_is_a_link_or_a_tag_anywhere(site: Site) -> None:
    bad = '<script>alert(1)</script> http://bad.example "><img src=x>'
    person = Person(site)
    page = person.send(where=bad, kind="").text
    code = person.report(where=bad, text=bad)
    followed = person.follow(code).text
    for text in (page, followed):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert 'href="http' not in text
    # The page that follows shows nothing of what was written at all.
    assert "bad.example" not in followed


def test_the_page_can_be_closed(site: Site, settings_of: object) -> None:
    person = Person(site)
    answer = person.client.get("/report")
    assert answer.status_code == 404
    assert 'href="tel:119"' in answer.text
    assert "<form" not in answer.text


@pytest.fixture
def settings_of() -> Iterator[None]:
    from dataclasses import replace

    from django.conf import settings

    before = settings.PUBLIC
    settings.PUBLIC = replace(before, report=False)
    yield
    settings.PUBLIC = before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    person = Person(site)
    for path in ("/report", "/follow", "/follow/x"):
        assert person.client.request(method, path).status_code == 405


def test_the_record_holds_no_address_of_the_network(site: Site) -> None:
    Person(site, "127.9.8.7").report()
    with connect(site.urls.owner) as connection:
        for table in ("log.fact", "log.command", "heard.report", "view.incident", "people_attempt"):
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # type: ignore[arg-type]
            assert rows
            assert "127.9.8.7" not in repr(rows)
