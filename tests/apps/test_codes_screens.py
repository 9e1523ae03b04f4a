"""The screens of the code tables: the whole table, and a change from its draft until it decides."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from test_readiness import HEADER, line, upload

from little_city import City, build
from signing_in import form_token, signed_in
from tocsin.core.terms import Role
from web_site import Site

AGENCIES = itertools.count(1)
WHY = "agreed with the shops"
CSV = (
    "list,code,qualifier,zone_from,zone_to,effect,type,level,text_zh,text_en,needs_answer\n"
    "cid,130,,1,4,alarm,panic,1,柜台求助,Counter help,yes\n"
)


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="codes ")


@pytest.fixture
def administrator(site: Site, city: City) -> httpx.Client:
    """An administrator of an agency whose codes nobody has touched."""
    return signed_in(site, Role.ADMINISTRATOR, agency=f"codes-{next(AGENCIES)}")


def send(browser: httpx.Client, address: str, page: str, **fields: str) -> httpx.Response:
    token = form_token(browser.get(page).text)
    return browser.post(address, data={"csrfmiddlewaretoken": token, **fields})


def begun(browser: httpx.Client, home: str = "/readiness/codes/versions/") -> str:
    """Begins a draft; the address of its page."""
    answer = send(browser, home, home)
    assert answer.status_code == 302
    assert re.fullmatch(r"/readiness/codes/\d+/", answer.headers["location"])
    return answer.headers["location"]


def add_row(browser: httpx.Client, draft: str, **fields: str) -> httpx.Response:
    page = browser.get(f"{draft}new/").text
    edits = re.search(r'name="edits" value="(\d+)"', page)
    assert edits is not None
    values = {
        "csrfmiddlewaretoken": form_token(page),
        "edits": edits[1],
        "list": "sia",
        "code": "BA",
        "qualifier": "",
        "zone_from": "",
        "zone_to": "",
        "effect": "alarm",
        "type": "panic",
        "level": "1",
        "needs_answer": "yes",
        "text_zh": "店员求助",
        "text_en": "Staff call",
    }
    return browser.post(f"{draft}new/", data=values | fields)


def force(browser: httpx.Client, draft: str, **fields: str) -> httpx.Response:
    return send(browser, f"{draft}force/", draft, **{"reason": WHY} | fields)


def test_the_whole_table_is_shown_page_by_page_and_filtered(administrator: httpx.Client) -> None:
    whole = administrator.get("/readiness/codes/").text
    assert "Medical alarm" in whole
    assert "Page 1 of" in whole
    later = administrator.get("/readiness/codes/?page=2").text
    assert "Medical alarm" not in later
    fires = administrator.get("/readiness/codes/?search=smoke&list=cid&effect=alarm").text
    assert "Fire alarm, smoke" in fires
    assert "Medical alarm" not in fires
    assert "No code matches." in administrator.get("/readiness/codes/?changed=on").text
    for nonsense in ("?page=0", "?page=x", "?page=99999", "?list=zz&effect=zz"):
        assert administrator.get(f"/readiness/codes/{nonsense}").status_code == 200


def test_a_change_is_edited_tried_and_put_in_force(administrator: httpx.Client) -> None:
    draft = begun(administrator)
    assert add_row(administrator, draft).status_code == 302
    page = administrator.get(draft).text
    assert "Staff call" in page
    assert "Try it first" in page
    assert "Try it first" in force(administrator, draft).text.replace(
        "try it first", "Try it first"
    )
    tried = send(administrator, f"{draft}try/", draft, days="30", samples="SIA:BA:7, CID:130:1:5")
    assert "Trial of version" in tried.text
    assert "Staff call, zone 7" in tried.text
    assert "Burglary alarm, zone 5" in tried.text
    assert "Give a reason of" in force(administrator, draft, reason="").text
    assert force(administrator, draft).status_code == 302
    changed = administrator.get("/readiness/codes/?changed=on").text
    assert "Staff call" in changed
    history = administrator.get("/readiness/codes/versions/").text
    for text in ("Put in force", "Draft begun", "+ SIA BA", WHY, "In force"):
        assert text in history
    back = send(administrator, f"{draft}force/", draft, reason="it was wrong", back="1")
    assert back.status_code == 302
    assert "it was wrong" in administrator.get("/readiness/codes/versions/").text
    assert "No code matches." in administrator.get("/readiness/codes/?changed=on").text


def test_an_alarm_falls_silent_only_with_a_written_reason(administrator: httpx.Client) -> None:
    draft = begun(administrator)
    fields = {"code": "FA", "effect": "test", "needs_answer": "no", "text_zh": "", "text_en": ""}
    assert add_row(administrator, draft, **fields).status_code == 302
    tried = send(administrator, f"{draft}try/", draft, days="7", samples="")
    assert "SIA FA: Fire alarm" in tried.text
    refused = force(administrator, draft)
    assert refused.status_code == 200
    assert "give a written reason" in refused.text
    done = force(administrator, draft, silences="dummy detectors of the school")
    assert done.status_code == 302
    history = administrator.get("/readiness/codes/versions/").text
    assert "dummy detectors of the school" in history


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    administrator: httpx.Client,
) -> None:
    draft = begun(administrator)
    wrong = add_row(administrator, draft, code="B1", text_en="")
    assert wrong.status_code == 200
    assert wrong.text.count('class="problem"') >= 1
    assert add_row(administrator, draft).status_code == 302
    twice = add_row(administrator, draft)
    assert 'class="problem"' in twice.text
    # A form of before somebody else's edit is refused.
    stale = add_row(administrator, draft, code="PA", edits="1")
    assert "Somebody has edited the draft meanwhile" in stale.text
    row = administrator.get(f"{draft}rows/0/")
    edits = re.search(r'name="edits" value="(\d+)"', row.text)
    assert edits is not None
    fields = {"edits": edits[1], "list": "sia", "code": "BA", "effect": "alarm", "remove": "1"}
    fields |= {"type": "panic", "level": "1", "needs_answer": "yes"}
    gone = send(administrator, f"{draft}rows/0/", f"{draft}rows/0/", **fields)
    assert gone.status_code == 302
    assert administrator.get(f"{draft}rows/0/").status_code == 404
    assert (
        "write a code as"
        in send(administrator, f"{draft}try/", draft, days="7", samples="FIRE").text
    )
    assert send(administrator, draft, draft, drop="1").status_code == 302
    assert "Begin a draft" in administrator.get("/readiness/codes/versions/").text


def test_a_file_becomes_the_draft_and_comes_back_as_it_was(administrator: httpx.Client) -> None:
    draft = begun(administrator)
    token = form_token(administrator.get(draft).text)

    def take(content: str) -> httpx.Response:
        return administrator.post(
            draft,
            data={"csrfmiddlewaretoken": token},
            files={"file": ("codes.csv", content.encode(), "text/csv")},
        )

    assert "2, level" in take(CSV.replace("panic,1", "panic,9")).text
    assert "Counter help" not in administrator.get(draft).text
    assert take(CSV).status_code == 302
    file = administrator.get(f"{draft}csv/")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text.lstrip("\ufeff").replace("\r\n", "\n") == CSV


def test_no_text_of_the_file_is_a_formula(administrator: httpx.Client) -> None:
    draft = begun(administrator)
    add_row(administrator, draft, text_en="=1+1", text_zh="@x")
    file = administrator.get(f"{draft}csv/").text
    assert ",'@x,'=1+1," in file


def test_a_site_has_codes_of_its_own_and_only_its_managers_see_them(site: Site, city: City) -> None:
    chief = signed_in(site, Role.ADMINISTRATOR)
    upload(chief, f"{HEADER}\n{line('CODES-1', '7701')}", "import")
    found = chief.get("/api/v1/sites?code=CODES-1").json()["items"][0]["id"]
    own = f"/readiness/codes/site/{found}/"
    assert "What each code means at CODES-1" in chief.get(own).text
    draft = begun(chief, f"{own}versions/")
    assert add_row(chief, draft).status_code == 302
    north = signed_in(site, Role.ADMINISTRATOR, districts=["north"])
    assert north.get(own).status_code == 200
    # An agency's codes decide in every district: who manages one may look at them, no more.
    agencys = begun(chief)
    for address in ("/readiness/codes/", "/readiness/codes/versions/", agencys, f"{agencys}csv/"):
        assert north.get(address).status_code == 200, address
    assert "Begin a draft" not in north.get("/readiness/codes/versions/").text
    assert "Drop the draft" not in north.get(agencys).text
    for address in (f"{agencys}new/", f"{agencys}try/", f"{agencys}force/"):
        assert north.get(address).status_code == 403, address
    for address in ("/readiness/codes/versions/", agencys, f"{agencys}force/", f"{agencys}try/"):
        assert send(north, address, own, reason=WHY, drop="1").status_code == 403, address
    assert send(chief, agencys, agencys, drop="1").status_code == 302
    south = signed_in(site, Role.ADMINISTRATOR, districts=["south"])
    stranger = signed_in(site, Role.ADMINISTRATOR, agency="codes-other")
    for other in (south, stranger):
        for address in (own, f"{own}versions/", draft, f"{draft}csv/", f"{draft}new/"):
            assert other.get(address).status_code == 404, address
    assert send(chief, draft, draft, drop="1").status_code == 302


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.SUPERVISOR, Role.INSPECTOR])
def test_other_roles_do_not_see_them(site: Site, city: City, role: Role) -> None:
    browser = signed_in(site, role)
    for address in ("", "versions/", "1/", "1/csv/", "1/new/", "1/try/", "1/force/"):
        assert browser.get(f"/readiness/codes/{address}").status_code == 403


def test_there_is_no_such_version(administrator: httpx.Client) -> None:
    for number in ("0", "999999", "99999999999999999999"):
        assert administrator.get(f"/readiness/codes/{number}/").status_code == 404


def test_a_version_is_approved_for_a_time_to_come_and_withdrawn(
    administrator: httpx.Client,
) -> None:
    draft = begun(administrator)
    assert add_row(administrator, draft).status_code == 302
    assert send(administrator, f"{draft}try/", draft, days="1", samples="").status_code == 200
    late = force(administrator, draft, begins="2020-01-01T00:00")
    assert "The time must lie ahead" in late.text
    begins = datetime.now(UTC) + timedelta(days=3)
    answer = force(administrator, draft, begins=f"{begins:%Y-%m-%dT%H:%M}")
    assert answer.status_code == 302
    history = administrator.get("/readiness/codes/versions/").text
    for words in ("To come into force", f"{begins:%Y-%m-%d %H:%M} UTC", "Approved, to come"):
        assert words in history
    page = administrator.get(draft).text
    assert "Until then it can be withdrawn" in page
    assert "Staff call" not in administrator.get("/readiness/codes/?search=Staff").text
    assert force(administrator, draft, withdraw="1").status_code == 302
    assert "Withdrawn" in administrator.get("/readiness/codes/versions/").text
    assert "Put in force" in administrator.get(draft).text
