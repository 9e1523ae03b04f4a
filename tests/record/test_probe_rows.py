"""Test alarms on the real record: known again only where they are expected, judged without a trace,
and the place where each stopped is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from arriving import Arrivals, message

from tocsin.core.commands import OpenIncident
from tocsin.core.probing import Act, Stage, Standing, account_of, after, missed_stage
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Actor, Datum, IncidentType, Level, Place, Reason, Refused, Role
from tocsin.record import probing
from tocsin.record.database import Connection
from tocsin.record.devices import DeviceBook
from tocsin.record.handle import handle
from tocsin.record.heard_rows import Heard
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.probe_secret import secret, shown_by
from tocsin.record.probing import Expected, Socket, Under

NOW = datetime.now(UTC)
NONCE = "0123456789ab"
ACCOUNT = account_of("dc09", NONCE)
HERE = "127.0.0.1"
ANN = Actor("ann", "Ann Reed", Role.CALL_TAKER, "fire")


@pytest.fixture
def arrivals(connection: Connection, keyring: Keyring) -> Arrivals:
    for table in ("ref.probe", "ref.probe_expected", "ref.listening"):
        connection.execute(f"DELETE FROM {table}".encode())
    return Arrivals(connection, keyring)


def alarm(**fields: object) -> Heard:
    """A fire alarm under the probe's account: should it not be known again, it alarms."""
    read = SignalRead("dc09", "SIA-DCS", str(fields.pop("account", ACCOUNT)), code="FA")
    return message(**({"source": HERE, "signals": (read,), "received_at": NOW} | fields))


def expect(connection: Connection, account: str = ACCOUNT, intake: str = "dc09.tcp") -> None:
    probing.begin(connection, [Expected(intake, account, HERE)], {}, NOW)
    probing.sent(connection, account, reached_at=NOW, acknowledged_at=NOW)


def under(connection: Connection) -> Under:
    [found] = probing.unsettled(connection)
    return found


def facts(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM log.fact").fetchone()
    connection.rollback()
    assert row is not None
    return int(row[0])


def judged(arrivals: Arrivals) -> int:
    """Everything waiting is judged; how many facts that made."""
    before = facts(arrivals.connection)
    judge_pending(arrivals.connection, arrivals.keyring, NOW)
    return facts(arrivals.connection) - before


def test_a_test_alarm_is_judged_and_leaves_no_fact(arrivals: Arrivals) -> None:
    connection = arrivals.connection
    expect(connection)
    arrivals.commit(alarm())
    assert missed_stage(under(connection).probe) is Stage.NOT_JUDGED  # it waits for `work`
    [stored] = arrivals.sort()
    row = connection.execute(
        "SELECT problem, device FROM heard.message WHERE id = %s", (stored.id,)
    ).fetchone()
    assert row == ("synthetic", None)
    assert missed_stage(under(connection).probe) is Stage.NOT_JUDGED
    assert judged(arrivals) == 0
    assert under(connection).probe.has_arrived
    left = connection.execute(
        "SELECT (SELECT count(*) FROM heard.pending),"
        " (SELECT count(*) FROM view.signal WHERE id = %s),"
        " (SELECT count(*) FROM log.head WHERE subject = %s)",
        (stored.id, stored.id),
    ).fetchone()
    assert left == (0, 0, 0)


def test_what_was_acknowledged_and_is_nowhere_is_told_apart(arrivals: Arrivals) -> None:
    expect(arrivals.connection)
    assert missed_stage(under(arrivals.connection).probe) is Stage.NOT_ON_RECORD


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "192.0.2.7"},  # from elsewhere
        {"protocol": "mqtt"},  # through another way in
        {"account": account_of("dc09", "ffffffffffff")},  # of the form, and not expected
        {"device": uuid4(), "site": uuid4()},  # a registered device's, whatever it calls itself
    ],
)
def test_what_is_not_expected_is_nobodys_test(
    arrivals: Arrivals, fields: dict[str, object]
) -> None:
    expect(arrivals.connection)
    arrivals.commit(alarm(**fields))
    [stored] = arrivals.sort()
    row = arrivals.connection.execute(
        "SELECT problem FROM heard.message WHERE id = %s", (stored.id,)
    ).fetchone()
    arrivals.connection.rollback()
    assert row == (None,)
    assert judged(arrivals) > 0


def test_each_is_expected_once(arrivals: Arrivals) -> None:
    expect(arrivals.connection)
    arrivals.commit(alarm(), alarm())
    arrivals.sort()
    arrivals.commit(alarm(body=b"the same account again"))
    [stored] = arrivals.sort()
    row = arrivals.connection.execute(
        "SELECT problem FROM heard.message WHERE id = %s", (stored.id,)
    ).fetchone()
    assert row == (None,)


def test_one_that_waited_for_work_longer_than_a_round_is_known_all_the_same(
    arrivals: Arrivals,
) -> None:
    expect(arrivals.connection)
    arrivals.commit(alarm())
    expect(arrivals.connection, account_of("dc09", "aaaaaaaaaaaa"))
    arrivals.sort()
    assert judged(arrivals) == 0
    assert not under(arrivals.connection).probe.has_arrived  # the younger one is on its way still


# -- the standing of a way in ---------------------------------------------------------------------


