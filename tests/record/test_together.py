"""Many signals judged in one transaction are judged as one by one; none costs another anything."""

import errno
import secrets
import string
from uuid import UUID

import pytest
from judged_desk import account_of_a_site, accounts, judged, signal
from record_desk import Desk

from tocsin.core.commands import CloseIncident, Command, JudgeSignal
from tocsin.core.states import Decided, States
from tocsin.core.terms import Context, Disposition
from tocsin.record import handle as single
from tocsin.record import judging, together
from tocsin.record.judging import judge_pending, try_once_more
from tocsin.record.views import get_row
from tocsin.record.working import FAILURES_MAX

CODES = ("BA", "FA", "BR", "AT", "ZZ", "RP", "FA", "BC", "PA", "YT", "BA", "FR")


@pytest.mark.parametrize("limit", [7, 200])
def test_many_judged_together_are_judged_as_one_by_one(desk: Desk, limit: int) -> None:
    """Sites, and sources that nobody knows: each signal has the same verdict, each incident the
    same row, whether its signals were judged in transactions of their own or in common ones."""
    outcomes = []
    for at_once in (1, limit):
        sites = [account_of_a_site(desk) for _ in range(5)]
        strangers = [f"{next(accounts):X}" for _ in range(9)]
        source = f"2001:db8:{next(accounts):x}::1"
        heard = []
        for turn, code in enumerate(CODES):
            for place, account in enumerate((*sites, *strangers)):
                said = CODES[(turn * 5 + place) % len(CODES)] if place % 2 else code
                heard.append(signal(desk, account, said, source=source))
        while judge_pending(desk.connection, desk.keyring, desk.now, at_once):
            pass
        outcomes.append([outcome(desk, one, heard) for one in heard])
        for one in {judged(desk, of)[1] for of in heard} - {None}:
            desk.do(CloseIncident(UUID(one), Disposition.HANDLED))  # else they are a crowd
    assert outcomes[0] == outcomes[1]
    verdicts = {(one["verdict"], one["reason"]) for one in outcomes[0]}
    assert len(verdicts) > 5
    assert desk.connection.execute("SELECT count(*) FROM heard.quarantined").fetchone() == (0,)


def outcome(desk: Desk, one: UUID, heard: list[UUID]) -> dict[str, object]:
    """What became of a signal, with ids said as places in `heard`, and no names of this run."""
    row = get_row(desk.connection, "signals", one)
    assert row is not None
    found = {name: row[name] for name in ("verdict", "reason", "effect", "version")}
    if row["incident"] is not None:
        incident = get_row(desk.connection, "incidents", UUID(row["incident"]))
        assert incident is not None
        names = ("state", "type", "level", "band", "signal_count", "alarm_count", "version")
        found |= {name: incident[name] for name in names}
        found["signals"] = [heard.index(UUID(signal)) for signal in incident["signals"]]
    return found


def test_one_that_cannot_be_decided_leaves_the_others_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = [signal(desk, account_of_a_site(desk)) for _ in range(6)]
    decide, handle, singly = together.decide, judging.handle, []

    def choke(states: States, command: Command, context: Context) -> list[Decided]:
        if isinstance(command, JudgeSignal) and command.signal == signals[2]:
            raise ZeroDivisionError
        return decide(states, command, context)

    def note(*arguments: object, **named: object) -> object:
        singly.append(arguments[2].signal)  # type: ignore[attr-defined]
        return handle(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(together, "decide", choke)
    monkeypatch.setattr(together, "HOLD_S", 60.0)  # they are one batch, however slow the machine
    monkeypatch.setattr(judging, "handle", note)
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 6
    assert singly == [signals[2]]
    assert [judged(desk, one)[0] for one in signals] == ["opened"] * 6


def test_what_is_too_large_for_the_database_stops_nobody(desk: Desk) -> None:
    """An account of so many characters fits into no index: that one signal is set aside."""
    huge = "".join(secrets.choice(string.ascii_letters) for _ in range(20_000))
    poison, good = signal(desk, huge), signal(desk, account_of_a_site(desk))
    for _ in range(FAILURES_MAX):
        judge_pending(desk.connection, desk.keyring, desk.now)
        desk.later(20)
    assert judged(desk, good)[0] == "opened"
    row = desk.connection.execute(
        "SELECT error FROM heard.quarantined WHERE signal = %s", (poison,)
    ).fetchone()
    assert row is not None
    assert row[0].startswith("NotStorable")
    desk.connection.execute("DELETE FROM heard.quarantined")
    desk.connection.commit()


def test_keys_that_cannot_be_written_cost_no_signal_its_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = signal(desk, account_of_a_site(desk))

    def full(*_: object, **__: object) -> object:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as failing:
        failing.setattr(judging, "handle", full)
        for _ in range(2 * FAILURES_MAX):
            with pytest.raises(OSError, match="no space"):
                judge_pending(desk.connection, desk.keyring, desk.now)
            desk.connection.rollback()
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 1
    assert judged(desk, one)[0] == "opened"


def test_what_was_set_aside_is_tried_once_more_each_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = signal(desk, account_of_a_site(desk))

    def choke(*_: object) -> list[Decided]:
        raise ZeroDivisionError

    with monkeypatch.context() as failing:
        failing.setattr(single, "decide", choke)
        for _ in range(FAILURES_MAX):
            judge_pending(desk.connection, desk.keyring, desk.now)
            desk.later(20)
        assert try_once_more(desk.connection, desk.now) == 0
        desk.later(3_600)
        assert try_once_more(desk.connection, desk.now) == 1
        judge_pending(desk.connection, desk.keyring, desk.now)
        assert try_once_more(desk.connection, desk.now) == 0  # set aside again
    desk.later(3_601)
    assert try_once_more(desk.connection, desk.now) == 1
    assert judge_pending(desk.connection, desk.keyring, desk.now) == 1
    assert judged(desk, one)[0] == "opened"


def test_one_that_fails_when_it_is_written_is_found_out_singly(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the common transaction remains."""
    signals = [signal(desk, account_of_a_site(desk)) for _ in range(6)]
    append = together.append

    def full(*arguments: object, **named: object) -> object:
        append(*arguments, **named)  # type: ignore[arg-type]
        raise ZeroDivisionError

    with monkeypatch.context() as failing:
        failing.setattr(together, "append", full)
        assert judge_pending(desk.connection, desk.keyring, desk.now) == 6
    assert [judged(desk, one)[0] for one in signals] == ["opened"] * 6
    facts = desk.connection.execute(
        "SELECT count(*) FROM log.fact WHERE subject = ANY(%s)", (signals,)
    ).fetchone()
    assert facts == (6,)
