"""What runs by itself: signals are judged once, a poisonous one blocks nobody, deadlines speak
once, facts are reacted to once, and personal text is re-wrapped under the incident's key."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from judged_desk import account_of_a_site, accounts, judged, signal
from random_history import hear, site_row
from record_desk import NOW, Desk

from tocsin.core.commands import Command, JudgeSignal, MoveSignal
from tocsin.core.rules import decide
from tocsin.core.signals import SignalRead
from tocsin.core.states import Decided, States
from tocsin.core.terms import Context, Reason, Refused
from tocsin.record import figures, judging, together, working
from tocsin.record import handle as single
from tocsin.record.database import Urls, connect
from tocsin.record.heard_rows import Heard
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.record.sites import import_sites
from tocsin.record.turns import UNKNOWN_SHARE
from tocsin.record.views import get_row
from tocsin.record.working import FAILURES_MAX, react_after, sound_due


def test_signals_open_and_join_incidents(desk: Desk) -> None:
    account = account_of_a_site(desk)
    first, second = signal(desk, account), signal(desk, account)
    restore = signal(desk, account, "FR")
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 3
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 0
    verdict, incident = judged(desk, first)
    assert verdict == "opened"
    assert judged(desk, second) == ("joined", incident)
    assert judged(desk, restore) == ("joined", incident)
    assert incident is not None
    row = get_row(desk.connection, "incidents", UUID(incident))
    assert row is not None
    assert (row["signal_count"], row["alarm_count"], row["type"]) == (3, 2, "fire")
    assert row["place"]["address_en"] == "1 Mill Road"


def test_an_unknown_source_opens_one_card_in_the_watch_band(desk: Desk) -> None:
    both = [signal(desk, "DEAD"), signal(desk, "DEAD")]
    judge_pending(desk.connection, desk.keyring, desk.now)
    (opened, incident), joined = (judged(desk, one) for one in both)
    assert (opened, joined) == ("opened", ("joined", incident))
    assert incident is not None
    row = get_row(desk.connection, "incidents", UUID(incident))
    assert row is not None
    assert row["band"] == "watch"


def flood(desk: Desk, messages: int, device: UUID | None = None) -> None:
    """`messages` of as many unknown accounts from one address, or of one known device, sorted in
    already."""

    def one(number: int) -> Heard:
        account = f"{0xC0000 + number:X}"
        read = SignalRead(protocol="dc09", token="SIA-DCS", account=account, code="FA")
        return Heard(
            received_at=desk.now,
            intake="dc09.udp",
            protocol="dc09",
            source="198.51.100.66",
            body=b"frame",
            answer="ack",
            district="huangpu",
            agency="fire",
            device=device,
            signals=(read,),
        )

    hear(desk.connection, desk.keyring, *(one(number) for number in range(messages)))


def test_a_flood_from_one_address_delays_nobody_else(desk: Desk) -> None:
    flood(desk, 5_000)
    desk.later(1)
    other = signal(desk, "DEAF", source="198.51.100.7")
    desk.later(1)
    account = account_of_a_site(desk)
    # One device on two ways, as panels with a line and a radio report: its order still holds.
    fire = signal(desk, account)
    desk.later(1)
    restore = signal(desk, account, "FR", source="192.0.2.10")
    assert judge_pending(desk.connection, desk.keyring, desk.now, 20) == 20
    verdict, incident = judged(desk, fire)
    assert verdict == "opened"
    assert judged(desk, restore) == ("joined", incident)
    assert judged(desk, other)[0] == "opened"
    assert figures.lag(desk.connection)["signals_waiting"] == 5_003 - 20


def test_a_flood_from_one_known_device_delays_no_other(desk: Desk) -> None:
    stuck, other = account_of_a_site(desk), account_of_a_site(desk)
    device = desk.connection.execute("SELECT id FROM ref.device WHERE account = %s", (stuck,))
    flood(desk, 6_000, device.fetchone()[0])  # type: ignore[index]
    desk.later(1)
    fire = signal(desk, other)
    unknown = signal(desk, "DEED", source="198.51.100.9")
    assert (
        judge_pending(desk.connection, desk.keyring, desk.now, 10) == 9
    )  # a fifth is for the unknown
    assert judged(desk, fire)[0] == "opened"
    assert judged(desk, unknown)[0] == "opened"


def test_two_devices_of_one_site_open_one_incident_whoever_judges(desk: Desk, urls: Urls) -> None:
    first, second = (f"{next(accounts):X}" for _ in range(2))
    rows = [site_row(first) | {"account": account} for account in (first, second)]
    assert import_sites(desk.connection, desk.keyring, rows, agency="fire").rows_ok == 2
    one = signal(desk, first)
    reached, go_on = threading.Event(), threading.Event()
    handle = judging.handle

    def pause(*arguments: object, **named: object) -> object:
        reached.set()  # what is open at the site has been read, nothing is written yet
        assert go_on.wait(10)
        return handle(*arguments, **named)  # type: ignore[arg-type]

    def judge(_: int) -> int:
        with connect(urls.application) as connection:
            return judge_pending(connection, desk.keyring, desk.now, 1)

    with ThreadPoolExecutor(2) as threads, pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "handle", pause)
        slow = threads.submit(judge, 1)
        assert reached.wait(10)
        two = signal(desk, second)
        assert threads.submit(judge, 2).result(10) == 0
        go_on.set()
        assert slow.result(10) == 1
    while judge_pending(desk.connection, desk.keyring, desk.now):
        pass
    assert judged(desk, one)[0] == "opened"
    assert judged(desk, two) == ("joined", judged(desk, one)[1])


@pytest.mark.parametrize("limit", [1, 4, 200])
def test_the_signals_of_one_device_are_judged_in_the_order_heard(desk: Desk, limit: int) -> None:
    accounts = [account_of_a_site(desk) for _ in range(2)]
    busy = [signal(desk, accounts[0]) for _ in range(6)]
    quiet = [signal(desk, accounts[1]) for _ in range(2)]
    unknown = [signal(desk, "FADE", source="198.51.100.8") for _ in range(3)]
    while judge_pending(desk.connection, desk.keyring, desk.now, limit):
        pass
    rows = desk.connection.execute(
        "SELECT subject FROM log.fact WHERE kind = 'signal.judged' AND subject = ANY(%s)"
        " ORDER BY id",
        ([*busy, *quiet, *unknown],),
    ).fetchall()
    order = [subject for (subject,) in rows]
    assert [one for one in order if one in busy] == busy
    assert [one for one in order if one in quiet] == quiet
    assert [one for one in order if one in unknown] == unknown
    if limit > 1:
        assert set(order[: limit if limit < 11 else 8]) >= {busy[0], quiet[0], quiet[1]}
    assert not {*order[: UNKNOWN_SHARE - 1]} & {*unknown}


def test_two_workers_judge_each_signal_once(desk: Desk, urls: Urls) -> None:
    account = account_of_a_site(desk)
    signals = [signal(desk, account) for _ in range(20)]

    def work(_: int) -> None:
        with connect(urls.application) as connection:
            while judge_pending(connection, desk.keyring, desk.now, 5):
                pass

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    verdicts = [judged(desk, one) for one in signals]
    assert [verdict for verdict, _ in verdicts].count("opened") == 1
    assert len({incident for _, incident in verdicts}) == 1


def test_a_poisonous_signal_is_set_aside_and_blocks_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_of_a_site(desk)
    poison, good = signal(desk, account), signal(desk, account)

    def choke(states: States, command: Command, context: Context) -> list[Decided]:
        if isinstance(command, JudgeSignal) and command.signal == poison:
            raise ZeroDivisionError("poison \0")
        return decide(states, command, context)

    for module in (single, together):
        monkeypatch.setattr(module, "decide", choke)
    before = figures.lag(desk.connection)["quarantined"]
    judge_pending(desk.connection, desk.keyring, desk.now)
    assert judged(desk, good)[0] == "opened"
    for failures in range(1, FAILURES_MAX):
        assert figures.lag(desk.connection)["signals_waiting"] == 1
        assert judge_pending(desk.connection, desk.keyring, desk.now) == 0  # it rests
        desk.later(2 * failures)
        judge_pending(desk.connection, desk.keyring, desk.now)
    now = figures.lag(desk.connection)
    assert (now["signals_waiting"], now["quarantined"]) == (0, before + 1)
    row = desk.connection.execute(
        "SELECT failures, error FROM heard.quarantined WHERE signal = %s", (poison,)
    ).fetchone()
    assert row == (FAILURES_MAX, "ZeroDivisionError: poison ")


def test_what_was_heard_lives_and_dies_with_its_incident(desk: Desk) -> None:
    account = account_of_a_site(desk)
    one = signal(desk, account, text="Mrs. Liu, kitchen")
    judge_pending(desk.connection, desk.keyring, desk.now)
    incident = judged(desk, one)[1]
    assert incident is not None
    # The key of the day goes; what joined an incident can still be read.
    day = desk.keyring.directory / "heard" / f"{NOW:%Y%m%d}.key"
    content = day.read_bytes()
    day.unlink()
    fresh = Keyring(desk.keyring.directory)
    row = get_row(desk.connection, "signals", one, keyring=fresh, raw=True)
    assert row is not None
    assert row["text"] == "Mrs. Liu, kitchen"
    assert row["raw"]
    assert fresh.destroy(UUID(incident))
    row = get_row(desk.connection, "signals", one, keyring=fresh, raw=True)
    assert row is not None
    assert (row["text"], row["raw"]) == ("", None)
    day.write_bytes(content)


def test_a_moved_signal_is_rewrapped_for_where_it_belongs_now(desk: Desk) -> None:
    one = signal(desk, account_of_a_site(desk), text="x")
    judge_pending(desk.connection, desk.keyring, desk.now)
    incident = judged(desk, one)[1]
    assert incident is not None
    other = desk.open()
    desk.do(MoveSignal(one, UUID(incident), other))
    wraps = desk.connection.execute(
        "SELECT incident FROM heard.rewrapped WHERE message = %s", (one,)
    ).fetchall()
    assert {wrap for (wrap,) in wraps} == {UUID(incident), other}
    assert judged(desk, one) == ("joined", str(other))


def test_a_lost_key_of_the_day_does_not_stop_an_alarm(desk: Desk) -> None:
    one = signal(desk, account_of_a_site(desk))
    (desk.keyring.directory / "heard" / f"{NOW:%Y%m%d}.key").unlink()
    assert judge_pending(desk.connection, Keyring(desk.keyring.directory), desk.now) == 1
    assert judged(desk, one)[0] == "opened"


def test_a_deadline_speaks_once(desk: Desk) -> None:
    incident = desk.open()
    assert sound_due(desk.connection, desk.keyring, desk.now) == 0
    desk.later(61)
    assert sound_due(desk.connection, desk.keyring, desk.now) == 1
    row = get_row(desk.connection, "incidents", incident)
    assert row is not None
    assert row["overdue"] == "take"
    assert sound_due(desk.connection, desk.keyring, desk.later(3_600)) == 0


def test_several_clocks_sound_each_deadline_once(desk: Desk, urls: Urls) -> None:
    incidents = [desk.open() for _ in range(12)]
    desk.later(61)

    def sound(_: int) -> int:
        with connect(urls.application) as connection:
            return sum(sound_due(connection, desk.keyring, desk.now, 3) for _ in range(6))

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(sound, range(3))) == 12
    rows = desk.connection.execute(
        "SELECT count(*) FROM log.fact WHERE kind = 'incident.overdue' AND subject = ANY(%s)",
        (incidents,),
    ).fetchone()
    assert rows == (12,)


def test_a_clock_that_died_after_claiming_leaves_the_deadline_to_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open()
    desk.later(61)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(working, "handle", die)
        with pytest.raises(KeyboardInterrupt):
            sound_due(desk.connection, desk.keyring, desk.now)
    assert sound_due(desk.connection, desk.keyring, desk.now) == 0
    assert sound_due(desk.connection, desk.keyring, desk.now + timedelta(seconds=10)) == 1


def test_an_order_is_handed_to_its_channel_once(desk: Desk) -> None:
    order = desk.send(desk.open(), desk.unit())
    while assign(desk.connection):
        pass
    while react_after(desk.connection, desk.keyring, desk.now):
        pass
    row = get_row(desk.connection, "orders", order)
    assert row is not None
    assert row["state"] == "sent"
    assert [one["channel"] for one in row["channels"]] == ["app"]
    version = row["version"]
    # The cursor is lost: everything is read again, and nothing is done again.
    desk.connection.execute("DELETE FROM log.cursor")
    desk.connection.commit()
    while react_after(desk.connection, desk.keyring, desk.now):
        pass
    row = get_row(desk.connection, "orders", order)
    assert row is not None
    assert row["version"] == version


def react_to_all(desk: Desk) -> None:
    while assign(desk.connection):
        pass
    while react_after(desk.connection, desk.keyring, desk.now):
        pass


@pytest.mark.parametrize("lost_race", [False, True])
def test_a_reaction_that_failed_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, lost_race: bool
) -> None:
    react_to_all(desk)
    broken, whole = (desk.send(desk.open(), desk.unit()) for _ in range(2))
    handle = working.handle

    def choke(*arguments: object, **named: object) -> object:
        if getattr(arguments[2], "order", None) == broken:
            raise Refused(Reason.LOST_RACE) if lost_race else ZeroDivisionError
        return handle(*arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as failing:
        failing.setattr(working, "handle", choke)
        react_to_all(desk)
    assert state_of(desk, whole) == "sent"
    assert state_of(desk, broken) == "given"
    desk.later(1)
    react_to_all(desk)
    assert state_of(desk, broken) == "sent"
    assert desk.connection.execute("SELECT count(*) FROM log.reaction_waiting").fetchone() == (0,)
    desk.connection.rollback()


def test_a_reaction_that_always_fails_is_set_aside_and_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    react_to_all(desk)
    before = figures.lag(desk.connection)["quarantined"]
    desk.send(desk.open(), desk.unit())

    def choke(*_: object, **__: object) -> object:
        raise ZeroDivisionError("broken \0")

    monkeypatch.setattr(working, "handle", choke)
    react_to_all(desk)
    for _ in range(FAILURES_MAX - 1):
        assert figures.lag(desk.connection)["quarantined"] == before
        desk.connection.rollback()
        desk.later(FAILURES_MAX)
        react_after(desk.connection, desk.keyring, desk.now)
    assert figures.lag(desk.connection)["quarantined"] == before + 1
    desk.later(3_600)
    react_after(desk.connection, desk.keyring, desk.now)
    rows = desk.connection.execute("SELECT failures, error FROM log.reaction_waiting").fetchall()
    assert rows == [(FAILURES_MAX, "ZeroDivisionError: broken ")]
    desk.connection.execute("DELETE FROM log.reaction_waiting")
    desk.connection.commit()


def state_of(desk: Desk, order: UUID) -> str:
    row = get_row(desk.connection, "orders", order)
    desk.connection.rollback()
    assert row is not None
    return str(row["state"])
