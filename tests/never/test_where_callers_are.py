"""Promises 2, 3 and 7 about callers' locations: nothing of who the caller is stays, nothing links
two places of one phone, and none outlives the hour but as evidence."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.caller_places import KEPT_FOR, SHOWN_FOR, CallerPlace
from tocsin.record import caller_places
from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard, Rows
from tocsin.record.ids import uuid7
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys
from tocsin.site.tasks import loops_of
from tocsin.wire.aml import form, text

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NUMBERS = st.from_regex(r"[1-9][0-9]{14}", fullmatch=True)


def said(imsi: str, imei: str, number: str) -> tuple[Any, ...]:
    """One location as two forms of message of one phone."""
    message = (
        f'A"ML=1;lt=+51.5;lg=-0.1;rd=14;top=20261121115900;lc=68;pm=W;si={imsi};ei={imei};'
        f"mcc={imsi[:3]};mnc={imsi[3:5]}"
    )
    posted = (
        f"v=1&device_number=%2B{number}&device_imei={imei}&device_imsi={imsi}"
        "&location_latitude=51.5&location_longitude=-0.1&location_time=1795262340000"
        f"&cell_id={number[:8]}&device_model={number[:4]}"
    )
    return text.read(message, NOW), form.read(posted.encode(), NOW)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_what_stays_of_a_message_is_the_same_whoever_calls(imsi: str, imei: str, to: str) -> None:
    assert said(imsi, imei, to) == said("1" * 15, "2" * 15, "3" * 15)
    one, _ = said(imsi, imei, to)
    assert one.kept.count(b"[dropped]") == 4  # so that there is something to drop


def test_a_place_has_no_room_for_who_it_is_of(owner: Connection) -> None:
    assert set(CallerPlace.__struct_fields__) == {
        *("lat", "lon", "radius_m", "confidence", "method", "at"),
        *("altitude_m", "vertical_m", "floor", "length_differs"),
    }
    assert set(caller_places.Kept.__struct_fields__) == {"place", "message"}
    columns = owner.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'heard'"
        " AND table_name = 'call_place'"
    ).fetchall()
    assert {name for (name,) in columns} == {
        *("id", "received_at", "district", "agency", "assurance", "repeat_key", "sealed"),
        "incident",
    }


@pytest.fixture
def written(connection: Connection, keyring: Keyring) -> Any:
    """Keeps places as they are sorted in; returns their ids."""
    connection.execute("DELETE FROM heard.call_place")

    def write(*places: tuple[datetime, CallerPlace]) -> list[UUID]:
        rows, ids = Rows(DayKeys(keyring)), []
        for received, place in places:
            message = Heard(
                received_at=received,
                intake="aml.https",
                protocol="aml",
                source="192.0.2.7",
                body=b"kept",
                answer="place",
                district="north",
                agency="fire",
                caller_place=place,
            )
            ids.append(uuid7(received))
            rows.add(ids[-1], message)
        assert rows.pending == 0
        rows.write(connection)
        connection.commit()
        return ids

    return write


def test_nothing_links_two_places_of_one_phone(connection: Connection, written: Any) -> None:
    """Even from one spot: the columns tell only where it was heard and when."""
    at = datetime.now(UTC)
    same = {"lat": 51.5, "lon": -0.1, "radius_m": 14.0}
    places = [CallerPlace(**same, at=at + timedelta(seconds=second)) for second in (0, 10)]
    written(*((at, place) for place in places))
    first, second = connection.execute(
        "SELECT repeat_key, sealed, id FROM heard.call_place"
    ).fetchall()
    assert all(one != other for one, other in zip(first, second, strict=True))
    whole = repr(connection.execute("SELECT t::text FROM heard.call_place t").fetchall())
    assert "51.5" not in whole
    for secret in (b"51.5", msgspec.msgpack.encode(51.5)):
        assert secret not in bytes(first[1])


def test_a_place_is_shown_for_minutes_and_gone_within_the_hour(
    connection: Connection, keyring: Keyring, written: Any
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ages = (timedelta(0), SHOWN_FOR, KEPT_FOR - timedelta(seconds=1), KEPT_FOR)
    ids = written(*((now - age, CallerPlace(lat=1.0 + i, lon=2)) for i, age in enumerate(ages)))

    def seen(at: datetime) -> list[UUID]:
        found = caller_places.recent(connection, keyring, agency="fire", districts=(), now=at)
        return [one.id for one in found]

    assert [one.total_seconds() / 60 for one in (SHOWN_FOR, KEPT_FOR)] == [15, 60]
    assert seen(now) == ids[:1]
    assert seen(now - timedelta(seconds=1)) == ids[:2]
    assert caller_places.find(connection, keyring, ids[3], now) is None  # before it is deleted
    assert caller_places.forget(connection, now) == 1
    left = connection.execute("SELECT id FROM heard.call_place ORDER BY id DESC").fetchall()
    assert [one for (one,) in left] == ids[:3]
    assert caller_places.forget(connection, now + timedelta(hours=1)) == 3
    assert connection.execute("SELECT count(*) FROM heard.call_place").fetchone() == (0,)


def test_the_clock_forgets_them_within_the_minute(keyring: Keyring) -> None:
    from tocsin.site.configuration import Configuration

    (loop,) = (
        one for one in loops_of("clock", keyring, Configuration()) if one.name == "caller_places"
    )
    assert loop.idle_s <= 60
