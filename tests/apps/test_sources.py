"""Where a guess comes from, however a proxy writes it, and what is left of the counters."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.apps.people.addresses import address_in
from web_site import Site


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("203.0.113.9:51422", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
    ],
)
def test_an_address_is_read_in_every_form_that_proxies_write(written: str, address: str) -> None:
    assert str(address_in(written)) == address


@pytest.mark.parametrize(
    "written",
    ["", "unknown", "_hidden", "localhost", "203.0.113.9:", "203.0.113:80", "[203.0.113.9", "[]:1",
     "203.0.113.9:1:2", "2001:443", "[2001:db8::1]:x", "203.0.113.٩"],
)  # fmt: skip
def test_what_is_no_address_is_none(written: str) -> None:
    assert address_in(written) is None


@given(st.text())
def test_rubbish_raises_nothing(written: str) -> None:
    address_in(written)


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("203.0.113.9:51422", "203.0.113.9"),
        ("[2001:db8:1:2:3::4]:443", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::"),
        ("rubbish", "0.0.0.0"),
        ("", "0.0.0.0"),
        (None, "0.0.0.0"),
    ],
)
def test_a_guess_is_charged_to_a_source_and_never_fails(
    site: Site, written: str | None, source: str
) -> None:
    from tocsin.apps.people.attempts import source_of

    request: Any = SimpleNamespace(META={} if written is None else {"REMOTE_ADDR": written})
    assert source_of(request) == source


def test_counters_whose_time_is_over_go_while_guesses_fail(site: Site) -> None:
    """Of a site that only programs use nobody ever signs in: its counters must go all the same."""
    from django.utils import timezone

    from tocsin.apps.people.attempts import CLEARED_AT_ONCE
    from tocsin.apps.people.models import Attempt

    now = timezone.now()
    old = [
        Attempt(key=f"token:old {n}", count=1, ends_at=now - timedelta(minutes=1))
        for n in range(2 * CLEARED_AT_ONCE)
    ]
    Attempt.objects.all().delete()
    Attempt.objects.bulk_create(
        [*old, Attempt(key="token:young", count=60, ends_at=now + timedelta(minutes=1))]
    )
    left = []
    with site.browser(headers={"Authorization": "Bearer tocsin_wrong"}) as program:
        for _ in range(3):
            assert program.get("/api/v1/session").status_code == 401
            left.append(Attempt.objects.filter(key__startswith="token:old").count())
    assert left == [CLEARED_AT_ONCE, 0, 0]
    # What still counts is kept, the guesses just made among it.
    kept = dict(Attempt.objects.values_list("key", "count"))
    assert kept.pop("token:young") == 60
    assert list(kept.values()) == [3]


def test_the_model_is_what_the_migrations_make(site: Site) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "people", check=True, dry_run=True, verbosity=0)