def test_the_standing_is_kept_between_rounds(arrivals: Arrivals) -> None:
    connection = arrivals.connection
    standing = Standing()
    for _ in range(2):
        expect(connection)
        now = under(connection)
        assert now.standing == standing
        standing, act = after(now.standing, now.probe)
        probing.settle(connection, now, standing, NOW, has_arrived=False)
        assert not probing.unsettled(connection)
        connection.execute("DELETE FROM ref.probe_expected")
    assert act is Act.OPEN
    # An incident that does not exist, or is closed, tells of nothing.
    expect(connection)
    probing.settle(
        connection, under(connection), replace(standing, incident=uuid4()), NOW, has_arrived=False
    )
    connection.execute("DELETE FROM ref.probe_expected")
    expect(connection)
    assert under(connection).standing.incident is None
    assert probing.newest(connection) == NOW


def test_a_way_in_that_is_switched_off_is_forgotten_and_one_left_out_says_why(
    arrivals: Arrivals,
) -> None:
    connection = arrivals.connection
    expect(connection)
    probing.begin(connection, [], {"mqtt.tls": "asks for a certificate"}, NOW)
    [state] = probing.states(connection)
    assert (state["intake"], state["skipped"]) == ("mqtt.tls", "asks for a certificate")
    assert not probing.unsettled(connection)


def test_sockets_are_those_of_the_last_start(arrivals: Arrivals) -> None:
    connection = arrivals.connection
    old, new = Socket("dc09", "tcp", HERE, 1), Socket("dc09", "tcp", HERE, 2)
    web = Socket("web", "http", HERE, 3)
    probing.keep_listening(connection, "a", "edge", [old], NOW)
    probing.keep_listening(connection, "a", "web", [web], NOW)
    probing.keep_listening(connection, "b", "edge", [old], NOW)
    probing.keep_listening(connection, "a", "edge", [new], NOW)
    assert probing.listening(connection, "a") == [new, web]
    assert probing.listening(connection, "b") == [old]


# -- test calls -----------------------------------------------------------------------------------

CALL = OpenIncident(
    IncidentType.FIRE,
    Level.P1,
    "huangpu",
    "fire",
    Place(31.2, 121.4, Datum.WGS_84),
    caller_name="Ann Reed",
    note="a rehearsal",
)


def everything(connection: Connection) -> object:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM log.fact), (SELECT count(*) FROM log.head),"
        " (SELECT count(*) FROM log.command), (SELECT count(*) FROM log.due),"
        " (SELECT sum(last) FROM log.number), (SELECT count(*) FROM view.incident),"
        " (SELECT count(*) FROM log.pending)"
    ).fetchone()
    connection.rollback()
    return row


def test_a_rehearsal_leaves_nothing(connection: Connection, keyring: Keyring) -> None:
    """Also no key, and no number: the next call has the one that it would have had."""
    before, keys = everything(connection), key_files(keyring)
    key = f"rehearsal:{uuid4()}"
    outcome = handle(connection, keyring, CALL, actor=ANN, key=key, now=NOW, is_rehearsal=True)
    assert [fact.kind for fact in outcome.facts] == ["incident.opened"]
    assert everything(connection) == before
    assert key_files(keyring) == keys
    done = handle(connection, keyring, CALL, actor=ANN, key=key, now=NOW)
    assert not done.replayed
    assert everything(connection) != before
    assert len(key_files(keyring)) == len(keys) + 1


def test_a_rehearsal_is_refused_as_the_call_would_be(
    connection: Connection, keyring: Keyring
) -> None:
    wrong = replace(CALL, note="x" * 100_000)
    with pytest.raises(Refused) as refused:
        handle(connection, keyring, wrong, actor=ANN, key="r", now=NOW, is_rehearsal=True)
    assert refused.value.reason is Reason.TEXT_TOO_LONG


def key_files(keyring: Keyring) -> set[Path]:
    return set((keyring.directory / "incidents").glob("*/*.key"))


def test_a_call_is_expected_until_it_came(arrivals: Arrivals) -> None:
    connection = arrivals.connection
    account = account_of("call", NONCE)
    assert not probing.is_expected(connection, account, NOW)
    expect(connection, account, "call")
    assert probing.is_expected(connection, account, NOW)
    assert not probing.is_expected(connection, account, NOW + timedelta(days=8))
    probing.arrived(connection, account, NOW)
    assert not probing.is_expected(connection, account, NOW)
    assert under(connection).probe.has_arrived


# -- secrets --------------------------------------------------------------------------------------


def test_only_the_right_secret_of_the_right_way_in_opens(keyring: Keyring, tmp_path: Path) -> None:
    account = account_of("call", NONCE)
    right = secret(keyring, "call", account)
    assert shown_by(keyring, "call", f"{account}.{right}") == account
    assert shown_by(keyring, "report", f"{account}.{right}") is None
    assert shown_by(keyring, "call", f"{account}.{'0' * 64}") is None
    assert shown_by(keyring, "call", f"{account}.") is None
    assert shown_by(keyring, "call", "") is None
    assert shown_by(keyring, "call", f"ann.{secret(keyring, 'call', 'ann')}") is None
    assert shown_by(Keyring(tmp_path), "call", f"{account}.{right}") is None


def test_the_probe_is_no_device(keyring: Keyring) -> None:
    book = DeviceBook()
    book._keyring = keyring
    account = account_of("mqtt", NONCE)
    found = book.find("mqtt", account)
    assert found is not None
    assert found.is_probe
    assert found.key == secret(keyring, "mqtt", account).encode()
    assert book.find("mqtt", "panel-1") is None
    assert book.find("dc09", account_of("dc09", NONCE)) is None
    assert book.find("mail", account) is None
    short = book.find("sos_access", account)
    assert short is not None
    assert short.key is not None
    assert len(short.key) == 15
