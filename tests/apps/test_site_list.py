"""The list of sites is by their code, over its pages too: an import gives all rows one time."""

from __future__ import annotations

import re

import httpx
import pytest

from little_city import AGENCY, build
from signing_in import signed_in
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.sites import import_sites
from tocsin.record.views import list_rows
from web_site import Site

CODES = ("ZL-30", "ZL-04", "ZL-17", "ZL-09", "ZL-22")


@pytest.fixture(scope="module")
def register(running: Site) -> Site:
    build(running, prefix="listed ")
    rows = [
        {
            "site": code,
            "name_zh": code,
            "name_en": code,
            "address": "x",
            "lat": "36.84",
            "lon": "174.76",
            "datum": "WGS-84",
            "district": "north",
            "protocol": "dc09",
            "account": f"C{place:03}",
            "key": "",
            "key_form": "",
            "interval_s": "",
        }
        for place, code in enumerate(CODES)
    ]
    with connect(running.urls.application) as connection:
        report = import_sites(connection, running.keyring, rows, agency=AGENCY)
    assert report.errors == []
    return running


def test_the_page_is_by_code(site: Site, register: Site) -> None:
    browser: httpx.Client = signed_in(site, Role.ADMINISTRATOR)
    shown = re.findall(r">(ZL-\d\d)</a>", browser.get("/readiness/sites/").text)
    assert shown == sorted(CODES)


def test_so_are_its_pages(register: Site) -> None:
    found: list[str] = []
    cursor = None
    with connect(register.urls.application) as connection:
        while True:
            page = list_rows(connection, "register", limit=2, cursor=cursor, agency=AGENCY)
            found += [one["code"] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
    assert found == sorted(found)
    assert set(CODES) <= set(found)
    assert len(found) == len(set(found))
