"""What is stored of a session does not open one."""

from __future__ import annotations

from datetime import timedelta

import httpx
from django.utils import timezone

from signing_in import enrol, sign_in
from tocsin.core.terms import Role
from web_site import Site


def works(site: Site, key: str) -> tuple[int, int]:
    """What the API and the stream answer to this session cookie."""
    cookies = {"sessionid": key}
    asked = httpx.get(f"{site.base}/api/v1/snapshot", cookies=cookies).status_code
    with httpx.stream("GET", f"{site.base}/api/v1/stream", cookies=cookies) as stream:
        return asked, stream.status_code


def test_the_table_of_sessions_holds_no_key(site: Site) -> None:
    from tocsin.apps.people.models import Session

    username = site.account(Role.DISPATCHER)
    browser = site.browser()
    sign_in(browser, username)
    enrol(browser)
    key = next(one.value for one in browser.cookies.jar if one.name == "sessionid")
    assert works(site, key) == (200, 200)  # the control
    stored = list(Session.objects.values_list("session_key", flat=True))
    assert stored
    assert key not in stored
    for one in stored:
        assert works(site, one) == (401, 401)


def test_sessions_whose_time_is_over_go_as_new_ones_begin(site: Site) -> None:
    from tocsin.apps.people.models import Session
    from tocsin.apps.people.sessions import CLEARED_AT_ONCE, SessionStore

    def begin(seconds: int) -> None:
        store = SessionStore()
        store.set_expiry(seconds)
        store.create()

    now = timezone.now()
    Session.objects.bulk_create(
        Session(session_key=f"over {n}", session_data="", expire_date=now - timedelta(hours=1))
        for n in range(CLEARED_AT_ONCE + 5)
    )
    left = Session.objects.filter(session_key__startswith="over ").count
    begin(60)
    assert left() == 5
    begin(60)
    assert left() == 0


def test_a_session_that_ended_is_gone_from_the_table(site: Site) -> None:
    from tocsin.apps.people.models import Session
    from tocsin.apps.people.sessions import SessionStore, digest

    store = SessionStore()
    store["a"] = 1
    store.create()
    key = store.session_key
    assert key is not None
    assert Session.objects.filter(session_key=digest(key)).exists()
    assert SessionStore(key).load()["a"] == 1
    assert SessionStore().exists(key)
    SessionStore(key).delete()
    assert not SessionStore().exists(key)
    again = SessionStore(key)
    assert again.load() == {}
    assert again.session_key is None, "a key that we did not give is not taken over"
