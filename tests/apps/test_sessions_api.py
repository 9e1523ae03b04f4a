"""The API for a person with a session: the CSRF token, the account's language, sign-out."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from listening import listening
from test_api import assert_problem

from little_city import City, build
from signing_in import HOST, enrol, form_token, sign_in
from tocsin.core.terms import Role
from web_site import AGENCY, Site


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="session ")


@pytest.fixture
def browser(site: Site, city: City) -> httpx.Client:
    browser = site.browser()
    sign_in(browser, site.account(Role.DISPATCHER, language="en"))
    enrol(browser)
    return browser


BODY = {
    "type": "open_incident",
    "incident_type": "fire",
    "level": 2,
    "district": "north",
    "agency": AGENCY,
}


def test_a_write_needs_the_csrf_token(browser: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    assert_problem(browser.post("/api/v1/commands", json=BODY, headers=key), 403, "csrf")
    wrong = {**key, "X-CSRFToken": "x" * 32}
    assert_problem(browser.post("/api/v1/commands", json=BODY, headers=wrong), 403, "csrf")
    right = {**key, "X-CSRFToken": browser.cookies["csrftoken"]}
    assert browser.post("/api/v1/commands", json=BODY, headers=right).status_code == 200


def test_another_sites_page_cannot_write_even_with_the_cookies(browser: httpx.Client) -> None:
    cookies = {cookie.name: cookie for cookie in browser.cookies.jar}
    assert "SameSite" in str(vars(cookies["csrftoken"]))
    assert cookies["sessionid"].has_nonstandard_attr("HttpOnly")
    answer = browser.post(
        "/api/v1/commands",
        json=BODY,
        headers={
            "Idempotency-Key": str(uuid4()),
            "X-CSRFToken": browser.cookies["csrftoken"],
            "Origin": "https://elsewhere.example",
        },
    )
    assert_problem(answer, 403, "csrf")


def test_a_problem_speaks_the_accounts_language_unless_asked_otherwise(
    browser: httpx.Client,
) -> None:
    address = f"/api/v1/incidents/{uuid4()}"
    assert browser.get(address).json()["title"] == "Not found"
    chinese = browser.get(address, headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["title"] == "未找到"


def test_signing_out_ends_the_session_and_its_stream(browser: httpx.Client) -> None:
    after = browser.get("/api/v1/snapshot").json()["position"]
    with listening(browser, after) as screen:
        screen.next("tick")
        page = browser.get("/accounts/logout/", headers=HOST)
        form = {"csrfmiddlewaretoken": form_token(page.text)}
        assert browser.post("/accounts/logout/", data=form).status_code == 302
        assert screen.ended.wait(5)
    assert browser.get("/api/v1/session").status_code == 401


def test_a_closed_account_loses_its_open_stream(site: Site, browser: httpx.Client) -> None:
    from tocsin.apps.people.models import Account

    mine = browser.get("/api/v1/session").json()["id"].removeprefix("account:")
    with listening(browser, 0) as screen:
        Account.objects.filter(pk=mine).update(is_active=False)
        assert screen.ended.wait(5)
