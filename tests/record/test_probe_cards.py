"""What the probe opens: one incident for what fails behind all ways in, one for each that fails by
itself, and another one if it was closed while it still fails."""

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from record_desk import Desk

from tocsin.core.commands import CloseIncident, HoldIncident, TakeIncident
from tocsin.core.probing import account_of
from tocsin.core.terms import Disposition
from tocsin.record import probing
from tocsin.record.probing import Expected
from tocsin.site.configuration import load
from tocsin.site.probe import Prober

NOW = datetime.now(UTC)
WAYS_IN = ("dc09.tcp", "dc09.udp", "mail.tcp", "call")
REACHED, ACKNOWLEDGED, JUDGED = range(3)
"""The last step that a test alarm came to; -1: none."""


_ROUNDS = itertools.count(0, 100)  # the tests share a record, and no round comes twice


class Rounds:
    """The probe's rounds, a minute apart."""

    def __init__(self, desk: Desk, tmp_path: Path) -> None:
        self.desk, self.connection = desk, desk.connection
        for table in ("ref.probe", "ref.probe_expected"):
            self.connection.execute(f"DELETE FROM {table}".encode())
        self.connection.commit()
        file = tmp_path / "tocsin.toml"
        file.write_text("")
        self.prober = Prober(desk.keyring, load(file))
        self.number = next(_ROUNDS)
        self.before = set(self._all())

    def round(self, came: Mapping[str, int]) -> None:
        self.number += 1
        at = NOW + timedelta(minutes=self.number)
        accounts = {
            one: account_of("dc09", f"{self.number:06x}{i:06x}") for i, one in enumerate(came)
        }
        self.connection.execute("DELETE FROM ref.probe_expected")
        expected = [Expected(one, account, "") for one, account in accounts.items()]
        probing.begin(self.connection, expected, {"mqtt.tcp": "left out"}, at)
        for one, step in came.items():
            acknowledged = at if step >= ACKNOWLEDGED else None
            reached = at if step >= REACHED else None
            probing.sent(
                self.connection, accounts[one], reached_at=reached, acknowledged_at=acknowledged
            )
            if step >= JUDGED:
                probing.arrived(self.connection, accounts[one], at)
        self.prober._settle(self.connection, at + timedelta(seconds=58))

    def cards(self) -> list[str]:
        """Titles of the incidents that these rounds opened."""
        found = self._all()
        return [found[one] for one in sorted(set(found) - self.before)]

    def close(self) -> None:
        """Every card of these rounds."""
        for one in set(self._all()) - self.before:
            self.desk.do(CloseIncident(one, Disposition.HANDLED))
        self.before = set(self._all())

    def ids(self) -> list[UUID]:
        """Of these cards, in the order they were opened."""
        return sorted(set(self._all()) - self.before)

    def due(self, incident: UUID) -> datetime | None:
        row = self.connection.execute(
            "SELECT due_at FROM log.due WHERE subject = %s", (incident,)
        ).fetchone()
        self.connection.rollback()
        return None if row is None else row[0]

    def hold(self, incident: UUID) -> None:
        """For three days, as somebody does who waits for a part."""
        self.desk.now = NOW + timedelta(minutes=self.number)
        self.desk.do(TakeIncident(incident))
        self.desk.do(HoldIncident(incident, self.desk.now + timedelta(days=3), "a part"))

    def notes(self) -> int:
        row = self.connection.execute(
            "SELECT count(*) FROM log.fact WHERE kind = 'incident.noted'"
        ).fetchone()
        self.connection.rollback()
        assert row is not None
        return int(row[0])

    def _all(self) -> dict[UUID, str]:
        found = self.connection.execute("SELECT id, row FROM view.incident").fetchall()
        self.connection.rollback()
        return {one: json.loads(row)["title_en"] for one, row in found}


@pytest.fixture
def rounds(desk: Desk, tmp_path: Path) -> Rounds:
    return Rounds(desk, tmp_path)


def all_came(step: int) -> dict[str, int]:
    """The test alarms of devices to this step; calls are no affair of `work`."""
    return dict.fromkeys(WAYS_IN, step) | {"call": JUDGED}


ONE_CARD = ["All intakes: two test alarms not recorded (acknowledged, not on record)"]


def test_what_fails_behind_all_ways_in_is_one_card(rounds: Rounds) -> None:
    rounds.round(all_came(ACKNOWLEDGED))
    assert rounds.cards() == []
    rounds.round(all_came(ACKNOWLEDGED))
    assert rounds.cards() == ONE_CARD
    before = rounds.notes()
    rounds.round(all_came(ACKNOWLEDGED))
    assert (rounds.cards(), rounds.notes()) == (ONE_CARD, before)
    rounds.round(all_came(JUDGED))
    assert (rounds.cards(), rounds.notes()) == (ONE_CARD, before + 1)  # one note for all


