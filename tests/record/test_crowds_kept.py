"""A flood of exceptions in the real record: few cards, every signal told on one of them, and what
is different in sight."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from arriving import Arrivals, message
from judged_desk import account_of_a_site, judged, signal
from record_desk import LI, Desk

from tocsin.core.commands import CloseIncident, MergeIncidents, SplitSender, TakeIncident
from tocsin.core.crowds import OWN_MAX, WITHIN
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Disposition, IncidentType, Refused
from tocsin.record import judging
from tocsin.record.crowds import Crowds
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import Heard
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.views import rebuild, snapshot
from tocsin.record.views.rows import Row

CARDS_MAX = 20
FIRST_ROWS = 20
"""Rows of the queue that a screen of 1280 x 800 shows (tests/browser)."""

BANDS = ("unassigned", "working", "watch")


@pytest.fixture
def quiet(desk: Desk) -> Iterator[Desk]:
    """Nothing is open when a test begins, and nothing it opened is when it has ended."""
    close_all(desk)
    yield desk
    close_all(desk)


def close_all(desk: Desk) -> None:
    desk.connection.rollback()
    found = desk.connection.execute("SELECT id FROM view.incident WHERE open").fetchall()
    for (one,) in found:
        desk.do(CloseIncident(one, Disposition.HANDLED))


def judge_all(desk: Desk, limit: int = 200) -> None:
    while judge_pending(desk.connection, desk.keyring, desk.now, limit):
        pass


def queue(desk: Desk) -> list[Row]:
    """The rows of the queue as the console orders them (web/src/desk/queue.ts)."""
    rows = snapshot(desk.connection, LI, now=desk.now)["incidents"]
    return sorted(
        (one for one in rows if one["band"] in BANDS),
        key=lambda one: (
            BANDS.index(one["band"]),
            one["level"],
            "" if one["overdue"] else one["due_at"] or "9999",
            one["opened_at"],
            one["number"],
        ),
    )


def sites(connection: Connection, count: int) -> list[tuple[UUID, UUID, str]]:
    """Many sites with a device each: device, site, account."""
    connection.execute(
        "INSERT INTO ref.site (id, code, name_zh, name_en, address, lat, lon, datum, district,"
        " agency) SELECT gen_random_uuid(), 'F' || %s || '-' || n, '厂房', 'Works ' || n,"
        " 'Mill Road', 31.2 + n * 0.001, 121.4, 'WGS-84', 'huangpu', 'fire'"
        " FROM generate_series(1, %s) n",
        (count, count),
    )
    return connection.execute(
        "INSERT INTO ref.device (id, site, protocol, account, district, agency)"
        " SELECT gen_random_uuid(), id, 'dc09', code, district, agency FROM ref.site"
        " WHERE code LIKE 'F' || %s || '-%%' RETURNING id, site, account",
        (count,),
    ).fetchall()


def said(place: int, code: str, known: tuple[UUID, UUID, str] | None) -> Heard:
    account = f"{place:X}" if known is None else known[2]
    return message(
        source=f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}",
        device=None if known is None else known[0],
        site=None if known is None else known[1],
        signals=(SignalRead(protocol="dc09", token="SIA-DCS", account=account, code=code),),
    )


def test_ten_thousand_exceptions_are_twenty_cards_and_a_fire_is_in_sight(
    urls: Urls, keyring: Keyring
) -> None:
    """Troubles and unknown codes of known sites, alarms and troubles of unknown sources, of as many
    senders, mixed; in the middle of them a fire."""
    count = 10_000
    with connect(urls.owner) as connection:
        desk = Desk(connection, keyring)
        arrivals = Arrivals(connection, keyring)
        close_all(desk)
        known = sites(connection, count // 2 + 1)
        fire = known.pop()
        messages = []
        for place in range(count):
            of = known[place // 2] if place % 2 else None
            code = ("AT", "QQ", "YT", "QQ")[place // 2 % 4] if of else ("FA", "AT")[place // 2 % 2]
            messages.append(said(place, code, of))
        messages.insert(count // 2, said(count, "FA", fire))
        for begin in range(0, len(messages), 500):
            part = messages[begin : begin + 500]
            for lane, is_known in ((Lane.KNOWN, True), (Lane.UNKNOWN, False)):
                if of_lane := [one for one in part if (one.device is not None) is is_known]:
                    arrivals.commit(*of_lane, lane=lane)
        while arrivals.sorter.sort(connection):
            pass
        judge_all(desk)
        rows = queue(desk)
        exceptions = [one for one in rows if one["band"] == "watch"]
        assert len(exceptions) <= CARDS_MAX
        # Nobody was lost on the way: each is on one of the cards.
        assert sum(one["signal_count"] for one in exceptions) == count
        crowds = {one["crowd"]["kind"]: one for one in exceptions if one["crowd"]}
        assert set(crowds) == {"trouble", "unknown_code", "unknown_alarm", "unknown_source"}
        told = sum(one["crowd"]["senders"] for one in crowds.values())
        assert told == count - sum(one["crowd"] is None for one in exceptions)
        texts = {one["text_en"] for one in crowds["trouble"]["crowd"]["said"]}
        assert texts == {"AC power lost", "System battery trouble"}
        # The fire is the first row of all.
        assert [one["site"] for one in rows[:FIRST_ROWS] if one["type"] == "fire"] == [str(fire[1])]
        assert rows[0]["site"] == str(fire[1])
        assert rows[0]["band"] == "unassigned"
        close_all(desk)


@pytest.mark.parametrize("limit", [3, 200])
def test_a_batch_counts_as_if_each_came_alone(quiet: Desk, limit: int) -> None:
    outcomes = []
    for at_once in (1, limit):
        heard = []
        accounts = [account_of_a_site(quiet) for _ in range(OWN_MAX + 8)]
        for account in accounts:
            heard += [signal(quiet, account, code) for code in ("AT", "AT", "AR")]
        judge_all(quiet, at_once)
        places = {judged(quiet, one)[1]: n for n, one in reversed(list(enumerate(heard)))}
        outcomes.append([(judged(quiet, one)[0], places[judged(quiet, one)[1]]) for one in heard])
        crowds = [one for one in queue(quiet) if one["crowd"]]
        assert [(one["crowd"]["senders"], one["signal_count"]) for one in crowds] == [(8, 24)]
        close_all(quiet)
    assert outcomes[0] == outcomes[1]


def flooded(desk: Desk) -> tuple[list[str], UUID]:
    """Accounts of sites in a crowd, and its card."""
    accounts = [account_of_a_site(desk) for _ in range(OWN_MAX + 5)]
    for account in accounts:
        signal(desk, account, "AT")
    judge_all(desk)
    (crowd,) = (one["id"] for one in queue(desk) if one["crowd"])
    return accounts[OWN_MAX:], UUID(crowd)


def test_one_in_the_crowd_is_known_there_later(quiet: Desk) -> None:
    accounts, crowd = flooded(quiet)
    restore = signal(quiet, accounts[0], "AR")
    alarm = signal(quiet, accounts[1], "FA")
    judge_all(quiet)
    assert judged(quiet, restore) == ("joined", str(crowd))
    verdict, incident = judged(quiet, alarm)
    assert verdict == "opened"
    assert incident != str(crowd)


def test_a_sender_taken_out_has_an_incident_with_its_place_and_its_signals(quiet: Desk) -> None:
    accounts, crowd = flooded(quiet)
    heard = [signal(quiet, accounts[0], code) for code in ("AT", "AR")]
    judge_all(quiet)
    assert {judged(quiet, one)[1] for one in heard} == {str(crowd)}
    (before,) = (one for one in queue(quiet) if one["crowd"])
    quiet.do(SplitSender(heard[0], crowd))
    own = judged(quiet, heard[0])[1]
    rows = {one["id"]: one for one in queue(quiet)}
    assert own is not None
    card, after = rows[own], rows[str(crowd)]
    # All three that its sender said, the trouble before these two too.
    assert (card["signal_count"], card["band"], card["crowd"]) == (3, "unassigned", None)
    assert card["title_en"] == f"AC power lost · {card['title_en'].split(' · ')[1]}"
    assert card["place"]["source"] == "site"
    assert card["site"] is not None
    assert after["crowd"]["senders"] == before["crowd"]["senders"] - 1
    assert after["signal_count"] == before["signal_count"] - 3
    # What it says next finds its incident; the others stay where they are.
    restore = signal(quiet, accounts[0], "AR")
    other = signal(quiet, accounts[1], "AR")
    judge_all(quiet)
    assert judged(quiet, restore) == ("joined", own)
    assert judged(quiet, other) == ("joined", str(crowd))
    with pytest.raises(Refused, match="not_found"):
        quiet.do(SplitSender(heard[0], crowd))


def test_an_unknown_source_taken_out_is_known_again_by_its_account(quiet: Desk) -> None:
    for place in range(OWN_MAX + 2):
        last = signal(quiet, f"7{place:03}", "FA", source=f"198.51.100.{place}")
    judge_all(quiet)
    crowd = judged(quiet, last)[1]
    assert crowd is not None
    quiet.do(SplitSender(last, UUID(crowd)))
    own = judged(quiet, last)[1]
    (card,) = (one for one in queue(quiet) if one["id"] == own)
    assert (card["type"], card["level"], card["site"]) == ("fire", 1, None)
    assert card["title_en"].endswith(f"#7{OWN_MAX + 1:03}")
    again = signal(quiet, f"7{OWN_MAX + 1:03}", "FA", source="203.0.113.77")
    judge_all(quiet)
    assert judged(quiet, again) == ("joined", own)


def test_an_unknown_source_in_the_crowd_is_known_there_later(quiet: Desk) -> None:
    for place in range(OWN_MAX + 1):
        signal(quiet, f"9{place:03}", "FA", source=f"198.51.100.{place}")
    judge_all(quiet)
    (crowd,) = (one["id"] for one in queue(quiet) if one["crowd"])
    restore = signal(quiet, f"9{OWN_MAX:03}", "FH", source="203.0.113.1")
    stranger = signal(quiet, "9999", "FH", source="203.0.113.1")
    judge_all(quiet)
    assert judged(quiet, restore) == ("joined", crowd)
    assert judged(quiet, stranger) == ("recorded", None)


def test_hosts_of_one_64_are_one_address(quiet: Desk) -> None:
    for place in range(8):
        signal(quiet, f"8{place:03}", "FA", source=f"2001:db8:0:9:{place:x}::1")
    judge_all(quiet)
    assert len(queue(quiet)) == 5
    signal(quiet, "8999", "FA", source="2001:db8:0:a::1")
    judge_all(quiet)
    assert len(queue(quiet)) == 6


def test_a_closed_crowd_takes_in_nobody_and_a_merged_one_is_followed(quiet: Desk) -> None:
    accounts, crowd = flooded(quiet)
    other = quiet.open(incident_type=IncidentType.TECHNICAL)
    quiet.do(MergeIncidents(crowd, into=other))
    restore = signal(quiet, accounts[0], "AR")
    further = signal(quiet, account_of_a_site(quiet), "AT")
    judge_all(quiet)
    assert judged(quiet, restore) == ("joined", str(other))
    assert judged(quiet, further)[0] == "opened"
    quiet.do(CloseIncident(other, Disposition.HANDLED))
    again = signal(quiet, accounts[1], "AR")
    judge_all(quiet)
    assert judged(quiet, again) == ("recorded", None)


def test_what_waits_is_what_is_open_new_and_of_the_last_minutes(quiet: Desk) -> None:
    accounts = [account_of_a_site(quiet) for _ in range(3)]
    for account in accounts:
        signal(quiet, account, "AT")
    judge_all(quiet)
    place = ("huangpu", "fire")

    def waits(at: float = 0.0, where: tuple[str, str] = place) -> int:
        now = quiet.now + timedelta(seconds=at)
        own = dict(Crowds(quiet.connection, [(where, "site/x")], now).waiting(where).own)
        quiet.connection.rollback()
        return sum(own.values())

    assert waits() == 3
    assert waits(WITHIN.total_seconds() - 1) == 3
    assert waits(WITHIN.total_seconds()) == 0
    assert waits(where=("pudong", "fire")) == waits(where=("huangpu", "police")) == 0
    taken, closed, _ = (UUID(one["id"]) for one in queue(quiet))
    quiet.do(TakeIncident(taken))
    quiet.do(CloseIncident(closed, Disposition.HANDLED))
    assert waits() == 1


def test_the_record_is_asked_once_for_all_that_are_judged_together(
    quiet: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Asking(Crowds):
        def __init__(self, connection, of, now) -> None:
            asked.append(len(list(of)))
            super().__init__(connection, of, now)

    monkeypatch.setattr(judging, "Crowds", Asking)
    flooded(quiet)
    asked.clear()
    for place in range(50):
        signal(quiet, f"7{place:03}", "AR")
    judge_all(quiet)
    assert asked == [50]


def test_rebuilt_tables_hold_the_same(quiet: Desk, urls: Urls) -> None:
    accounts, crowd = flooded(quiet)
    query = (
        "SELECT i.id, i.exception, i.crowd, i.row, s.id, s.sender FROM view.incident i"
        " LEFT JOIN view.signal s ON s.incident = i.id ORDER BY i.id, s.id"
    )
    before = quiet.connection.execute(query.encode()).fetchall()
    quiet.connection.rollback()
    with connect(urls.owner) as owner:
        rebuild(owner)
    assert quiet.connection.execute(query.encode()).fetchall() == before
    of_crowd = {(kind, sender[:5]) for one, kind, _, _, _, sender in before if one == crowd}
    assert of_crowd == {("trouble", "site/")}
    assert sum(one == crowd and sender != "" for one, *_, sender in before) == len(accounts)
