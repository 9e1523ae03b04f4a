"""Signing in as a person does: password, authenticator app, session."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time

import httpx

from tocsin.core.terms import Role
from web_site import PASSWORD, Site

HOST = {"Accept-Language": "en"}


def sign_in(
    browser: httpx.Client, username: str, password: str = PASSWORD, **headers: str
) -> httpx.Response:
    page = browser.get("/accounts/login/", headers=HOST)
    assert page.status_code == 200
    return browser.post(
        "/accounts/login/",
        data={
            "login": username,
            "password": password,
            "csrfmiddlewaretoken": form_token(page.text),
        },
        headers={**HOST, **headers},
    )


def form_token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def totp(secret: str, step: int = 0) -> str:
    """RFC 6238, six digits, written apart from the library under test."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def enrol(browser: httpx.Client) -> str:
    """Adds an authenticator app to the signed-in account; its secret."""
    page = browser.get("/accounts/2fa/totp/activate/", headers=HOST)
    assert page.status_code == 200, page.headers.get("location")
    found = re.search(r'<code class="secret">([A-Z2-7]+)</code>', page.text)
    assert found is not None
    answer = browser.post(
        "/accounts/2fa/totp/activate/",
        data={"code": totp(found.group(1)), "csrfmiddlewaretoken": form_token(page.text)},
    )
    assert answer.status_code == 302
    return found.group(1)


def signed_in(site: Site, role: Role, **scope: object) -> httpx.Client:
    """A browser of a new account with its second factor."""
    browser = site.browser(headers=HOST)
    sign_in(browser, site.account(role, **scope))
    enrol(browser)
    return browser
