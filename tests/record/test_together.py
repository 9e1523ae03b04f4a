"""Many signals judged in one transaction are judged as one by one; none costs another anything."""

from uuid import UUID

import pytest
from judged_desk import account_of_a_site, accounts, judged, signal
from record_desk import Desk

from tocsin.record import together
from tocsin.record.judging import judge_pending
from tocsin.record.views import get_row

CODES = ("BA", "FA", "BR", "AT", "ZZ", "RP", "FA", "BC", "PA", "YT", "BA", "FR")


@pytest.mark.parametrize("limit", [7, 200])
def test_many_judged_together_are_judged_as_one_by_one(desk: Desk, limit: int) -> None:
    """Sites, and sources that nobody knows: each signal has the same verdict, each incident the
    same row, whether its signals were judged in transactions of their own or in common ones."""
    outcomes = []
    for at_once in (1, limit):
        sites = [account_of_a_site(desk) for _ in range(5)]
        strangers = [f"{next(accounts):X}" for _ in range(9)]
        source = f"2001:db8::{next(accounts):x}"
        heard = []
        for turn, code in enumerate(CODES):
            for place, account in enumerate((*sites, *strangers)):
                said = CODES[(turn * 5 + place) % len(CODES)] if place % 2 else code
                heard.append(signal(desk, account, said, source=source))
        while judge_pending(desk.connection, desk.keyring, desk.now, at_once):
            pass
        outcomes.append([outcome(desk, one, heard) for one in heard])
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


def test_one_that_fails_leaves_the_others_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is found out singly; nothing of the common transaction remains."""
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
