"""What was acknowledged and kept, and can never be read, is a card at the desk of its site."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from arriving import NOW, Arrivals, message
from judged_desk import account_of_a_site, signal
from random_history import site_row
from record_desk import Desk

from tocsin.core.signals import SignalRead
from tocsin.record.arrivals import Sorter
from tocsin.record.figures import lag
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import Heard
from tocsin.record.ids import time_of
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.sealing import message_key, open_text
from tocsin.record.sites import import_sites
from tocsin.record.unread import Teller
from tocsin.record.views import get_row
from tocsin.record.views.sql import fetch
from tocsin.wire.dc09.answers import read_kept
from tocsin.wire.dc09.frames import Frame, encode, seal
from tocsin.wire.dc09.sealed import open_usual, usual_sealed

KEY = bytes(range(16))
READERS = {"dc09": read_kept}
OWN = {"district": "huangpu", "agency": "fire"}
EN = "Kept message cannot be read, it may be an alarm"
ZH = "已确认并保存的报文无法读取，可能是报警"


@pytest.fixture
def arrivals(desk: Desk) -> Arrivals:
    desk.now = NOW
    return Arrivals(desk.connection, desk.keyring)


def device(desk: Desk, account: str) -> tuple[UUID, UUID]:
    row = desk.connection.execute(
        "SELECT id, site FROM ref.device WHERE account = %s", (account,)
    ).fetchone()
    desk.connection.rollback()
    assert row is not None
    return row[0], row[1]


def of_device(desk: Desk, account: str, **fields: Any) -> Heard:
    identifier, site = device(desk, account)
    return message(device=identifier, site=site, signals=None, **fields)


def sealed(account: str, key: bytes = KEY) -> tuple[bytes, bytes]:
    """A fire alarm as the panel sends it, and what the intake opens."""
    frame = Frame(
        token="SIA-DCS",
        sequence="0001",
        receiver=None,
        line="0",
        account=account,
        data=f"#{account}|Nri0/FA7".encode(),
        timestamp=f"{NOW:%H:%M:%S,%m-%d-%Y}",
    )
    raw = encode(seal(frame, key, bytes(16)))
    usual = usual_sealed(raw)
    assert usual is not None
    opened = open_usual(usual, key, NOW, bytes(16))
    assert opened is not None
    return raw, opened.region


def told(desk: Desk) -> list[dict[str, Any]]:
    """Our own signals that wait to be judged, with their text."""
    rows = fetch(
        desk.connection,
        "SELECT s.id, s.site, s.device, s.district, s.agency, s.read, s.text FROM heard.pending p"
        " JOIN heard.signal s ON s.id = p.signal WHERE s.protocol = 'supervision' ORDER BY s.id",
        [],
    )
    desk.connection.rollback()
    for row in rows:
        read = msgspec.json.decode(row["read"], type=SignalRead)
        row |= {"read": read, "account": read.account}
        row["said"] = open_text(message_key(desk.keyring, row["id"]), row["id"], row["text"])
    return rows


def sort(arrivals: Arrivals) -> Sorter:
    sorter = Sorter(Keyring(arrivals.keyring.directory), READERS, **OWN)
    sorter.sort(arrivals.connection)
    return sorter


def judge(desk: Desk) -> None:
    while judge_pending(desk.connection, desk.keyring, desk.now):
        continue


def card(desk: Desk, one: UUID) -> dict[str, Any]:
    found = get_row(desk.connection, "signals", one)
    assert found is not None
    incident = get_row(desk.connection, "incidents", found["incident"])
    desk.connection.rollback()
    assert incident is not None
    return incident


@pytest.mark.parametrize("change", [{"key": "0F" * 16, "key_form": "hex"}, {"key": ""}])
def test_a_key_that_is_changed_after_the_answer_takes_no_alarm_away(
    desk: Desk, arrivals: Arrivals, change: dict[str, str]
) -> None:
    """What the intake has opened is kept, under our own key: the device's is not needed again."""
    account = account_of_a_site(desk)
    raw, region = sealed(account)
    at = arrivals.commit(of_device(desk, account, body=raw, opened=region))
    report = import_sites(
        desk.connection, desk.keyring, [site_row(account) | change], agency="fire"
    )
    assert report.errors == []
    sort(arrivals)
    judge(desk)
    row = card(desk, at)
    assert (row["type"], row["band"], arrivals.waiting()) == ("fire", "unassigned", 0)


