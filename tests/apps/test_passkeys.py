"""A passkey, added and used in a real browser with a virtual authenticator, under the real policy;
and the pages as people see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tocsin.core.terms import Role
from web_site import PASSWORD, Site

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], headless=True
        )
        yield started
        started.close()


def page_with_authenticator(browser: Browser, language: str = "en") -> tuple[Page, list[str]]:
    """A page whose machine has a fingerprint reader that always says yes; and its errors."""
    context = browser.new_context(locale=language)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return page, errors


def test_a_passkey_is_added_and_then_signs_in_alone(site: Site, browser: Browser) -> None:
    username = site.account(Role.DISPATCHER)
    page, errors = page_with_authenticator(browser)
    page.goto(f"{site.base}/accounts/login/")
    page.fill("input[name=login]", username)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.wide:not(.quiet)")
    page.wait_for_url("**/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    page.fill("input[name=name]", "Desk 4")
    page.get_by_role("button", name="Add", exact=True).click()
    # The first second factor brings recovery codes with it.
    page.wait_for_url("**/accounts/2fa/recovery-codes/")
    assert len(page.locator("#recovery_codes").input_value().split()) == 10
    page.goto(f"{site.base}/accounts/2fa/webauthn/")
    assert page.locator("tbody tr").count() == 1
    assert "Desk 4" in page.locator("tbody").inner_text()
    assert page.request.get(f"{site.base}/api/v1/session").status == 200

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    page.goto(f"{site.base}/accounts/login/")
    assert page.request.get(f"{site.base}/api/v1/session").status == 401
    page.click("#passkey_login")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    assert page.request.get(f"{site.base}/api/v1/session").json()["role"] == "dispatcher"
    # The start page answers 503 where the console is not built; that is no fault of the pages.
    assert [error for error in errors if "503" not in error] == []
    page.context.close()


def test_without_javascript_password_and_code_still_sign_in(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site.base}/accounts/login/")
    assert page.locator("#passkey_login").is_hidden()
    page.fill("input[name=login]", site.account(Role.DISPATCHER))
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.wide:not(.quiet)")
    assert page.url.endswith("/accounts/2fa/")
    page.get_by_role("link", name="设置").click()
    assert page.locator("img.qr").is_visible()
    context.close()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_overflows_and_everything_is_labelled(
    site: Site, browser: Browser, language: str, width: int, theme: str
) -> None:
    context = browser.new_context(
        locale=language,
        viewport={"width": width, "height": 844},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(f"{site.base}/accounts/login/")
    fits = "() => document.documentElement.scrollWidth <= window.innerWidth"
    unlabelled = (
        "() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
        ".filter(field => !field.labels.length).map(field => field.name)"
    )
    page.fill("input[name=login]", site.account(Role.ADMINISTRATOR))
    page.fill("input[name=password]", PASSWORD)
    for address in (None, "2fa/", "2fa/totp/activate/", "2fa/webauthn/add/", "password/change/"):
        if address is not None:
            page.goto(f"{site.base}/accounts/{address}")
        assert page.evaluate(fits), page.url
        assert page.evaluate(unlabelled) == [], page.url
        assert page.locator("html").get_attribute("lang") == language
        if address is None:
            page.click("main button.wide:not(.quiet)")
    context.close()
