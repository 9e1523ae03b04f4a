"""Webhooks over real HTTP with the real record: who is kept, what each is told, and what is
dropped on the way."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_intake import Live, Record, certificate, eventually, opened, running
from live_webhook import SETTINGS, decisions, rows, with_sources
from msgspec.structs import replace
from signed_requests import Sender, github, sender, standard, stripe

from tocsin.edge import http_problems
from tocsin.edge.http_door import SHOWN_PER_MINUTE
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("webhook") / "keys")


@pytest.fixture(scope="module")
def prepared(urls: Urls, ring: Keyring) -> Urls:
    return with_sources(urls, ring)


@pytest.fixture(scope="module")
def edge(prepared: Urls, ring: Keyring) -> Iterator[Live]:
    with running("webhook", SETTINGS, prepared, ring) as live:
        yield live


@pytest.fixture
def tower(edge: Live) -> Iterator[Sender]:
    with sender(edge.ports["http"]) as one:
        yield one


@pytest.fixture
def record(prepared: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(prepared.owner) as owner:
        yield Record(owner, ring)


# -- what is kept ---------------------------------------------------------------------------------


def test_a_signed_event_is_kept_with_its_signal(
    tower: Sender, record: Record, ring: Keyring
) -> None:
    body = {"code": "FA", "zone": "7", "text": "Zhang San's kitchen"}
    answer = tower.send(body)
    assert answer.status_code == 202
    assert answer.json() == {"kept": True, "signals": 1, "errors": []}
    problem, assurance, intake, read = rows(record)[-1]
    assert (problem, assurance, intake) == (None, "authenticated", "webhook.http")
    said = json.loads(read)
    assert (said["code"], said["codes"], said["zone"]) == ("FA", "sia", "7")
    assert b"Zhang" not in read
    assert opened(record, ring)[-1] == (json.dumps(body).encode(), "Zhang San's kitchen")


def test_a_list_of_events_by_its_mapping(tower: Sender, record: Record) -> None:
    before = decisions(record, "list")
    events = {"events": [{"type": "smoke"}, {"type": "burglar", "zone": 3}, {"type": "fog"}]}
    answer = tower.send(events, "/hook/list")
    assert answer.status_code == 202
    assert answer.json()["signals"] == 2
    assert [one["where"] for one in answer.json()["errors"]] == ["/events/2/type"]
    assert rows(record)[-1][0] == "unreadable"
    assert decisions(record, "list") == before + 3  # somebody looks at the third


@pytest.mark.parametrize("source", ["stripe", "github"])
def test_the_other_forms_of_a_signature(tower: Sender, record: Record, source: str) -> None:
    body = json.dumps({"code": "BA", "text": source}).encode()
    headers = stripe(body) if source == "stripe" else github(body)
    if source == "github":
        headers["X-Signature"] = headers.pop("x-hub-signature-256")
    assert tower.post(f"/hook/{source}", body, headers).status_code == 202
    vouched = "authenticated" if source == "stripe" else "integrity"  # no time is signed
    assert rows(record)[-1][1] == vouched
    wrong = tower.post(f"/hook/{source}", body + b" ", headers)
    assert wrong.status_code == 401
    # A source takes its own form only.
    assert tower.send({"code": "BA"}, f"/hook/{source}").status_code == 401


def test_who_somebody_is_is_kept_nowhere(
    tower: Sender, record: Record, ring: Keyring, edge: Live
) -> None:
    secrets = ("13900001111", "4711", "SH A12345")
    body = {
        "code": "PA",
        "text": "hall",
        "phone": "13900001111",
        "keypad": {"pin": 4711},
        "plate": "SH A12345",
    }
    assert tower.send(body).status_code == 202
    kept, said = opened(record, ring)[-1]
    assert [one for one in secrets if one.encode() in kept or one in said] == []
    assert json.loads(kept)["keypad"] == {"pin": "[dropped]"}
    broken = json.dumps(body).encode()[:-1]
    assert tower.send(broken).status_code == 400
    kept, said = opened(record, ring)[-1]
    assert [one for one in secrets if one.encode() in kept or one in said] == []
    assert b"hall" not in kept
    assert b"not_json" in kept
    assert said.startswith("not_json")
    twice = b'{"score": NaN, "faces":["Alice","Bob"], "plate":{"confidence":0.9,"text":"ABC123"}}'
    assert tower.send(twice).status_code == 400
    kept, said = opened(record, ring)[-1]
    assert [one for one in (b"Alice", b"Bob", b"ABC123") if one in kept + said.encode()] == []
    assert eventually(lambda: record.counted("webhook.identity_dropped") >= 1)


# -- who is not kept ------------------------------------------------------------------------------


def test_who_does_not_sign_is_told_so_and_is_no_signal(
    tower: Sender, record: Record, edge: Live
) -> None:
    before = decisions(record, "tower")
    body = b'{"code": "FA"}'
    json_only = {"content-type": "application/json"}
    cases = [
        (standard(body, secret=b"another secret 1"), 401, "signature_wrong"),
        (standard(body + b" "), 401, "signature_wrong"),
        (json_only, 401, "signature_missing"),
        (standard(body) | {"webhook-timestamp": "x"}, 401, "signature_malformed"),
        (standard(body, off_s=-330), 401, "time_outside_window"),
        (standard(body, off_s=330), 401, "time_outside_window"),
    ]
    for headers, status, reason in cases:
        answer = tower.post("/hook/tower", body, headers)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert answer.headers["content-type"] == "application/problem+json"
    unknown = tower.send({"code": "FA"}, "/hook/nobody")
    wrong = tower.send({"code": "FA"}, secret=b"another secret 1")
    assert (unknown.status_code, unknown.content) == (401, wrong.content)
    assert unknown.headers.keys() == wrong.headers.keys()
    bare, unsigned = (tower.post(f"/hook/{name}", body, json_only) for name in ("nobody", "stripe"))
    assert (bare.status_code, bare.content) == (401, unsigned.content)
    assert decisions(record, "tower") == before
    assert eventually(lambda: record.counted("webhook.signature_wrong") >= 2)
    assert eventually(lambda: record.counted("webhook.unknown_source") >= 1)


def test_a_few_of_the_unsigned_are_shown_without_their_bodies(
    prepared: Urls, ring: Keyring, record: Record
) -> None:
    shown = "SELECT count(*) FROM heard.message WHERE answer = 'refused'"
    with running("webhook", SETTINGS, prepared, ring) as live, sender(live.ports["http"]) as one:
        record.rollback()
        before = record.execute(shown).fetchone()[0]
        for _ in range(SHOWN_PER_MINUTE + 5):
            assert (
                one.send({"code": "FA", "text": "Zhang San"}, secret=b"x" * 16).status_code == 401
            )

        def now() -> int:
            record.rollback()
            count: int = record.execute(shown).fetchone()[0]
            return count - before

        assert eventually(lambda: now() == SHOWN_PER_MINUTE)
        assert one.send({"code": "FA"}).status_code == 202  # what is behind them, has come
    assert now() == SHOWN_PER_MINUTE
    body, said = opened(record, ring)[-2]
    assert body == b"POST /hook/tower, 35 bytes"
    assert said == ""
    device = rows(record, "device, site, problem, answer")[-2]
    assert device == (None, None, "signature_wrong", "refused")


def test_every_refusal_speaks_both_languages(tower: Sender) -> None:
    said = {}
    for language in ("en", "zh-CN,zh;q=0.9", "fr"):
        body = b'{"code": "FA"}'
        headers = standard(body, secret=b"x" * 16) | {"accept-language": language}
        said[language] = tower.post("/hook/tower", body, headers)
    assert said["en"].json()["title"] == said["fr"].json()["title"] == "Signature wrong"
    assert said["zh-CN,zh;q=0.9"].json()["title"] == "签名不符"
    assert said["zh-CN,zh;q=0.9"].headers["content-language"] == "zh-CN"
    for reason in http_problems.PROBLEMS:
        for language in ("en", "zh"):
            document = json.loads(http_problems.problem(reason, language, wanted="x").body)
            assert document["status"] >= 400
            assert document["detail"]
            assert "{" not in document["detail"]


# -- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason", "where"),
    [
        (b"{", "not_json", "line 1, column 2"),
        (b"\xff\xfe", "not_utf8", "byte 0"),
        (b'{"code": "FA", "code": "BA"}', "duplicate_key", "code"),
        (b'{"code": "FA", "x": NaN}', "not_a_number", "NaN"),
        (b"[" * 40 + b"]" * 40, "too_deep", "more than 32 levels"),
        (b"[" + b"1," * 30_000 + b"1]", "too_many_values", "more than 20000"),
        (b'{"code": "FA", "x": 1e999}', "number_too_large", "1e999"),
    ],
)
def test_json_that_cannot_be_read_is_named_and_kept(
    tower: Sender, record: Record, body: bytes, reason: str, where: str
) -> None:
    before = decisions(record, "tower")
    answer = tower.send(body)
    assert answer.status_code == 400
    assert answer.json()["reason"] == reason
    assert answer.json()["errors"][0]["where"] == where
    assert "It was kept" in answer.json()["detail"]
    assert rows(record)[-1][0] == reason
    assert decisions(record, "tower") == before + 1  # in doubt somebody looks


def test_what_does_not_map_is_kept_and_the_answer_says_so(tower: Sender, record: Record) -> None:
    answer = tower.send({"type": "smoke"}, language="zh")
    assert answer.status_code == 202
    assert answer.json() == {
        "kept": True,
        "signals": 0,
        "errors": [{"where": "/code", "reason": "missing", "message": "/code 不存在"}],
    }
    assert rows(record)[-1][0] == "unreadable"
    half = tower.send({"code": "FA", "occurred_at": 7, "position": {"lat": "1", "lon": 2}})
    assert half.json()["signals"] == 1
    assert [one["reason"] for one in half.json()["errors"]] == ["not_a_time", "not_a_number"]
    assert rows(record)[-1][0] == "partly_read"


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"content-type": "text/plain"}, 415, "unsupported_type"),
        ({"content-type": "application/json; charset=utf-16"}, 415, "unsupported_type"),
        ({"content-encoding": "gzip"}, 415, "unsupported_encoding"),
        ({"content-type": "application/cloudevents+json; charset=UTF-8"}, 202, ""),
        ({"content-encoding": "identity"}, 202, ""),
    ],
)
def test_forms_of_a_body(tower: Sender, headers: dict[str, str], status: int, reason: str) -> None:
    body = b'{"code": "FA"}'
    answer = tower.post("/hook/tower", body, standard(body) | headers)
    assert answer.status_code == status
    assert answer.json().get("reason", "") == reason


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/hook/tower", 405),
        ("PUT", "/hook/tower", 405),
        ("GET", "/", 404),
        ("POST", "/hook/", 404),
        ("POST", "/hook/a/b", 404),
        ("POST", "/hook/" + "a" * 65, 404),
        ("POST", "/hook/health", 401),
        ("GET", "/health", 404),
    ],
)
def test_other_addresses_tell_nothing(tower: Sender, method: str, path: str, status: int) -> None:
    answer = tower.client.request(method, path, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)


# -- TLS ------------------------------------------------------------------------------------------


def test_tls_on_a_port_of_its_own(
    prepared: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path)
    settings = replace(SETTINGS, port=-1, tls_port=0, tls_cert=str(cert), tls_key=str(key))
    trust = ssl.create_default_context(cafile=str(cert))
    with running("webhook", settings, prepared, ring) as live:
        with sender(live.ports["https"], tls=trust) as one:
            for _ in range(2):  # over one connection
                assert one.send({"code": "FA"}).status_code == 202
        assert rows(record)[-1][2] == "webhook.https"
        with socket.create_connection(("127.0.0.1", live.ports["https"]), 5) as clear:
            clear.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert clear.recv(100)[:4] != b"HTTP"
