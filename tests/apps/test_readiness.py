"""The screens of sites and devices, and the admin: what they show, take and refuse."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from little_city import City, build
from signing_in import HOST, form_token, sign_in, signed_in
from tocsin.core.terms import Role
from web_site import AGENCY, Site

HEADER = (
    "site,name_zh,name_en,address,lat,lon,datum,district,protocol,account,key,key_form,interval_s"
)
KEY = "00112233445566778899AABBCCDDEEFF"


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="ready ")


@pytest.fixture
def administrator(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.ADMINISTRATOR)


def upload(browser: httpx.Client, content: str | bytes, button: str) -> httpx.Response:
    page = browser.get("/readiness/sites/import/")
    return browser.post(
        "/readiness/sites/import/",
        data={"csrfmiddlewaretoken": form_token(page.text), button: "1"},
        files={"file": ("sites.csv", content, "text/csv")},
    )


def line(
    site: str, account: str, district: str = "north", key: str = KEY, lat: str = "31.2"
) -> str:
    return (
        f"{site},某单位,Some Works,1 Mill Rd,{lat},121.4,WGS-84,{district},"
        f"dc09,{account},{key},hex,60"
    )


def test_a_file_is_tried_then_taken_whole(administrator: httpx.Client) -> None:
    good = "\n".join([HEADER, line("A-1", "1001"), line("A-1", "1002"), line("A-2", "1003")])
    tried = upload(administrator, good, "check")
    assert "3 rows are in order. Nothing was imported yet." in tried.text
    assert "A-1" not in administrator.get("/readiness/sites/").text
    assert upload(administrator, good, "import").status_code == 302
    assert "3 rows imported." in (listing := administrator.get("/readiness/sites/").text)
    assert "A-1" in listing
    assert "A-2" in listing

    bad = "\n".join([HEADER, line("A-3", "1004"), line("A-4", "1005", lat="91")])
    refused = upload(administrator, bad, "import")
    assert "<td>lat</td>" in refused.text
    assert '<td class="num">3</td>' in refused.text
    assert "A-3" not in administrator.get("/readiness/sites/").text


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"a,b\n1,2", "站点,名称\n1,2".encode()])
def test_a_file_that_is_none_is_said(administrator: httpx.Client, content: bytes) -> None:
    answer = upload(administrator, content, "import")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


def test_a_key_goes_in_and_never_comes_out(site: Site, administrator: httpx.Client) -> None:
    upload(administrator, f"{HEADER}\n{line('K-1', '2001')}", "import")
    listing = administrator.get("/api/v1/sites?code=K-1").json()["items"][0]
    address = f"/readiness/sites/{listing['id']}/devices/{listing['devices'][0]}/"
    pages = [
        administrator.get(f"/readiness/sites/{listing['id']}/").text,
        administrator.get(address).text,
        administrator.get("/api/v1/devices?account=2001").text,
    ]
    assert "has one" in pages[0]
    assert "A key is stored" in pages[1]
    assert '"has_key":true' in pages[2]
    assert all(KEY.lower() not in page.lower() for page in pages)

    form = {
        "csrfmiddlewaretoken": form_token(pages[1]),
        "name_zh": "新名",
        "name_en": "New name",
        "address": "2 Mill Rd",
        "district": "north",
        "lat": "31.3",
        "lon": "121.5",
        "datum": "GCJ-02",
        "key": "",
        "key_form": "hex",
        "interval_s": "120",
    }
    assert administrator.post(address, data=form).status_code == 302
    changed = administrator.get("/api/v1/devices?account=2001").json()["items"][0]
    assert (changed["interval_s"], changed["has_key"]) == (120, True)
    wrong = administrator.post(address, data={**form, "lat": "north"})
    assert 'class="problem"' in wrong.text


def test_a_site_is_added_on_the_screen(administrator: httpx.Client) -> None:
    page = administrator.get("/readiness/sites/new/")
    form = {
        "csrfmiddlewaretoken": form_token(page.text),
        "site": "S-1",
        "name_zh": "仓库",
        "name_en": "Warehouse",
        "address": "3 Mill Rd",
        "lat": "31.2",
        "lon": "121.4",
        "datum": "WGS-84",
        "district": "south",
        "protocol": "dc09",
        "account": "3001",
        "dialect": "eldes",
        "key": "",
        "key_form": "hex",
        "interval_s": "",
    }
    assert administrator.post("/readiness/sites/new/", data=form).status_code == 302
    assert "S-1" in administrator.get("/readiness/sites/").text


def test_what_belongs_to_others_cannot_be_seen_or_taken(
    site: Site, administrator: httpx.Client
) -> None:
    upload(administrator, f"{HEADER}\n{line('N-1', '4001')}", "import")
    found = administrator.get("/api/v1/sites?code=N-1").json()["items"][0]["id"]
    south = signed_in(site, Role.ADMINISTRATOR, districts=["south"])
    assert "N-1" not in south.get("/readiness/sites/").text
    assert south.get(f"/readiness/sites/{found}/").status_code == 404
    assert south.get(f"/api/v1/sites/{found}").status_code == 404
    grab = upload(south, f"{HEADER}\n{line('N-1', '4002', 'south')}", "import")
    assert "you do not manage this site" in grab.text
    other = upload(south, f"{HEADER}\n{line('S-9', '4003', 'north')}", "import")
    assert "you do not manage this site" in other.text


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.CREW, Role.INSPECTOR])
def test_other_roles_do_not_manage(site: Site, city: City, role: Role) -> None:
    unit = city.units["north"]["engine"] if role is Role.CREW else None
    browser = signed_in(site, role, unit=unit)
    for path in ("sites/", "sites/new/", "sites/import/"):
        assert browser.get(f"/readiness/{path}").status_code == 403
    assert browser.get("/admin/").status_code in (302, 403)


def test_the_admin_edits_what_is_djangos_and_shows_the_rest(
    site: Site, administrator: httpx.Client
) -> None:
    assert administrator.get("/admin/").status_code == 200
    for path in ("people/account", "people/token", "people/notice", "readiness/hydrant"):
        assert administrator.get(f"/admin/{path}/").status_code == 200
        assert administrator.get(f"/admin/{path}/add/").status_code == 200
    for path in ("readiness/station", "readiness/incidentrow", "readiness/unitrow"):
        assert administrator.get(f"/admin/{path}/").status_code == 200
        assert administrator.get(f"/admin/{path}/add/").status_code == 403


def test_the_admin_makes_accounts_and_tokens_and_shows_each_secret_once(
    site: Site, administrator: httpx.Client
) -> None:
    page = administrator.get("/admin/people/account/add/")
    made = administrator.post(
        "/admin/people/account/add/",
        data={
            "csrfmiddlewaretoken": form_token(page.text),
            "username": "new-desk",
            "display_name": "New Desk",
            "role": "dispatcher",
            "agency": AGENCY,
            "districts": "",
            "unit": "",
            "language": "en",
            "is_active": "on",
        },
    )
    assert made.status_code == 302
    shown = administrator.get("/admin/people/account/").text
    password = shown.split("shown only now: ")[1].split("<")[0].strip()
    assert sign_in(site.browser(), "new-desk", password).status_code == 302
    assert "shown only now" not in administrator.get("/admin/people/account/").text

    page = administrator.get("/admin/people/token/add/")
    expires = datetime(2100, 1, 1, tzinfo=UTC)
    administrator.post(
        "/admin/people/token/add/",
        data={
            "csrfmiddlewaretoken": form_token(page.text),
            "name": "wall",
            "role": "inspector",
            "agency": AGENCY,
            "districts": "",
            "unit": "",
            "expires_at_0": f"{expires:%Y-%m-%d}",
            "expires_at_1": "00:00:00",
        },
    )
    shown = administrator.get("/admin/people/token/").text
    token = shown.split("shown only now: ")[1].split("<")[0].strip()
    client = site.browser(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/session").json()["role"] == "inspector"


def test_a_notice_is_shown_to_who_signs_in(site: Site) -> None:
    from tocsin.apps.people.models import Notice

    Notice.objects.create(place="sign_in", text_zh="系统维护", text_en="Maintenance tonight")
    try:
        assert "Maintenance tonight" in site.browser().get("/accounts/login/", headers=HOST).text
    finally:
        Notice.objects.all().delete()