def test_what_does_not_open_any_more_is_a_card_of_its_site_with_its_time(
    desk: Desk, arrivals: Arrivals
) -> None:
    account = account_of_a_site(desk)
    raw, region = sealed(account)
    at = NOW - timedelta(minutes=7)
    fine = of_device(desk, account, body=raw, opened=region, received_at=at)
    arrivals.commit(fine, of_device(desk, account, body=raw, opened=b"\xff" * 32, received_at=at))
    sorter = sort(arrivals)
    (one,) = told(desk)
    assert (one["device"], one["site"]) == device(desk, account)
    assert (one["account"], one["district"], one["agency"]) == (account, "huangpu", "fire")
    time = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    assert one["said"] == f"收到时间 {time}，来自 192.0.2.7 / received {time} from 192.0.2.7"
    assert one["read"].occurred_at == at
    judge(desk)
    row = card(desk, one["id"])
    assert (row["band"], row["opened_because"], row["type"]) == ("watch", "unknown_code", "unknown")
    assert row["title_en"].startswith(EN)
    assert row["title_zh"].startswith(ZH)
    assert row["site"] is not None
    # It is tried again, and told of once.
    assert arrivals.waiting(Lane.ASIDE) == 1
    sorter._try_aside_at = 0.0
    sorter.sort(desk.connection)
    assert told(desk) == []


def test_it_hides_in_no_other_card_of_its_site(desk: Desk, arrivals: Arrivals) -> None:
    account = account_of_a_site(desk)
    burglary = signal(desk, account, "BA")
    judge(desk)
    closed = of_device(desk, account, opened=b"?")
    arrivals.commit(closed)
    sort(arrivals)
    (one,) = told(desk)
    judge(desk)
    other = card(desk, burglary)
    assert card(desk, one["id"])["id"] != other["id"]
    assert (other["type"], other["signal_count"]) == ("burglary", 1)
    arrivals.commit(closed)  # the next one of the site shares the card
    sort(arrivals)
    (more,) = told(desk)
    judge(desk)
    assert card(desk, more["id"])["id"] == card(desk, one["id"])["id"]


def test_of_what_nobody_can_open_there_is_one_card_for_its_day(
    desk: Desk, arrivals: Arrivals
) -> None:
    account = account_of_a_site(desk)
    at = NOW - timedelta(days=9)
    lost = [
        arrivals.commit(*[of_device(desk, account, received_at=at)] * messages)
        for messages in (1, 3)
    ]
    day = arrivals.keyring.directory / "heard" / f"{time_of(lost[0]):%Y%m%d}.key"
    away = day.rename(day.with_suffix(".away"))
    sorter = sort(arrivals)
    (one,) = told(desk)
    time = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    assert one["said"] == f"4 条报文，收到时间 {time} / messages: 4, received {time}"
    assert (one["site"], one["device"], one["account"]) == (None, None, f"{at:%Y-%m-%d}")
    assert (one["district"], one["agency"]) == ("huangpu", "fire")
    judge(desk)
    row = card(desk, one["id"])
    assert (row["band"], row["title_en"]) == ("watch", f"{EN} · {at:%Y-%m-%d}")
    away.rename(day)
    sorter._try_aside_at = 0.0
    sorter._readers = {
        "dc09": lambda *_: ((SignalRead("dc09", "SIA-DCS", account, code="FA"),), None)
    }
    sorter.sort(desk.connection)
    assert arrivals.waiting() == 0
    judge(desk)
    assert card(desk, lost[0])["type"] == "fire"


def test_what_cannot_be_stored_is_told_of_in_words_that_can(desk: Desk, arrivals: Arrivals) -> None:
    """Of a source that nobody knows: its card has the sender's address."""
    arrivals.commit(message(source="nul \0 in it", signals=None))
    sort(arrivals)
    (one,) = told(desk)
    assert (one["account"], one["site"]) == ("nul  in it", None)
    judge(desk)
    assert card(desk, one["id"])["title_en"] == f"{EN} · nul  in it"


def test_where_nobody_can_be_told_the_others_go_on(
    desk: Desk,
    arrivals: Arrivals,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Teller, "rows", fails)
    before = lag(desk.connection)["quarantined"]
    arrivals.commit(message(signals=None), message())
    sort(arrivals)
    assert (arrivals.waiting(Lane.ASIDE), arrivals.waiting()) == (1, 1)
    assert lag(desk.connection)["quarantined"] == before + 1
    assert [one for one in caplog.records if "nobody could be told" in one.message]
