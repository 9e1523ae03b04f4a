"""What a site asks for before an intrusion alarm counts: imported, exported, used by judging."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from judged_desk import account_of_a_site
from random_history import hear, site_row
from record_desk import Desk

from tocsin.core.commands import ReopenIncident, ValidateIncident
from tocsin.core.confirmation import Avs
from tocsin.core.signals import SignalRead
from tocsin.core.zones import ZoneKind
from tocsin.record.database import Connection
from tocsin.record.exporting import export_sheets
from tocsin.record.heard_rows import CLOCK_OFF, Heard
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.register import Register, write_register
from tocsin.record.register_rows import ZoneRow
from tocsin.record.sites import import_sites
from tocsin.record.views import get_row
from tocsin.wire.dc09.answers import Problem

ALL = {
    "confirm": "two_technologies",
    "confirm_window_s": "900",
    "abort_s": "120",
    "two_trip_s": "45",
}


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    return Desk(connection, keyring)


def take(desk: Desk, account: str, **fields: str) -> list[tuple[str, str]]:
    """Imports the site of the account; what is wrong, by column."""
    row = site_row(account, **fields)
    report = import_sites(desk.connection, desk.keyring, [row], agency="fire")
    return [(column, text) for _, column, text in report.errors]


def say(
    desk: Desk, account: str, code: str, zone: str = "", *, judged: bool = True, **more: Any
) -> UUID:
    """A signal of the account, judged at once or with the next; its id."""
    device, site = desk.connection.execute(
        "SELECT id, site FROM ref.device WHERE account = %s", (account,)
    ).fetchone() or (None, None)
    read = SignalRead(
        protocol="dc09",
        token="SIA-DCS",
        account=account,
        code=code,
        zone=zone,
        occurred_at=more.pop("occurred_at", None),
    )
    signal = hear(
        desk.connection,
        desk.keyring,
        Heard(
            received_at=desk.now,
            intake="dc09.tls",
            protocol="dc09",
            source="192.0.2.9",
            body=b"frame",
            answer="ack",
            district="huangpu",
            agency="fire",
            device=device,
            site=site,
            signals=(read,),
            **({"assurance": "authenticated"} | more),
        ),
    )
    if judged:
        judge_pending(desk.connection, desk.keyring, desk.now)
    return signal


def incident_of(desk: Desk, signal: UUID) -> dict[str, Any]:
    """The incident's row as a screen has it."""
    row = get_row(desk.connection, "signals", signal)
    assert row is not None
    incident = get_row(desk.connection, "incidents", UUID(row["incident"]))
    desk.connection.rollback()
    assert incident is not None
    return incident


def site_of(desk: Desk, account: str) -> dict[str, Any]:
    (site,) = desk.connection.execute(
        "SELECT site FROM ref.device WHERE account = %s", (account,)
    ).fetchone() or (None,)
    row = get_row(desk.connection, "sites", site)
    desk.connection.rollback()
    assert row is not None
    return row