def test_it_is_one_card_though_some_missed_it_a_round_later(rounds: Rounds) -> None:
    rounds.round(all_came(ACKNOWLEDGED) | {"mail.tcp": JUDGED})
    for _ in range(3):
        rounds.round(all_came(ACKNOWLEDGED))
        assert rounds.cards() == ONE_CARD


def test_who_closes_it_while_it_still_fails_has_another(rounds: Rounds) -> None:
    for _ in range(2):
        rounds.round(all_came(ACKNOWLEDGED))
    rounds.close()
    rounds.round(all_came(ACKNOWLEDGED))
    assert rounds.cards() == ONE_CARD


def test_each_that_fails_by_itself_has_its_own_and_another_when_that_is_closed(
    rounds: Rounds,
) -> None:
    came = all_came(REACHED) | {"mail.tcp": JUDGED, "call": REACHED}
    titles = sorted(
        f"Intake {one}: two {what} not recorded (not acknowledged)"
        for one, what in (
            ("dc09.tcp", "test alarms"),
            ("dc09.udp", "test alarms"),
            ("call", "test calls"),
        )
    )
    for _ in range(2):
        rounds.round(came)
    assert sorted(rounds.cards()) == titles
    rounds.close()
    rounds.round(came)
    assert sorted(rounds.cards()) == titles


NOT_REACHED = {"dc09.tcp": -1, "dc09.udp": JUDGED, "mail.tcp": JUDGED, "call": JUDGED}
UNREACHABLE = "Intake dc09.tcp: two test alarms not recorded (not reachable)"


def test_one_that_fails_again_after_it_was_restored_speaks_again_past_a_hold(
    rounds: Rounds,
) -> None:
    for _ in range(2):
        rounds.round(NOT_REACHED)
    [first] = rounds.ids()
    rounds.round(all_came(JUDGED))
    rounds.hold(first)
    before = rounds.notes()
    for _ in range(3):
        rounds.round(all_came(JUDGED) | {"dc09.tcp": ACKNOWLEDGED})
    assert rounds.cards() == [
        UNREACHABLE,
        "Intake dc09.tcp: two test alarms not recorded (acknowledged, not on record)",
    ]
    second = rounds.ids()[1]
    assert rounds.due(second) is not None
    assert rounds.notes() == before + 1  # on the one that is held: another tells of it now
    rounds.round(all_came(JUDGED))
    assert rounds.notes() == before + 2
    assert len(rounds.ids()) == 2


def test_another_cause_speaks_while_the_first_card_is_open(rounds: Rounds) -> None:
    for _ in range(2):
        rounds.round(NOT_REACHED)
    rounds.round(NOT_REACHED | {"dc09.tcp": REACHED})
    assert rounds.cards() == [UNREACHABLE]
    for _ in range(2):
        rounds.round(NOT_REACHED | {"dc09.tcp": REACHED})
    assert rounds.cards() == [
        UNREACHABLE,
        "Intake dc09.tcp: two test alarms not recorded (not acknowledged)",
    ]


def test_one_that_comes_and_goes_has_one_card_while_nobody_has_answered_it(
    rounds: Rounds,
) -> None:
    for _ in range(4):
        for _ in range(2):
            rounds.round(NOT_REACHED)
        rounds.round(all_came(JUDGED))
    assert rounds.cards() == [UNREACHABLE]
    assert rounds.due(rounds.ids()[0]) is not None


def test_where_all_ways_in_have_a_card_what_fails_behind_them_has_one_too(
    rounds: Rounds,
) -> None:
    for one in WAYS_IN:
        for _ in range(2):
            rounds.round(all_came(JUDGED) | {one: -1})
    assert len(rounds.cards()) == len(WAYS_IN)
    rounds.round(all_came(JUDGED))
    for incident in rounds.ids():
        rounds.hold(incident)
    for _ in range(4):
        rounds.round(all_came(ACKNOWLEDGED))
    assert rounds.cards()[len(WAYS_IN) :] == ONE_CARD


def test_where_nothing_is_answered_one_card_asks_for_somebody_at_once(rounds: Rounds) -> None:
    """Nobody's alarm arrives, whichever of the sockets still takes a connection."""
    came = {"dc09.tcp": REACHED, "dc09.udp": -1, "mail.tcp": REACHED, "call": JUDGED}
    for _ in range(2):
        rounds.round(came)
    assert rounds.cards() == ["All intakes: two test alarms not recorded (not acknowledged)"]
    due = rounds.due(rounds.ids()[0])
    assert due is not None
    assert due - NOW == timedelta(minutes=rounds.number, seconds=58 + 120)  # settled 58 s after
    before = rounds.notes()
    for _ in range(3):
        rounds.round(came)
    assert (len(rounds.cards()), rounds.notes()) == (1, before)
