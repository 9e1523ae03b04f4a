"""Callers' locations over real HTTP with the real record: they open nothing, name nobody, are on
disk before the answer, and are gone in time."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from live_intake import Live, Record, commits_held_up, database_away, eventually, opened, running
from msgspec.structs import replace
from signed_requests import Sender, sender, standard

from tocsin.core.caller_places import Method
from tocsin.record import caller_places
from tocsin.record.caller_places import Listed
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.aml import Aml, Known
from tocsin.wire.aml.sms import pack

OPERATOR, GATEWAY = b"the operator's one", b"the gateway's one.."
IDENTITY = ("234159000000000", "123456789012345", "447477593102", "ABC Detente")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Aml:
    folder = tmp_path_factory.mktemp("secrets")
    for name, secret in (("operator", OPERATOR), ("gateway", GATEWAY), ("other", b"x" * 16)):
        (folder / name).write_bytes(secret + b"\n")
    return Aml(
        enabled=True,
        port=0,
        operators=(
            Known(name="operator", secret_file=str(folder / "operator")),
            Known(name="other", secret_file=str(folder / "other"), district="south"),
        ),
        gateways=(
            Known(name="first", secret_file=str(folder / "other")),
            Known(name="gateway", secret_file=str(folder / "gateway"), district="north"),
        ),
    )


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("aml") / "keys")


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, settings: Aml) -> Iterator[Live]:
    with running("aml", settings, urls, ring) as live:
        yield live


@pytest.fixture
def phone(edge: Live) -> Iterator[Sender]:
    with sender(edge.ports["http"]) as one:
        yield one


@pytest.fixture
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        yield Record(owner, ring)


def now() -> datetime:
    return datetime.now(UTC)


def places(record: Record, ring: Keyring, districts: tuple[str, ...] = ()) -> list[Listed]:
    record.rollback()
    record.execute("SELECT 1")  # sorts in
    found = caller_places.recent(
        record.connection, ring, agency="fire", districts=districts, now=now()
    )
    record.rollback()
    return found


def form(lat: float, secret: bytes | None = OPERATOR, at: datetime | None = None) -> bytes:
    ms = round((at or now()).timestamp() * 1_000)
    body = (
        "v=1&device_number=%2B447477593102&device_imei=123456789012345"
        f"&device_imsi=234159000000000&location_latitude={lat}&location_longitude=121.5"
        f"&location_time={ms}&location_accuracy=10.4&location_source=GPS&location_certainty=83"
        "&location_floor=5&device_model=ABC+Detente"
    ).encode()
    if secret is None:
        return body
    return body + b"&hmac=" + hmac.new(secret, body, hashlib.sha1).hexdigest().encode()


def text(lat: float) -> str:
    at = now().strftime("%Y%m%d%H%M%S")
    said = (
        f'A"ML=1;lt=+{lat:.5f};lg=-0.12601;rd=14;top={at};lc=68;pm=W;si=234159000000000;'
        "ei=123456789012345;mcc=234;mnc=15;ml="
    )
    return f"{said}{len(said) + 3}"


def sms(phone: Sender, value: Any, **how: Any) -> httpx.Response:
    return phone.send(value, "/aml/sms", **({"secret": GATEWAY} | how))


def decided(record: Record) -> tuple[int, int]:
    record.rollback()
    row = record.execute(
        "SELECT (SELECT count(*) FROM heard.pending), (SELECT count(*) FROM view.incident)"
    ).fetchone()
    return (row[0], row[1])


def test_a_phone_s_form_is_a_place_and_nothing_else(
    phone: Sender, record: Record, ring: Keyring
) -> None:
    before, heard = decided(record), len(opened(record, ring))
    at = now().replace(microsecond=0)
    answer = phone.client.post("/aml", content=form(31.25, at=at))
    assert (answer.status_code, answer.json()) == (202, {"kept": True, "errors": []})
    one = places(record, ring)[0]
    assert (one.place.lat, one.place.lon, one.place.radius_m) == (31.25, 121.5, 10.4)
    assert (one.place.confidence, one.place.method, one.place.floor) == (83, Method.GNSS, "5")
    assert (one.place.at, one.assurance, one.district) == (at, "authenticated", "main")
    assert one.incident is None
    assert now() - one.received_at < timedelta(seconds=10)
    assert decided(record) == before
    assert len(opened(record, ring)) == heard  # it is in no list of what was heard


@pytest.mark.parametrize("form_of", ["text", "packed", "octets"])
def test_a_gateway_hands_over_text_and_data_messages(
    phone: Sender, record: Record, ring: Keyring, form_of: str
) -> None:
    lat = {"text": 51.1, "packed": 52.2, "octets": 53.3}[form_of]
    said = text(lat)
    value = {
        "text": {"text": said, "from": "+447477593102"},
        "packed": {"hex": pack(said).hex()},
        "octets": {"hex": said.encode().hex().upper()},
    }[form_of]
    assert sms(phone, value).status_code == 202
    one = places(record, ring)[0]
    assert (one.place.lat, one.place.method, one.district) == (lat, Method.WIFI, "north")
    assert one.place.length_differs is False


def test_who_the_caller_is_is_nowhere(
    phone: Sender, record: Record, ring: Keyring, urls: Urls, administrator: Connection
) -> None:
    """In no column, opened or not, and not in what is sealed: what was read and what was not."""
    phone.client.post("/aml", content=form(30.01))
    sms(phone, {"text": text(30.02), "from": "+447477593102"})
    sms(phone, {"text": text(30.03).replace("pm=W", "pm=N")})
    sms(phone, {"text": text(30.04).replace("lt=", "lt=?")})
    sms(phone, {"hex": text(30.05).replace("lt=", "lt=?").encode().hex()})
    sms(phone, json.dumps({"text": text(30.06)}).encode()[:-1])
    phone.client.post("/aml", content=form(99.5))
    hidden = "".join(f"%{ord(one):02x}" for one in IDENTITY[0])
    escaped = "".join(f"\\u{ord(one):04x}" for one in IDENTITY[0])
    sms(phone, b'{"text": "A\\"ML=1;si=' + escaped.encode() + b'"}')
    unsigned = f"v=1&device_imsi={hidden}".encode()
    mark = hmac.new(OPERATOR, unsigned, hashlib.sha1).hexdigest()
    phone.client.post("/aml", content=unsigned + b"&hmac=" + mark.encode())
    places(record, ring)
    kept = [body + said.encode() for body, said in opened(record, ring)]
    assert len(kept) >= 7
    rows = record.execute("SELECT id, incident, sealed FROM heard.call_place").fetchall()
    assert len(rows) >= 2
    for identifier, _, sealed in rows:
        cipher = caller_places.message_key(ring, identifier)
        bound = b"place" + identifier.bytes
        kept.append(caller_places.unseal(cipher, sealed, bound))
    encoded = [one.encode().hex().encode() for one in IDENTITY]
    packed = [pack(one)[1:-1] for one in IDENTITY]
    for secret in (*(one.encode() for one in IDENTITY), *encoded, *packed):
        assert [one for one in kept if secret in one] == []
    assert any(b"[dropped]" in one for one in kept)
    assert [one for one in kept if b"30.03" in one or b"30.04" in one] == []
    tables = administrator.execute(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN"
        " ('heard', 'log', 'view', 'ref', 'tracks')"
    ).fetchall()
    for (table,) in tables:
        whole = administrator.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
        assert [one for one in IDENTITY if one in repr(whole)] == []


@pytest.mark.parametrize(
    ("value", "reason", "where"),
    [
        ({"text": "hello"}, "not_aml", ""),
        ({"hex": "zz"}, "not_hex", ""),
        ({"from": "x"}, "missing", "/text"),
        (["x"], "missing", "/text"),
        ({"text": 'A"ML=1;lt=1;lg=2;pm=N'}, "no_location", "pm"),
        ({"text": 'A"ML=1;lt=95;lg=2;pm=G'}, "not_a_place", "lt"),
        ({"text": 'A"ML=1;lt=1;lg=2;pm=G;ml=99'}, "length_wrong", "ml"),
    ],
)
def test_what_holds_no_location_is_accepted_kept_and_named(
    phone: Sender, record: Record, value: Any, reason: str, where: str
) -> None:
    before = decided(record)
    answer = sms(phone, value, language="zh")
    assert answer.status_code == 202
    (error,) = answer.json()["errors"]
    assert (error["where"], error["reason"]) == (where, reason)
    record.rollback()
    row = record.execute("SELECT problem, answer FROM heard.message ORDER BY id").fetchall()[-1]
    assert row == (reason, "unreadable")
    assert decided(record) == before


def test_who_does_not_sign_is_refused(phone: Sender, record: Record, ring: Keyring) -> None:
    before = len(places(record, ring))
    wrong = phone.client.post("/aml", content=form(31.0, b"another secret 12"))
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "signature_wrong")
    missing = phone.client.post("/aml", content=form(31.0, None))
    assert (missing.status_code, missing.json()["reason"]) == (401, "signature_missing")
    body = b'{"text": "x"}'
    for headers, reason in (
        (standard(body, secret=OPERATOR), "signature_wrong"),
        (standard(body, secret=GATEWAY, off_s=-400), "time_outside_window"),
        ({"content-type": "application/json"}, "signature_missing"),
    ):
        answer = phone.post("/aml/sms", body, headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, reason)
    for method, path, status in (("GET", "/aml", 405), ("POST", "/", 404), ("POST", "/aml/", 404)):
        assert phone.client.request(method, path).status_code == status
    typed = phone.client.post("/aml", content=b"{}", headers={"content-type": "application/json"})
    assert typed.status_code == 415
    assert len(places(record, ring)) == before
    assert eventually(lambda: record.counted("aml.signature_wrong") >= 2)


def test_unsigned_forms_where_they_are_allowed_are_marked(
    urls: Urls, ring: Keyring, settings: Aml, record: Record
) -> None:
    allowed = replace(settings, allow_unsigned=True, district="harbour")
    with running("aml", allowed, urls, ring) as live, sender(live.ports["http"]) as one:
        assert one.client.post("/aml", content=form(32.5, None)).status_code == 202
        assert one.client.post("/aml", content=form(32.6, b"wrong" * 4)).status_code == 401
    found = places(record, ring)[0]
    assert (found.place.lat, found.assurance, found.district) == (32.5, "none", "harbour")


def test_the_same_location_again_is_one(phone: Sender, record: Record, ring: Keyring) -> None:
    at = now()
    before = len(places(record, ring))
    for _ in range(2):
        assert phone.client.post("/aml", content=form(33.3, at=at)).status_code == 202
    assert len(places(record, ring)) == before + 1
    phone.client.post("/aml", content=form(33.3, at=at + timedelta(seconds=5)))
    assert len(places(record, ring)) == before + 2


def test_each_district_sees_its_own(phone: Sender, record: Record, ring: Keyring) -> None:
    sms(phone, {"text": text(41.0)})
    phone.client.post("/aml", content=form(42.0, b"x" * 16))
    assert {one.district for one in places(record, ring, ("north",))} == {"north"}
    assert {one.district for one in places(record, ring, ("south",))} == {"south"}
    assert {"north", "south"} <= {one.district for one in places(record, ring)}
    others = caller_places.recent(record.connection, ring, agency="other", districts=(), now=now())
    assert others == []


def test_nothing_is_answered_before_the_commit(
    phone: Sender, urls: Urls, record: Record, ring: Keyring
) -> None:
    answers: list[httpx.Response] = []
    record.rollback()
    with commits_held_up(urls):
        waiting = threading.Thread(
            target=lambda: answers.append(phone.client.post("/aml", content=form(44.4)))
        )
        waiting.start()
        waiting.join(0.4)
        assert answers == []
    waiting.join(10)
    assert answers[0].status_code == 202
    assert places(record, ring)[0].place.lat == 44.4


def test_without_the_database_it_says_so(
    phone: Sender, edge: Live, administrator: Connection
) -> None:
    with database_away(administrator):
        assert eventually(lambda: not edge.heard.is_connected)
        answer = phone.client.post("/aml", content=form(45.0))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert eventually(lambda: edge.heard.is_connected, 10)


def test_a_secret_that_is_not_there_stops_this_way_in_only(
    urls: Urls, ring: Keyring, settings: Aml, tmp_path: Path
) -> None:
    missing = Known(name="x", secret_file=str(tmp_path / "none"))
    with pytest.raises(AssertionError, match="FileNotFoundError"):  # noqa: SIM117
        with running("aml", replace(settings, operators=(missing,)), urls, ring):
            pass
