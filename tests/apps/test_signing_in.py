"""Signing in: pages, limits on guessing, the second factor, and the headers around them."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest

from signing_in import HOST, enrol, form_token, sign_in, signed_in, totp
from tocsin.core.terms import Role
from web_site import PASSWORD, Site


def test_a_page_has_a_strict_policy_and_no_inline_code(site: Site) -> None:
    answer = site.browser().get("/accounts/login/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", answer.text)
    assert not re.search(r"<style", answer.text)
    for script in re.findall(r"<script([^>]*)>", answer.text):
        assert "src=" in script or 'type="application/json"' in script


def test_every_script_and_style_of_the_page_is_served_here(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/accounts/login/").text
    paths = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(paths) >= 5
    assert {browser.get(path).status_code for path in paths} == {200}


@pytest.mark.parametrize(("asked", "word"), [("zh-CN,zh;q=0.9", "登录"), ("en-GB", "Sign in")])
def test_the_page_speaks_the_browsers_language(site: Site, asked: str, word: str) -> None:
    page = site.browser().get("/accounts/login/", headers={"Accept-Language": asked}).text
    assert f"<h1>{word}</h1>" in page


def test_the_language_can_be_switched_without_javascript(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/accounts/login/", headers=HOST).text
    answer = browser.post(
        "/accounts/language/",
        data={
            "language": "zh-hans",
            "next": "/accounts/login/",
            "csrfmiddlewaretoken": form_token(page),
        },
    )
    assert answer.headers["location"] == "/accounts/login/"
    assert "<h1>登录</h1>" in browser.get("/accounts/login/", headers=HOST).text


def test_without_a_second_factor_nothing_opens(site: Site) -> None:
    browser = site.browser()
    assert sign_in(browser, site.account(Role.DISPATCHER)).status_code == 302
    console = browser.get("/")
    assert (console.status_code, console.headers["location"]) == (302, "/accounts/2fa/")
    answer = browser.get("/api/v1/session", headers=HOST)
    assert (answer.status_code, answer.json()["reason"]) == (403, "second_factor_missing")


def test_password_and_code_open_the_session(site: Site) -> None:
    username = site.account(Role.DISPATCHER)
    first = site.browser()
    sign_in(first, username)
    secret = enrol(first)
    assert first.get("/api/v1/session").json()["role"] == "dispatcher"

    second = site.browser()
    answer = sign_in(second, username)
    assert answer.headers["location"] == "/accounts/2fa/authenticate/"
    assert second.get("/api/v1/session").status_code == 401
    page = second.get("/accounts/2fa/authenticate/", headers=HOST)
    wrong = second.post(
        "/accounts/2fa/authenticate/",
        data={"code": "000000", "csrfmiddlewaretoken": form_token(page.text)},
    )
    assert wrong.status_code == 200
    right = second.post(
        "/accounts/2fa/authenticate/",
        data={"code": totp(secret, 1), "csrfmiddlewaretoken": form_token(wrong.text)},
    )
    assert right.status_code == 302
    assert second.get("/api/v1/session").status_code == 200


def test_a_flood_of_guesses_locks_out_the_guesser_and_nobody_else(site: Site) -> None:
    username = site.account(Role.DISPATCHER)
    with site.browser("127.0.0.66") as guesser:
        page = guesser.get("/accounts/login/", headers=HOST)
        form = {"login": username, "csrfmiddlewaretoken": form_token(page.text)}
        texts = [
            guesser.post(
                "/accounts/login/", data={**form, "password": f"guess {n}"}, headers=HOST
            ).text
            for n in range(200)
        ]
        assert sum("The username or the password is wrong." in text for text in texts) == 10
        assert sum("Too many attempts from this address" in text for text in texts) == 190
        # Even the right password is not tried for the guessing address: it learns nothing.
        refused = guesser.post(
            "/accounts/login/", data={**form, "password": PASSWORD}, headers=HOST
        )
        assert refused.status_code == 200
    with site.browser("127.0.0.67") as desk:
        started = time.monotonic()
        assert sign_in(desk, username).status_code == 302
        assert time.monotonic() - started < 30


def test_guesses_from_many_addresses_leave_a_known_desk_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server runs in this process. Its own figure, 100, would only make the test slow.
    monkeypatch.setattr("tocsin.apps.people.attempts.GUESSES_PER_ACCOUNT", (20, timedelta(days=1)))
    username = site.account(Role.DISPATCHER)
    desk = site.browser("127.0.1.1")
    assert sign_in(desk, username).status_code == 302
    for host in range(3):
        with site.browser(f"127.0.2.{host + 1}") as guesser:
            page = guesser.get("/accounts/login/")
            form = {"login": username, "csrfmiddlewaretoken": form_token(page.text)}
            for n in range(10):
                guesser.post("/accounts/login/", data={**form, "password": f"guess {n}"})
    with site.browser("127.0.3.1") as stranger:
        assert "Too many attempts" in sign_in(stranger, username).text
    # The same address without its cookie, and the same device from a new address: both known.
    with site.browser("127.0.1.1") as forgetful:
        assert sign_in(forgetful, username).status_code == 302
    with site.browser("127.0.3.2") as moved:
        moved.cookies.set("tocsin_device", desk.cookies["tocsin_device"], domain="127.0.0.1")
        assert sign_in(moved, username).status_code == 302


def test_a_new_session_id_is_given_at_sign_in(site: Site) -> None:
    browser = site.browser()
    browser.get("/accounts/login/")
    browser.cookies.set("sessionid", "chosen-by-an-attacker", domain="localhost.local")
    sign_in(browser, site.account(Role.DISPATCHER))
    assert "chosen-by-an-attacker" not in [cookie.value for cookie in browser.cookies.jar][-1:]


def test_a_closed_account_and_a_new_password_end_sessions(site: Site) -> None:
    from tocsin.apps.people.models import Account

    username = site.account(Role.DISPATCHER)
    browser = site.browser()
    sign_in(browser, username)
    enrol(browser)
    assert browser.get("/api/v1/session").status_code == 200
    account = Account.objects.get(username=username)
    account.set_password("another-ordinary-password")
    account.save()
    assert browser.get("/api/v1/session").status_code == 401


def test_a_reset_of_authenticators_lets_the_person_enrol_again(site: Site) -> None:
    from tocsin.apps.people.accounts import reset_authenticators

    username = site.account(Role.DISPATCHER)
    browser = site.browser()
    sign_in(browser, username)
    enrol(browser)
    assert reset_authenticators(username) == 2  # the app and the recovery codes made with it
    assert browser.get("/api/v1/session").status_code == 401
    assert sign_in(site.browser(), username).headers["location"] == "/"


def test_the_seed_of_an_authenticator_is_not_readable_in_the_database(site: Site) -> None:
    from allauth.mfa.models import Authenticator

    username = site.account(Role.DISPATCHER)
    browser = site.browser()
    sign_in(browser, username)
    secret = enrol(browser)
    stored = Authenticator.objects.filter(user__username=username)
    assert stored.count() == 2
    assert all(secret not in str(one.data) for one in stored)


def test_key_files_are_for_their_owner_only(site: Site) -> None:
    for name in ("web_secret", "authenticators"):
        assert (site.data / "keys" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/password/reset/"])
def test_nobody_makes_or_recovers_an_account_by_himself(site: Site, path: str) -> None:
    assert site.browser().get(path).status_code == 404


def test_the_console_asks_a_stranger_to_sign_in(site: Site) -> None:
    answer = site.browser().get("/")
    assert answer.headers["location"] == "/accounts/login/?next=/"


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.SERVICE, Role.CREW)])
def test_who_may_see_no_incident_is_led_to_his_pages_and_never_to_an_empty_desk(
    site: Site, role: Role
) -> None:
    page = signed_in(site, role).get("/")
    own = re.findall(r'<dt><a href="([^"]+)">', page.text)
    if role is not Role.ADMINISTRATOR:
        assert "This account does not show incidents" not in page.text
        assert own == []
        return
    assert page.status_code == 200
    assert "This account does not show incidents" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "/readiness/sites/" in own
    browser = signed_in(site, role)
    assert [browser.get(path).status_code for path in own] == [200] * len(own)
