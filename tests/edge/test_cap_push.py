"""Partners who push alerts with a token or a client certificate: kept before they are answered, and
whoever is nobody is told so."""

import json
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cap_feed_server import Site, site
from live_cap import NEW, World, emptied, lasting, signed
from live_intake import Live, Record, certificate, commits_held_up
from msgspec.structs import replace

from cap_samples import Authority, sample
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.cap import Partner

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as one:
        yield one


@pytest.fixture
def world(urls: Urls, keyring: Keyring, web: Site) -> Iterator[World]:
    with connect(urls.owner) as owner:
        emptied(owner)
        yield World(urls, keyring, Record(owner, keyring), web)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    found = Authority()
    (tmp_path / "anchors.pem").write_bytes(found.pem)
    return found


TOKEN = "a-token-of-32-characters-or-more"


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return Partner(name="county", token=str(tmp_path / "token"), district="north")


def push(live: Live, body: bytes, over: str = "http", **changes: Any) -> tuple[int, Any]:
    """Status and answer."""
    headers = {"Content-Type": "application/cap+xml", "Authorization": f"Bearer {TOKEN}"}
    headers |= changes.pop("headers", {})
    context = changes.pop("context", None)
    path = changes.pop("path", "/cap")
    host = "127.0.0.1" if over == "http" else "localhost"
    url = f"{over}://{host}:{live.ports[over]}{path}"
    headers = {name: value for name, value in headers.items() if value}
    request = urllib.request.Request(url, body, headers, **changes)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_partner_s_alert_is_kept_before_it_is_answered(world, partner) -> None:
    with world.run(partners=(partner,)) as live:
        assert push(live, lasting()) == (
            200,
            {"kept": True, "assurance": "authenticated", "problem": None},
        )
        (heard,) = world.kept()
        assert (heard["assurance"], heard["district"]) == ("authenticated", "north")
        assert (heard["intake"], heard["source"]) == ("cap.http", "127.0.0.1")
        with commits_held_up(world.urls):
            answers: list[Any] = []
            asking = threading.Thread(target=lambda: answers.append(push(live, lasting("b"))))
            asking.start()
            asking.join(0.4)
            assert answers == []
        asking.join(10)
        assert answers[0][0] == 200
    assert world.says() == [NEW, NEW]


def test_the_same_push_meanwhile_is_confirmed_when_the_first_is_on_disk(world, partner) -> None:
    raw = lasting()
    answers: list[Any] = []
    with world.run(partners=(partner,)) as live:
        push(live, lasting("before"))
        pushing = [
            threading.Thread(target=lambda: answers.append(push(live, raw)[0])) for _ in range(3)
        ]
        with commits_held_up(world.urls):
            for one in pushing:
                one.start()
            pushing[0].join(0.6)
            assert answers == []
        for one in pushing:
            one.join(10)
    assert answers == [200] * 3
    assert world.says() == [NEW, NEW]


def test_the_same_push_is_confirmed_again_and_heard_once(world, partner) -> None:
    raw = lasting()
    for _ in range(2):  # also after a restart
        with world.run(partners=(partner,)) as live:
            assert push(live, raw)[0] == 200
            assert push(live, raw)[0] == 200
    assert world.says() == [NEW]


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"headers": {"Authorization": ""}}, 401, "unauthorized"),
        ({"headers": {"Authorization": "Bearer another-token-of-32-characters"}}, 401, None),
        ({"headers": {"Authorization": f"Basic {TOKEN}"}}, 401, "unauthorized"),
        ({"headers": {"Content-Type": "application/json"}}, 415, "unsupported_type"),
        ({"headers": {"Content-Encoding": "gzip"}}, 415, "unsupported_encoding"),
        ({"path": "/other"}, 404, "unknown_source"),
        ({"method": "PUT"}, 405, "method_not_allowed"),
    ],
)
def test_whoever_is_nobody_is_told_so_and_nothing_is_kept(
    world, partner, changes: dict[str, Any], code: int, reason: str | None
) -> None:
    with world.run(partners=(partner,)) as live:
        found, answer = push(live, lasting(), **changes)
        assert found == code
        assert answer["reason"] == (reason or "unauthorized")
    assert world.kept() == []


def test_no_body_is_read_of_whoever_is_nobody(world, partner) -> None:
    """Also not asked for by 100 Continue."""
    head = b"POST /cap HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: 1000000\r\n"
    with world.run(partners=(partner,)) as live:
        for more in (b"\r\n", b"expect: 100-continue\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", live.ports["http"]), 5) as line:
                line.sendall(head + more)
                line.settimeout(5)
                assert line.recv(12) == b"HTTP/1.1 401"
    assert world.counted("unauthorized") == 2


def test_what_cannot_be_read_is_kept_and_told_in_the_partner_s_language(world, partner) -> None:
    with world.run(partners=(partner,)) as live:
        code, answer = push(live, sample("google_xee.cap"))
        assert (code, answer["reason"]) == (422, "doctype")
        assert "shown as unreadable" in answer["detail"]
        code, answer = push(
            live, sample("google_invalid.cap"), headers={"Accept-Language": "zh-CN"}
        )
        assert (code, answer["reason"]) == (422, "not_schema")
        assert "不符合 CAP 1.2 模式" in answer["detail"]
        assert "scope" in answer["errors"][0]["where"]
        assert push(live, b" " * (1 << 20))[0] == 422
        assert push(live, b" " * (1 << 20) + b" ")[0] == 413
    assert [one["problem"] for one in world.kept()] == ["doctype", "not_schema", "not_xml"]


def test_a_partner_s_bad_signature_is_never_trusted(world, partner, authority, tmp_path) -> None:
    strict = replace(partner, anchors=str(tmp_path / "anchors.pem"))
    raw = signed(lasting(), authority)
    with world.run(partners=(strict,)) as live:
        forged = push(live, raw.replace(b"ridge", b"river"))[1]
        assert (forged["assurance"], forged["problem"]) == ("none", "bad_signature")
        assert push(live, raw)[1]["assurance"] == "authenticated"


def test_a_partner_with_a_short_token_is_nobody(world, partner) -> None:
    Path(partner.token).write_text("short-token-123")
    with world.run(partners=(partner,)) as live:
        code, _ = push(live, lasting(), headers={"Authorization": "Bearer short-token-123"})
        assert code == 401
    assert world.counted("bad_secret") == 1


def test_a_client_certificate_vouches_without_a_token(world, tmp_path) -> None:
    cert, key = certificate(tmp_path)
    tls = {"tls_port": 0, "tls_cert": str(cert), "tls_key": str(key), "tls_client_ca": str(cert)}
    context = ssl.create_default_context(cafile=str(cert))
    bare = ssl.create_default_context(cafile=str(cert))
    context.load_cert_chain(cert, key)
    with world.run(port=-1, **tls) as live:
        nobody = {"headers": {"Authorization": ""}}
        code, answer = push(live, lasting(), "https", context=context, **nobody)
        assert (code, answer["assurance"]) == (200, "authenticated")
        with pytest.raises((urllib.error.URLError, OSError)):
            push(live, lasting("b"), "https", context=bare, **nobody)
        wrong = {"headers": {"Authorization": "Bearer a-token-that-nobody-was-given"}}
        assert push(live, lasting("c"), "https", context=context, **wrong)[0] == 401
    assert [one["intake"] for one in world.kept()] == ["cap.https"]
