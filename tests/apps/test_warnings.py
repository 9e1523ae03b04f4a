"""A public warning goes its whole road on real HTTP: written from an incident, looked over, let go
out by a second person, read from the open feed, updated, cancelled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings

from cap_samples import Authority
from little_city import City, build, call
from signing_in import form_token, sign_in, signed_in
from tocsin.apps.citizen import cap_pages
from tocsin.core.terms import Role
from tocsin.record import warnings as record
from tocsin.record.database import connect
from tocsin.wire.cap.alert import Alert, decode
from tocsin.wire.cap.document import parse
from tocsin.wire.cap.signing import Anchors, Outcome, check
from web_site import Site

SENDER = "warnings@fire.example.org"
HOME = "/readiness/warnings/"
WORDS = {
    "event_zh": "化学品火灾",
    "event_en": "Chemical fire",
    "headline_zh": "化工厂火灾：请关闭门窗",
    "headline_en": "Fire at the chemical plant: close windows",
    "description_zh": "有毒烟雾向东扩散。",
    "description_en": "Toxic smoke drifts east & south.",
    "instruction_zh": "留在室内，关闭门窗。",
    "instruction_en": "Stay inside. Close doors and windows.",
    "area_zh": "东城区",
    "area_en": "East District",
}
VALUES = {
    "category": "Fire",
    "urgency": "Immediate",
    "severity": "Severe",
    "certainty": "Observed",
    "valid_min": "90",
    "lat": "31.23",
    "lon": "121.47",
    "radius_km": "1.5",
    "polygon": "31.2,121.4\r\n31.2,121.6\r\n31.3,121.6\r\n31.2,121.4",
    "geocodes": "adcode=310101",
}


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    built = build(running, prefix="warnings ")
    call(running.client(Role.DISPATCHER))  # what the warnings are about
    return built


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    before, settings.WARNINGS = settings.WARNINGS, {"sender": SENDER, "address": "", "key": ""}
    yield
    settings.WARNINGS = before


@pytest.fixture
def writer(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.DISPATCHER)


@pytest.fixture
def chief(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.SUPERVISOR)


def send(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    page = browser.get(path)
    assert page.status_code == 200, page.text
    edits = re.search(r'name="edits" value="(\d+)"', page.text)
    told = {"csrfmiddlewaretoken": form_token(page.text), "edits": edits[1] if edits else ""}
    return browser.post(path, data=told | fields)


def incident_of(browser: httpx.Client) -> str:
    found = re.search(r'<option value="([0-9a-f-]{36})"', browser.get(f"{HOME}new/").text)
    assert found is not None
    return found[1]


def written(writer: httpx.Client, **more: str) -> str:
    """The page of a new draft."""
    made = send(writer, f"{HOME}new/", incident=incident_of(writer), **WORDS | VALUES | more)
    assert made.status_code == 302, made.text
    return made.headers["location"]


def published(writer: httpx.Client, chief: httpx.Client) -> str:
    page = written(writer)
    assert send(chief, page, publish="1").status_code == 302
    assert "Published" in chief.get(page).text
    return page


def document(site: Site, page: str) -> httpx.Response:
    return site.browser().get(f"/cap/{page.rstrip('/').rpartition('/')[2]}.xml")


def feed(site: Site, **headers: str) -> httpx.Response:
    return site.browser().get("/cap/feed.atom", headers=headers)


def alert_of(site: Site, page: str) -> Alert:
    answer = document(site, page)
    assert answer.status_code == 200
    return decode(answer.content)


def test_a_second_person_lets_it_go_out_and_everybody_reads_it(
    site: Site, city: City, writer: httpx.Client, chief: httpx.Client
) -> None:
    page = written(writer)
    identifier = page.rstrip("/").rpartition("/")[2]
    preview = writer.get(page).text
    for words in (WORDS["headline_zh"], WORDS["headline_en"], "&lt;alert", "valid for 90 minutes"):
        assert words in preview
    assert document(site, page).status_code == 404
    assert identifier not in feed(site).text
    assert send(chief, page, publish="1").status_code == 302
    alert = alert_of(site, page)
    assert (alert.identifier, alert.sender) == (identifier, SENDER)
    assert (alert.msg_type, alert.status, alert.scope) == ("Alert", "Actual", "Public")
    assert [one.language for one in alert.infos] == ["zh-CN", "en"]
    assert alert.infos[1].description == WORDS["description_en"]
    assert alert.infos[0].headline == WORDS["headline_zh"]
    [area] = alert.infos[0].areas
    assert (area.circles[0].centre, area.circles[0].radius_km) == ((31.23, 121.47), 1.5)
    assert (len(area.polygons[0]), area.geocodes) == (4, (("adcode", "310101"),))
    assert alert.expires is not None
    assert (alert.expires - alert.sent).total_seconds() == 90 * 60
    assert identifier in feed(site).text
    with connect(site.urls.application) as opened:
        noted = opened.execute(
            "SELECT count(*) FROM log.fact f JOIN ref.warning w ON w.incident = f.incident"
            " WHERE w.id = %s AND f.kind = 'incident.noted'",
            (identifier,),
        ).fetchone()
    assert noted is not None
    assert noted[0] >= 1


def test_nobody_approves_their_own_words_and_only_a_supervisor_approves(
    site: Site, city: City, writer: httpx.Client, chief: httpx.Client
) -> None:
    other = signed_in(site, Role.DISPATCHER)
    page = written(writer)
    send(other, page, publish="1")
    assert "Only a supervisor lets a warning go out" in other.get(page).text
    assert send(chief, f"{page}edit/", **WORDS | VALUES | {"area_en": "All of it"}).is_redirect
    assert send(chief, page, publish="1").status_code == 302  # who edited it has written it
    assert "A second person must approve it" in chief.get(page).text
    assert document(site, page).status_code == 404
    second = signed_in(site, Role.SUPERVISOR)
    assert send(second, page, publish="1").is_redirect
    assert alert_of(site, page).infos[1].areas[0].description == "All of it"


def test_what_was_looked_over_is_what_goes_out(
    site: Site, writer: httpx.Client, chief: httpx.Client
) -> None:
    page = written(writer)
    seen = chief.get(page).text
    assert send(writer, f"{page}edit/", **WORDS | VALUES | {"event_en": "Other"}).is_redirect
    edits = re.search(r'name="edits" value="(\d+)"', seen)
    assert edits is not None
    told = {"csrfmiddlewaretoken": form_token(seen), "edits": edits[1], "publish": "1"}
    chief.post(page, data=told)
    assert document(site, page).status_code == 404


def test_it_is_updated_and_cancelled_with_references(
    site: Site, writer: httpx.Client, chief: httpx.Client
) -> None:
    first = published(writer, chief)
    one = alert_of(site, first)
    made = send(writer, f"{first}update/", **WORDS | VALUES | {"radius_km": "3"})
    update = made.headers["location"]
    send(writer, f"{first}cancel/", **WORDS | VALUES)  # one message at a time follows it
    assert writer.get(HOME).text.count("Cancellation") == 0
    assert send(chief, update, publish="1").is_redirect
    two = alert_of(site, update)
    assert two.msg_type == "Update"
    assert [(each.sender, each.identifier, each.sent) for each in two.references] == [
        (SENDER, one.identifier, one.sent)
    ]
    assert "Replaced" in writer.get(first).text
    cancelling = writer.get(f"{update}cancel/").text
    assert "Ended: Fire at the chemical plant" in cancelling
    ended = {**WORDS, **VALUES, "urgency": "Past", "headline_en": "Ended: the fire is out"}
    made = send(writer, f"{update}cancel/", **ended)
    assert send(chief, made.headers["location"], publish="1").is_redirect
    three = alert_of(site, made.headers["location"])
    assert (three.msg_type, three.infos[1].response_types) == ("Cancel", ("AllClear",))
    assert [each.identifier for each in three.references] == [one.identifier, two.identifier]
    assert "Cancel it" not in writer.get(made.headers["location"]).text


def test_the_feed_and_the_documents_are_cached_and_public(
    site: Site, writer: httpx.Client, chief: httpx.Client
) -> None:
    page = published(writer, chief)
    for answer, seconds in ((feed(site), 30), (document(site, page), 86_400)):
        assert answer.headers["cache-control"] == f"public, max-age={seconds}"
        assert "set-cookie" not in answer.headers
        again = site.browser().get(
            str(answer.url.path), headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    assert document(site, page).headers["content-type"] == "application/cap+xml"
    assert feed(site).headers["content-type"] == "application/atom+xml"
    assert site.browser().post("/cap/feed.atom").status_code in (403, 405)


def test_it_is_signed_where_there_is_a_key(
    site: Site, writer: httpx.Client, chief: httpx.Client, tmp_path: Any
) -> None:
    authority = Authority()
    now = datetime.now(UTC)
    day = timedelta(days=1)
    key, chain = authority.signer(begin=now - day, end=now + day)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "chain.pem").write_bytes(chain)
    settings.WARNINGS |= {
        "key": str(tmp_path / "key.pem"),
        "certificate": str(tmp_path / "chain.pem"),
    }
    page = published(writer, chief)
    raw = document(site, page).content
    sent = decode(raw).sent
    said = check(parse(raw), Anchors(authority.pem), sent=sent, heard=sent)
    assert said is Outcome.VERIFIED
    settings.WARNINGS |= {"key": str(tmp_path / "nothing.pem")}
    page = written(writer)
    send(chief, page, publish="1")
    assert document(site, page).status_code == 404  # never unsigned by mistake


def test_nothing_goes_out_without_a_sender_and_mistakes_are_named(
    site: Site, writer: httpx.Client, chief: httpx.Client
) -> None:
    settings.WARNINGS = {}
    page = written(writer)
    assert "warnings.sender is not set" in chief.get(page).text
    send(chief, page, publish="1")
    assert document(site, page).status_code == 404
    incident = incident_of(writer)
    for field, value, told in (
        ("valid_min", "14", "15 minutes to 72 hours"),
        ("polygon", "1,2\n3,4", "the last as the first"),
        ("polygon", "here", "the last as the first"),
        ("radius_km", "501", "at most 500 km"),
        ("lat", "", "no latitude and longitude"),
        ("geocodes", "310101", "list=code"),
    ):
        answer = send(writer, f"{HOME}new/", incident=incident, **WORDS | VALUES | {field: value})
        assert answer.status_code == 200
        assert told in answer.text, (field, value)
    assert send(writer, page, drop="1").is_redirect
    assert "Dropped" in writer.get(page).text


@pytest.mark.parametrize("role", [Role.CALL_TAKER, Role.ADMINISTRATOR, Role.INSPECTOR])
def test_other_roles_write_no_warnings(site: Site, city: City, role: Role) -> None:
    browser = signed_in(site, role)
    for path in ("", "new/"):
        assert browser.get(f"{HOME}{path}").status_code == 403


def test_another_agencys_or_districts_warning_is_as_a_missing_one(
    site: Site, writer: httpx.Client
) -> None:
    page = written(writer)
    for scope in ({"agency": "police"}, {"districts": ["nowhere"]}):
        assert signed_in(site, Role.SUPERVISOR, **scope).get(page).status_code == 404


def test_what_was_published_is_never_changed_even_by_hand(
    site: Site, writer: httpx.Client, chief: httpx.Client
) -> None:
    identifier = published(writer, chief).rstrip("/").rpartition("/")[2]
    with connect(site.urls.application) as opened:
        for statement, error in (
            ("UPDATE ref.warning SET document = '' WHERE id = %s", "RestrictViolation"),
            ("UPDATE ref.warning SET state = 'dropped' WHERE id = %s", "RestrictViolation"),
            ("DELETE FROM ref.warning WHERE id = %s", "InsufficientPrivilege"),
            ("DELETE FROM ref.warning_act WHERE warning = %s", "InsufficientPrivilege"),
        ):
            with pytest.raises(getattr(psycopg.errors, error)):
                opened.execute(statement.encode(), (identifier,))
            opened.rollback()


def test_what_is_public_knows_no_visitor(
    site: Site, writer: httpx.Client, chief: httpx.Client
) -> None:
    """Neither a cookie nor an answer that differs for one; also who signed in without a second
    factor reads it."""
    page = published(writer, chief)
    unfinished = site.browser()
    sign_in(unfinished, site.account(Role.DISPATCHER))
    named = f"/cap/{page.rstrip('/').rpartition('/')[2]}.xml"
    for at in ("/cap/feed.atom", named):
        answers = [one.get(at) for one in (site.browser(), unfinished, chief)]
        assert {one.status_code for one in answers} == {200}
        assert {one.content for one in answers} == {answers[0].content}
        for one in answers:
            assert "set-cookie" not in one.headers
            assert "cookie" not in one.headers.get("vary", "").lower()


def test_the_feed_is_bounded_and_says_so_when_it_is_full(
    site: Site,
    writer: httpx.Client,
    chief: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = [published(writer, chief) for _ in range(3)]
    ids = [one.rstrip("/").rpartition("/")[2] for one in pages]
    monkeypatch.setattr(record, "LISTED_MAX", 2)
    text = feed(site).text
    assert text.count("<entry>") == 2
    assert ids[2] in text
    assert ids[0] not in text
    assert "The feed is full: it names 2 warnings" in writer.get(HOME).text
    with connect(site.urls.application) as opened:
        before, _ = record.listed(opened, datetime.now(UTC))
        # What still holds comes before what is over, however new that is.
        shorter = published_for(writer, chief, "15")
        after = datetime.now(UTC) + timedelta(minutes=20)
        named, _ = record.listed(opened, after)
    assert shorter not in [str(one) for one in named]
    assert named == before
    monkeypatch.setattr(record, "LISTED_MAX", 500)
    assert "The feed is full" not in writer.get(HOME).text


def published_for(writer: httpx.Client, chief: httpx.Client, minutes: str) -> str:
    page = written(writer, valid_min=minutes)
    assert send(chief, page, publish="1").status_code == 302
    return page.rstrip("/").rpartition("/")[2]


def test_each_document_of_the_feed_is_read_once(
    site: Site, writer: httpx.Client, chief: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often, and by whatever port in its name, somebody asks for it."""
    asked: list[int] = []
    original = cap_pages.decode
    monkeypatch.setattr(cap_pages, "decode", lambda raw: asked.append(1) or original(raw))
    published(writer, chief)
    feed(site)
    assert len(asked) >= 1
    asked.clear()
    for port in range(5):
        assert f":{port}/cap/" in feed(site, Host=f"localhost:{port}").text
    assert asked == []