def test_it_is_imported_kept_and_exported(desk: Desk) -> None:
    account = account_of_a_site(desk)
    asked = {"rule": "none", "window_s": 1800, "abort_s": 0, "two_trip_s": 0}
    assert site_of(desk, account)["confirming"] == asked
    assert take(desk, account, **ALL) == []
    asked = {"rule": "two_technologies", "window_s": 900, "abort_s": 120, "two_trip_s": 45}
    assert site_of(desk, account)["confirming"] == asked
    # A file without the columns, or with empty ones, leaves it as it is.
    assert take(desk, account) == []
    assert take(desk, account, **dict.fromkeys(ALL, "")) == []
    assert site_of(desk, account)["confirming"] == asked
    sheets = export_sheets(desk.connection, desk.keyring, desk.now.date(), agency="fire")
    desk.connection.rollback()
    (row,) = [row for row in sheets["sites"] if row["account"] == account]
    assert {column: row[column] for column in ALL} == ALL
    assert take(desk, account, confirm="none", abort_s="0", two_trip_s="0") == []
    asked = {"rule": "none", "window_s": 900, "abort_s": 0, "two_trip_s": 0}
    assert site_of(desk, account)["confirming"] == asked


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("confirm", ("none", "verified"), ("two", "TWO_ZONES", "yes")),
        ("confirm_window_s", ("60", "7200"), ("59", "7201", "-1", "1.5", "9" * 30)),
        ("abort_s", ("0", "600"), ("601", "x")),
        ("two_trip_s", ("0", "3600"), ("3601", "\u0663")),
    ],
)
def test_bounds_are_said(
    desk: Desk, column: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    account = account_of_a_site(desk)
    for value in good:
        assert take(desk, account, **{column: value}) == []
    for value in bad:
        ((where, text),) = take(desk, account, **{column: value})
        assert where == column
        assert repr(value) in text


def test_one_site_asks_for_one_thing(desk: Desk) -> None:
    rows = [
        site_row("C0A1", site="S-C0A", confirm="two_zones"),
        site_row("C0A2", site="S-C0A", confirm="verified"),
    ]
    for row in rows:
        row |= {"name_en": "Building"}
    report = import_sites(desk.connection, desk.keyring, rows, agency="fire")
    assert [(line, column) for line, column, _ in report.errors] == [(3, "confirm")]


def test_a_second_zone_confirms_across_batches(desk: Desk) -> None:
    account = account_of_a_site(desk)
    take(desk, account, confirm="two_zones", confirm_window_s="600")
    first = say(desk, account, "BA", "1")
    row = incident_of(desk, first)
    until = (desk.now + timedelta(seconds=600)).isoformat().replace("+00:00", "Z")
    assert (row["band"], row["opened_because"]) == ("watch", "unconfirmed")
    assert row["confirmation"] == {
        "state": "waiting",
        "rule": "two_zones",
        "until": until,
        "two_trip_until": None,
        "by": None,
    }
    assert row["avs"]["level"] == 1
    assert [zone["zone"] for zone in row["open_zones"]] == ["1"]
    desk.later(30)
    second = say(desk, account, "BA", "2")
    row = incident_of(desk, second)
    assert (row["band"], row["confirmation"]["by"]) == ("unassigned", "two_zones")
    assert (row["avs"]["level"], row["avs"]["why"]) == (2, "two_zones")
    assert row["avs"]["evidence"] == [str(first), str(second)]
    assert (row["assurance"], row["late"]) == ("authenticated", False)


def test_a_zone_is_named_once_until_the_last_of_its_alarms_has_restored(desk: Desk) -> None:
    account = account_of_a_site(desk)
    first = say(desk, account, "BA", "1")
    named = []
    for code in ("TA", "XR", "FR", "BR", "TR"):
        desk.later(2)
        assert (
            incident_of(desk, say(desk, account, code, "1"))["id"] == incident_of(desk, first)["id"]
        )
        named.append([zone["zone"] for zone in incident_of(desk, first)["open_zones"]])
    assert named == [["1"], ["1"], ["1"], ["1"], []]


def test_two_kinds_as_the_register_types_the_zones(desk: Desk) -> None:
    account = account_of_a_site(desk)
    take(desk, account, confirm="two_technologies")
    zones = [
        ZoneRow(
            2, f"S-{account}", "dc09", account, *(number, "", "", ""), kind, location="", delay=""
        )
        for number, kind in (("1", ZoneKind.INTRUSION), ("2", ZoneKind.GLASS_BREAK))
    ]
    write_register(desk.connection, desk.keyring, Register(zones=zones), desk.now)
    desk.connection.commit()
    say(desk, account, "BA", "001")
    row = incident_of(desk, say(desk, account, "BA", "7"))
    assert row["confirmation"]["state"] == "waiting"
    row = incident_of(desk, say(desk, account, "BA", "002"))
    assert row["confirmation"]["by"] == "two_technologies"


def test_an_authenticated_cancel_closes_it_and_it_can_be_reopened(desk: Desk) -> None:
    account = account_of_a_site(desk)
    take(desk, account, abort_s="60")
    alarm = say(desk, account, "BA", "1")
    said = say(desk, account, "OC", "7", assurance="integrity")
    row = incident_of(desk, alarm)
    assert (row["state"], row["cancelled"]["outcome"]) == ("new", "not_authenticated")
    assert (row["avs"]["level"], row["avs"]["offered"]) == (1, 0)
    assert row["cancelled"]["signal"] == str(said)
    desk.later(60)
    say(desk, account, "OC", "7")
    row = incident_of(desk, alarm)
    assert (row["state"], row["disposition"]) == ("closed", "cancelled_by_user")
    assert (row["avs"]["level"], row["avs"]["why"]) == (0, "cancelled")
    desk.do(ReopenIncident(UUID(row["id"]), "the neighbour rang"))
    row = incident_of(desk, alarm)
    assert (row["state"], row["cancelled"]["outcome"]) == ("new", "reopened")


def test_alarm_cancel_and_the_next_alarm_are_judged_together(desk: Desk) -> None:
    account = account_of_a_site(desk)
    take(desk, account, confirm="two_zones", abort_s="60")
    first = say(desk, account, "BA", "1", judged=False)
    desk.later(5)
    say(desk, account, "OC", "7", judged=False)
    desk.later(5)
    second = say(desk, account, "BA", "1", judged=False)
    third = say(desk, account, "BA", "2", judged=False)
    judge_pending(desk.connection, desk.keyring, desk.now)
    row = incident_of(desk, first)
    assert (row["state"], row["disposition"]) == ("closed", "cancelled_by_user")
    row = incident_of(desk, second)
    assert (row["state"], row["confirmation"]["by"]) == ("new", "two_zones")
    assert incident_of(desk, third)["id"] == row["id"]


def test_a_flush_is_one_card_and_a_wrong_clock_hides_nothing(desk: Desk) -> None:
    account, other = account_of_a_site(desk), account_of_a_site(desk)
    old = desk.now - timedelta(hours=5)
    signals = [say(desk, account, "BA", str(zone), occurred_at=old) for zone in range(1, 6)]
    rows = {incident_of(desk, one)["id"] for one in signals}
    assert len(rows) == 1
    row = incident_of(desk, signals[0])
    assert (row["band"], row["late"], row["opened_because"]) == ("watch", True, "late")
    assert (row["level"], row["avs"]["why"]) == (2, "late")
    off = say(desk, other, "BA", "1", occurred_at=old, assurance="none", problem=CLOCK_OFF)
    row = incident_of(desk, off)
    assert (row["band"], row["late"], row["opened_because"]) == ("unassigned", True, "alarm")


def test_the_wires_word_for_a_wrong_clock_is_ours() -> None:
    assert Problem.CLOCK_OFF.value == CLOCK_OFF


def test_a_person_sets_the_level(desk: Desk) -> None:
    account = account_of_a_site(desk)
    row = incident_of(desk, say(desk, account, "BA", "1"))
    outcome = desk.do(ValidateIncident(UUID(row["id"]), Avs.PROPERTY, "two men at the till"))
    (fact,) = outcome.facts
    assert fact.kind == "incident.validated"
    assert "two men" not in str(fact.data)
    row = get_row(desk.connection, "incidents", UUID(row["id"])) or {}
    desk.connection.rollback()
    assert (row["avs"]["level"], row["avs"]["by_name"]) == (3, "Li Wei")
    assert row["avs"]["by_evidence"] == 1
