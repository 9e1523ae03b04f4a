"""Public reports and the promises: nobody is found by what he wrote, a code is kept as a digest
only, and the network address of whoever reports is nowhere."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from psycopg import sql

from apps.reporting import Person, calm, incidents, newest
from tocsin.core.reports import AddToReport, ReceiveReport, WithdrawReport
from tocsin.core.terms import Role
from tocsin.record import report_following
from tocsin.record.database import connect
from tocsin.record.report_codes import read_code
from tocsin.record.reports import digest_of
from web_site import Site

PHONE, WHERE, TEXT, MORE = "13912345678", "Lotus Lane 88", "a man in a red coat", "he went north"
ADDRESS = "127.55.44.33"
QUERIES = ("q", "search", "phone", "where", "text", "report", "code", "caller_phone", "reporter")


@pytest.fixture
def code(site: Site) -> Iterator[str]:
    calm(site)
    person = Person(site, ADDRESS)
    reported = person.report(phone=PHONE, where=WHERE, text=TEXT)
    assert person.add(reported, MORE).status_code == 302
    site.number_facts()
    yield reported
    calm(site)


def everything(site: Site) -> dict[str, str]:
    """Every row of every table, as text and as the bytes in it."""
    found = {}
    with connect(site.urls.owner) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
            ).fetchall()
            found[f"{schema}.{table}"] = repr(rows)
    return found


def test_the_database_holds_nothing_of_a_report_in_the_clear(site: Site, code: str) -> None:
    rows = everything(site)
    assert len(rows) > 30
    for secret in (PHONE, WHERE, TEXT, MORE, code, code.replace("-", ""), ADDRESS):
        assert [table for table, text in rows.items() if secret in text] == [], secret
    # What is kept of the code is its keyed digest; the search above does find what is there.
    plain = read_code(code)
    assert plain is not None
    assert repr(digest_of(site.keyring, plain)) in rows["heard.report"]
    assert newest(site)["id"] in rows["view.incident"]


def test_another_installations_key_opens_no_code(site: Site, code: str, keyring: object) -> None:
    plain = read_code(code)
    assert plain is not None
    assert digest_of(keyring, plain) != digest_of(site.keyring, plain)  # type: ignore[arg-type]


def test_no_list_finds_a_report_by_its_words(site: Site, code: str) -> None:
    row = newest(site)
    with site.client(Role.SUPERVISOR) as desk:
        for kind in ("incidents", "facts", "signals", "orders", "units", "sites", "devices"):
            for query in QUERIES:
                if query == "code" and kind in ("signals", "sites"):
                    continue  # a device's code, and the operator's own name for a site
                answer = desk.get(f"/api/v1/{kind}", params={query: PHONE})
                assert answer.status_code == 422, f"{kind}?{query}="
            whole = desk.get(f"/api/v1/{kind}", params={"limit": 200}).text
            for said in (PHONE, WHERE, TEXT, MORE):
                assert (said in whole) == (kind == "facts"), (kind, said)
        snapshot = desk.get("/api/v1/snapshot").text
    assert row["id"] in snapshot
    for said in (PHONE, WHERE, TEXT, MORE):
        assert said not in snapshot


def test_the_public_pages_take_a_code_and_nothing_else(site: Site, code: str) -> None:
    person = Person(site, ADDRESS)
    for query in QUERIES:
        for path in ("/report", "/follow"):
            page = person.client.get(path, params={query: PHONE}).text
            assert WHERE not in page
            assert code not in page
    page = person.follow(code).text
    for said in (PHONE, WHERE, TEXT, MORE):
        assert said not in page
    # Whoever follows names the report by its code, in every function there is.
    for function in (report_following.standing, report_following.add, report_following.withdraw):
        assert "code" in inspect.signature(function).parameters


def test_two_reports_of_one_person_have_nothing_in_common(site: Site, code: str) -> None:
    """Sent from the same network in the same words: no column says so."""
    Person(site, ADDRESS).report(phone=PHONE, where=WHERE, text=TEXT)
    with connect(site.urls.owner) as connection:
        one, other = connection.execute(
            "SELECT code_digest, report, incident, content FROM heard.report"
            " ORDER BY received_at DESC LIMIT 2"
        ).fetchall()
    assert all(this != that for this, that in zip(one, other, strict=True))
    first, second = incidents(site)[-2:]
    assert first["id"] != second["id"]
    for command in (ReceiveReport, AddToReport, WithdrawReport):
        assert not {"sender", "person", "address"} & set(inspect.signature(command).parameters)
