"""`handle`: one transaction, once per key, sealed fields, races told with who and when."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_desk import LI, NOW, PLACE, WANG, Desk

from tocsin.core.commands import (
    AcceptOrder,
    AddNote,
    ClassifyIncident,
    CloseIncident,
    Command,
    RefuseOrder,
    RegisterUnit,
    ReportStatus,
    SendUnits,
    TakeIncident,
)
from tocsin.core.incidents.facts import IncidentNoted, IncidentOpened
from tocsin.core.orders import Refusal
from tocsin.core.terms import Capability, Disposition, Reason, Refused
from tocsin.core.units import UnitState
from tocsin.record.database import Connection, DatabaseAway, Urls, connect
from tocsin.record.facts import (
    bound_to,
    canonical,
    data_with_sealed,
    decode,
    kind_of,
    parts,
    sealed_fields,
)
from tocsin.record.handle import KeyInvalid, KeyReused, NotStorable, OutcomeUnknown, handle
from tocsin.record.keys import Keyring
from tocsin.record.views import get_row


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    return Desk(connection, keyring)


def facts_of(connection: Connection, subject: UUID) -> list[str]:
    rows = connection.execute(
        "SELECT kind FROM log.fact WHERE subject = %s ORDER BY version", (subject,)
    )
    return [kind for (kind,) in rows]


def count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_command_appends_facts_and_updates_the_read_tables(desk: Desk) -> None:
    incident = desk.open()
    unit = desk.unit()
    order = desk.send(incident, unit)
    assert facts_of(desk.connection, incident) == [
        "incident.opened",
        "incident.taken",
        "incident.unit_attached",
    ]
    row = get_row(desk.connection, "incidents", incident)
    assert row is not None
    assert (row["state"], row["band"], row["taken_by_name"]) == ("taken", "working", "Li Wei")
    assert [(one["order"], one["state"]) for one in row["units"]] == [(str(order), "given")]
    on_order = get_row(desk.connection, "units", unit)
    assert on_order is not None
    assert (on_order["state"], on_order["order"]) == ("ordered", str(order))


def test_an_orders_progress_makes_its_incidents_row_newer(desk: Desk) -> None:
    incident = desk.open()
    order = desk.send(incident, desk.unit())
    before = get_row(desk.connection, "incidents", incident)
    desk.do(AcceptOrder(order))
    after = get_row(desk.connection, "incidents", incident)
    assert before is not None
    assert after is not None
    assert after["units"][0]["state"] == "accepted"
    assert after["version"] > before["version"]


def test_numbers_of_a_district_have_no_gaps_even_after_refusals(desk: Desk) -> None:
    first = get_row(desk.connection, "incidents", desk.open(district="minhang"))
    with pytest.raises(Refused):
        desk.open(district="minhang", note="x" * 5_000)
    second = get_row(desk.connection, "incidents", desk.open(district="minhang"))
    assert first is not None
    assert second is not None
    assert second["number"] == first["number"] + 1


def test_incidents_near_by_are_named_as_possible_duplicates(desk: Desk) -> None:
    first = desk.open(district="xuhui")
    row = get_row(desk.connection, "incidents", desk.open(district="xuhui"))
    assert row is not None
    assert str(first) in row["duplicates"]


# -- idempotency --------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_answer_once(desk: Desk) -> None:
    incident = desk.open()
    first = desk.do(AddNote(incident, "smoke"), key="k-1")
    again = desk.do(AddNote(incident, "smoke"), key="k-1")
    assert not first.replayed
    assert again.replayed
    assert again.facts == first.facts
    assert facts_of(desk.connection, incident).count("incident.noted") == 1


def test_the_same_key_with_another_body_or_actor_is_refused(desk: Desk) -> None:
    incident = desk.open()
    desk.do(AddNote(incident, "smoke"), key="k-2")
    with pytest.raises(KeyReused):
        desk.do(AddNote(incident, "no smoke"), key="k-2")
    with pytest.raises(KeyReused):
        Desk(desk.connection, desk.keyring, WANG).do(AddNote(incident, "smoke"), key="k-2")
    assert facts_of(desk.connection, incident).count("incident.noted") == 1


def test_a_refusal_is_not_remembered_and_changes_nothing(desk: Desk) -> None:
    incident = desk.open()
    order = desk.send(incident, unit := desk.unit())
    close = CloseIncident(incident, Disposition.HANDLED)
    before = count(desk.connection, "log.fact")
    with pytest.raises(Refused) as refused:
        desk.do(close, key="k-3")
    assert refused.value.reason is Reason.UNIT_ATTACHED
    assert count(desk.connection, "log.fact") == before
    desk.do(AcceptOrder(order))
    desk.do(ReportStatus(unit, UnitState.AT_SCENE))
    desk.do(ReportStatus(unit, UnitState.AVAILABLE))
    assert not desk.do(close, key="k-3").replayed


def test_many_senders_of_one_key_do_it_once(urls: Urls, keyring: Keyring, desk: Desk) -> None:
    incident = desk.open()

    def send(_: int) -> bool:
        with connect(urls.application) as connection:
            return Desk(connection, keyring).do(AddNote(incident, "once"), key="k-4").replayed

    with ThreadPoolExecutor(8) as threads:
        replayed = list(threads.map(send, range(24)))
    assert replayed.count(False) == 1
    assert facts_of(desk.connection, incident).count("incident.noted") == 1


def test_many_senders_of_one_key_open_one_incident(urls: Urls, keyring: Keyring) -> None:
    """Nothing exists yet that could be locked: the key alone must keep them apart."""

    def send(_: int) -> UUID:
        with connect(urls.application) as connection:
            return Desk(connection, keyring).open(district="once")

    def send_keyed(_: int) -> UUID:
        with connect(urls.application) as connection:
            return Desk(connection, keyring).open(key="k-5", district="once")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(send_keyed, range(16)))) == 1
        assert len(set(threads.map(send, range(4)))) == 4


@pytest.mark.parametrize("key", ["", "x" * 401, "a\0b", "a\nb"])
def test_a_key_must_be_printable(desk: Desk, key: str) -> None:
    with pytest.raises(KeyInvalid):
        handle(desk.connection, desk.keyring, TakeIncident(uuid4()), actor=LI, key=key, now=NOW)


# -- races --------------------------------------------------------------------------------------


def test_of_two_dispatchers_one_sends_the_unit_and_the_other_is_told_who_and_when(
    urls: Urls, keyring: Keyring, desk: Desk
) -> None:
    for _ in range(10):
        unit = desk.unit()
        incidents = [desk.open(), desk.open()]
        ready = threading.Barrier(2)

        def send(
            one: int,
            incidents: list[UUID] = incidents,
            unit: UUID = unit,
            ready: threading.Barrier = ready,
        ) -> Refused | None:
            with connect(urls.application) as connection:
                mine = Desk(connection, keyring, (LI, WANG)[one])
                mine.now = NOW + timedelta(seconds=one)
                ready.wait()
                try:
                    mine.do(SendUnits(incidents[one], (unit,)))
                except Refused as told:
                    return told
                return None

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(send, range(2)))
        lost = [one for one in (0, 1) if answers[one] is not None]
        assert len(lost) == 1, answers
        winner = 1 - lost[0]
        refused = answers[lost[0]]
        assert refused is not None
        assert refused.reason is Reason.UNIT_BUSY
        assert refused.details["by"] == (LI, WANG)[winner].name
        assert refused.details["at"] == NOW + timedelta(seconds=winner)


def test_commands_that_reach_for_the_same_subjects_never_deadlock(
    urls: Urls, keyring: Keyring, desk: Desk
) -> None:
    """Reports lock unit, order and incident; sends lock incident and units. Both in id order."""
    units = [desk.unit() for _ in range(6)]
    incidents = [desk.open() for _ in range(3)]
    failures: list[Exception] = []

    def work(seed: int) -> None:
        import random

        chance = random.Random(seed)
        with connect(urls.application) as connection:
            mine = Desk(connection, keyring)
            for _ in range(25):
                command: Command = chance.choice(
                    [
                        SendUnits(
                            chance.choice(incidents), tuple(chance.sample(units, 2)), None, True
                        ),
                        ReportStatus(chance.choice(units), UnitState.AT_SCENE),
                        ReportStatus(chance.choice(units), UnitState.AVAILABLE),
                    ]
                )
                try:
                    mine.do(command)
                except Refused:
                    continue
                except Exception as error:  # noqa: BLE001 - any other is what we look for
                    failures.append(error)

    before = deadlocks(desk.connection)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    assert failures == []
    assert deadlocks(desk.connection) == before
    for unit in units:
        active = desk.connection.execute(
            'SELECT count(*) FROM view."order" WHERE unit = %s AND active', (unit,)
        ).fetchone()
        assert active is not None
        assert active[0] <= 1


def deadlocks(connection: Connection) -> int:
    connection.rollback()
    row = connection.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    connection.rollback()
    assert row is not None
    return int(row[0])


def test_a_call_sign_belongs_to_one_unit(desk: Desk) -> None:
    desk.unit("E-unique")
    with pytest.raises(Refused) as refused:
        desk.unit("E-unique")
    assert refused.value.reason is Reason.CALL_SIGN_TAKEN


# -- when the connection breaks -----------------------------------------------------------------


def test_a_lost_connection_before_the_commit_changes_nothing(
    urls: Urls, keyring: Keyring, desk: Desk, administrator: Connection
) -> None:
    incident = desk.open()
    with connect(urls.application) as lost:
        administrator.execute("SELECT pg_terminate_backend(%s)", (lost.info.backend_pid,))
        with pytest.raises(DatabaseAway):
            Desk(lost, keyring).do(AddNote(incident, "x"), key="k-6")
    assert not desk.do(AddNote(incident, "x"), key="k-6").replayed


def test_a_connection_lost_in_the_commit_is_unknown_and_the_key_tells(
    urls: Urls, keyring: Keyring, desk: Desk, administrator: Connection
) -> None:
    """A deferred trigger makes the server end our connection inside the commit; first before it is
    durable, then (the trigger removed) the retry with the same key finds what is true."""
    incident = desk.open()
    administrator.execute(
        """
            CREATE FUNCTION public.end_me() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER end_me AFTER INSERT ON log.command
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.end_me()"""
    )
    try:
        with connect(urls.application) as lost, pytest.raises(OutcomeUnknown):
            Desk(lost, keyring).do(AddNote(incident, "x"), key="k-7")
    finally:
        administrator.execute("DROP FUNCTION public.end_me() CASCADE")
    assert not desk.do(AddNote(incident, "x"), key="k-7").replayed
    assert facts_of(desk.connection, incident).count("incident.noted") == 1


# -- what is stored -----------------------------------------------------------------------------


def test_personal_fields_are_sealed_and_nowhere_else(desk: Desk, administrator: Connection) -> None:
    secret = "Zhao Min 13800000000"
    incident = desk.open(caller_name=secret, caller_phone=secret, note=secret)
    desk.do(AddNote(incident, secret))
    order = desk.send(incident, desk.unit(), note=secret)
    desk.do(RefuseOrder(order, Refusal.VEHICLE_DEFECT, note=secret))
    tables = administrator.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname IN ('log', 'heard', 'view', 'ref', 'tracks')"
    ).fetchall()
    for (table,) in tables:
        for (row,) in administrator.execute(f"SELECT t::text FROM {table} t".encode()):
            assert secret not in row, table
            assert secret.encode().hex() not in row, table
    sealed = desk.connection.execute(
        "SELECT kind, subject, version, body, sealed FROM log.fact"
        " WHERE incident = %s AND sealed IS NOT NULL ORDER BY id",
        (incident,),
    ).fetchall()
    assert [row[0] for row in sealed] == [
        "incident.opened",
        "incident.noted",
        "order.given",
        "order.refused",
    ]
    for kind, subject, version, body, hidden in sealed:
        data = data_with_sealed(
            desk.keyring,
            body,
            hidden,
            incident=incident,
            binding=bound_to(subject, version, kind),
        )
        assert secret in data.values()


def test_a_destroyed_key_erases_the_content_and_leaves_the_fact(desk: Desk) -> None:
    incident = desk.open(note="smoke")
    body, sealed, salt = desk.connection.execute(
        "SELECT body, sealed, salt FROM log.fact WHERE subject = %s", (incident,)
    ).fetchall()[0]
    assert len(salt) == 32
    assert desk.keyring.destroy(incident)
    data = data_with_sealed(
        desk.keyring,
        body,
        sealed,
        incident=incident,
        binding=bound_to(incident, 1, "incident.opened"),
    )
    assert data["erased"] is True
    assert "note" not in data


def test_the_key_is_on_disk_before_the_fact_is_in_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = count(desk.connection, "log.fact")
    monkeypatch.setattr("tocsin.record.keys.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        desk.open(note="smoke")
    assert count(desk.connection, "log.fact") == before


def test_stored_bytes_are_canonical(desk: Desk) -> None:
    incident = desk.open()
    (body,) = desk.connection.execute(
        "SELECT body FROM log.fact WHERE subject = %s", (incident,)
    ).fetchall()[0]
    opened = decode("incident.opened", 1, body)
    assert isinstance(opened, IncidentOpened)
    assert parts(opened)[0] == body
    keys = [part.split(b":")[0] for part in body[1:].split(b',"')]
    assert b" " not in b"".join(keys)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_any_text_survives_canonical_bytes(text: str) -> None:
    fact = IncidentNoted(text)
    kind, version = kind_of(fact)
    body, sealed = parts(fact)
    assert body == b"{}"
    if text:
        assert sealed == canonical({"text": text})
        assert decode(kind, version, sealed) == fact
    else:
        assert sealed is None


def test_a_note_with_any_character_is_kept(desk: Desk) -> None:
    incident = desk.open()
    desk.do(AddNote(incident, "zero \x00 火 \U0001f525"))
    assert facts_of(desk.connection, incident)[-1] == "incident.noted"


def test_what_cannot_be_stored_is_said_and_nothing_is_left(desk: Desk) -> None:
    unit = uuid4()
    with pytest.raises(NotStorable):
        desk.do(
            RegisterUnit(
                *(unit, "E\0", "engine", (Capability.PUMP,), uuid4(), PLACE, "huangpu", "fire")
            )
        )
    assert facts_of(desk.connection, unit) == []


def test_a_value_of_a_wrong_type_never_reaches_the_log(desk: Desk) -> None:
    """It could not be read back: the incident would be blocked for good."""
    incident = desk.open()
    with pytest.raises(NotStorable):
        desk.do(ClassifyIncident(incident, "fish"))  # type: ignore[arg-type]
    with pytest.raises(NotStorable):
        desk.do(AddNote(incident, "\ud800"))
    desk.do(AddNote(incident, "still open for work"))
    assert facts_of(desk.connection, incident)[1:] == ["incident.noted"]


def test_sealed_fields_are_found_by_their_mark() -> None:
    assert sealed_fields(IncidentOpened) == {"caller_name", "caller_phone", "note"}


def test_times_are_utc_to_the_microsecond(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
    row = get_row(desk.connection, "incidents", desk.open())
    assert row is not None
    assert row["opened_at"] == "2026-11-21T12:00:00.123456Z"
