"""How feeds and brokers fare, as it is on record: failing, healed, after a restart, gone from the
configuration; and no credential is ever in it. Real servers: mosquitto, and a feed's."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cap_feed_server import FastCap, FastFeed, Site, atom, linked, page, site, status
from live_broker import broker, certificate
from live_edge import eventually
from live_intake import running

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.fetching import fetched
from tocsin.record.keys import Keyring
from tocsin.site.intakes.mqtt import Broker, Mqtt, Topic

pytestmark = pytest.mark.timeout(60)

Row = dict[str, Any]
PLUGIN = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))  # of the same package
TOPICS = (Topic(filter="home/alarm", dialect="home_assistant", account="panel-1"),)


@pytest.fixture
def record(urls: Urls) -> Iterator[Connection]:
    with connect(urls.application) as connection:
        connection.execute("DELETE FROM ref.fetched")
        connection.commit()
        yield connection


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as one:
        one.pages["/feed"] = page(atom())
        yield one


@contextmanager
def polling(urls: Urls, keyring: Keyring, *feeds: FastFeed) -> Iterator[None]:
    with running("cap", FastCap(feeds), urls, keyring):
        yield


@contextmanager
def following(urls: Urls, keyring: Keyring, *brokers: Broker) -> Iterator[None]:
    with running("mqtt", Mqtt(port=0, brokers=brokers), urls, keyring):
        yield


def soon(record: Connection, name: str, holds: Callable[[Row], bool]) -> Row:
    """Its row, once it is so."""
    found: list[Row] = []

    def is_so() -> bool:
        found[:] = [one for one in fetched(record) if one["name"] == name]
        return bool(found) and holds(found[0])

    assert eventually(is_so, 15), found
    return found[0]


def is_good(row: Row) -> bool:
    return bool(row["state"] == "good")


def is_failing(row: Row) -> bool:
    return bool(row["state"] == "failing")


def of_port(port: int, **more: Any) -> Broker:
    said = {"name": "mill", "host": "127.0.0.1", "port": port, "tls": False, "topics": TOPICS}
    return Broker(**(said | more))


# -- feeds --------------------------------------------------------------------------------------


def test_a_feed_fails_heals_and_is_remembered_over_a_restart(
    urls: Urls, keyring: Keyring, web: Site, record: Connection
) -> None:
    feed = FastFeed("county", f"{web.url}/feed")
    with polling(urls, keyring, feed):
        row = soon(record, "county", is_good)
        assert (row["intake"], row["address"]) == ("cap", web.url)
        assert (row["is_tls"], row["checks_signatures"], row["problem"]) == (False, False, "")
        good_at = row["good_at"]
        assert good_at is not None
        web.pages["/feed"] = status(500)
        row = soon(record, "county", is_failing)
        assert row["problem"] == "feed_server_fault"
        assert row["good_at"] >= good_at
        since, good_at = row["failing_since"], row["good_at"]
        web.pages["/feed"] = page(b"<html>not found</html>")
        row = soon(record, "county", lambda one: one["problem"] == "feed_not_feed")
        assert (row["failing_since"], row["good_at"]) == (since, good_at)
    with polling(urls, keyring, feed):
        before = web.times("/feed")
        assert eventually(lambda: web.times("/feed") >= before + 2)
        row = soon(record, "county", lambda one: one["noted_at"] > row["noted_at"])
        assert (row["state"], row["problem"]) == ("failing", "feed_not_feed")
        assert (row["failing_since"], row["good_at"]) == (since, good_at)  # not since the restart
        web.pages["/feed"] = page(atom())
        row = soon(record, "county", is_good)
        assert (row["failing_since"], row["problem"]) == (None, "")
        assert row["good_at"] > good_at


def test_a_feed_whose_linked_warnings_cannot_be_had_is_failing(
    urls: Urls, keyring: Keyring, web: Site, record: Connection
) -> None:
    web.pages |= {"/feed": page(atom(linked("/one"))), "/one": status(500)}
    with polling(urls, keyring, FastFeed("county", f"{web.url}/feed")):
        assert soon(record, "county", is_failing)["problem"] == "link_server_fault"
        web.pages["/feed"] = page(atom())
        soon(record, "county", is_good)


def test_a_feed_that_is_not_configured_any_more_is_gone(
    urls: Urls, keyring: Keyring, web: Site, record: Connection
) -> None:
    first, second = (FastFeed(name, f"{web.url}/feed") for name in ("one", "two"))
    with polling(urls, keyring, first, second):
        soon(record, "one", is_good)
        soon(record, "two", is_good)
    with polling(urls, keyring, second):
        assert eventually(lambda: [one["name"] for one in fetched(record)] == ["two"], 15)
        soon(record, "two", is_good)


def test_under_its_name_another_address_begins_anew(
    urls: Urls, keyring: Keyring, web: Site, record: Connection
) -> None:
    web.pages["/feed"] = status(500)
    with polling(urls, keyring, FastFeed("county", f"{web.url}/feed")):
        soon(record, "county", is_failing)
    with site() as other, polling(urls, keyring, FastFeed("county", f"{other.url}/feed")):
        row = soon(record, "county", lambda one: one["problem"] == "feed_refused")
        assert (row["address"], row["good_at"]) == (other.url, None)


def test_authorities_that_cannot_be_read_are_told(
    urls: Urls, keyring: Keyring, record: Connection, tmp_path: Path
) -> None:
    feed = FastFeed("county", "https://127.0.0.1:9/feed", tls_ca=str(tmp_path / "none.pem"))
    with pytest.raises(AssertionError, match="No such file"), polling(urls, keyring, feed):
        pass
    assert soon(record, "county", is_failing)["problem"] == "bad_anchors"


# -- brokers ------------------------------------------------------------------------------------


def test_a_broker_fails_heals_and_is_remembered_over_a_restart(
    urls: Urls, keyring: Keyring, record: Connection, tmp_path: Path
) -> None:
    with broker(tmp_path) as mill:
        with following(urls, keyring, of_port(mill.port)):
            row = soon(record, "mill", is_good)
            assert (row["intake"], row["address"]) == ("mqtt", f"127.0.0.1:{mill.port}")
            mill.stop()
            row = soon(record, "mill", is_failing)
            assert row["problem"] in ("broker_lost", "broker_unreachable")
            assert row["good_at"] <= row["failing_since"]
            good_at = row["good_at"]
            row = soon(record, "mill", lambda one: one["problem"] == "broker_unreachable")
            since = row["failing_since"]
        with following(urls, keyring, of_port(mill.port)):
            row = soon(record, "mill", lambda one: one["noted_at"] > row["noted_at"])
            assert (row["state"], row["problem"]) == ("failing", "broker_unreachable")
            assert (row["failing_since"], row["good_at"]) == (since, good_at)
            mill.start()
            row = soon(record, "mill", is_good)
            assert (row["failing_since"], row["problem"]) == (None, "")
            assert row["good_at"] > good_at
        with following(urls, keyring):
            assert eventually(lambda: fetched(record) == [], 15)


def test_a_broker_that_refuses_the_subscription_is_failing_though_it_is_connected(
    urls: Urls, keyring: Keyring, record: Connection, tmp_path: Path
) -> None:
    allowed = {"subscribe": False, "unsubscribe": True, "publishClientReceive": True}
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"defaultACLAccess": allowed | {"publishClientSend": True}}))
    rules.chmod(0o600)
    plugin = (f"plugin {PLUGIN}", f"plugin_opt_config_file {rules}")
    with broker(tmp_path, *plugin) as mill, following(urls, keyring, of_port(mill.port)):
        row = soon(record, "mill", is_failing)
    assert (row["problem"], row["good_at"]) == ("subscription_refused", None)


# -- nothing that opens anything ------------------------------------------------------------------


def test_no_credential_is_on_record(
    urls: Urls, keyring: Keyring, web: Site, record: Connection, tmp_path: Path
) -> None:
    cert, _ = certificate(tmp_path)
    words, password = tmp_path / "words", tmp_path / "password"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(words), "usr-1", "pw-secret-1"], check=True)
    words.chmod(0o644)
    password.write_text("pw-wrong-1\n")
    header = tmp_path / "header"
    header.write_text("Bearer hd-secret-1\n")
    host = web.url.removeprefix("http://")
    feeds = (
        FastFeed("by-path", f"{web.url}/tk-secret-1/feed?key=qy-secret-1#fr-secret-1"),
        FastFeed("by-user", f"http://usr-2:pw-secret-2@{host}/feed"),
        FastFeed("by-header", f"https://{host}/feed", authorization=str(header), tls_ca=str(cert)),
    )
    with broker(tmp_path, f"password_file {words}", "allow_anonymous false") as mill:
        login = {"username": "usr-1", "password_file": str(password)}
        named = (
            of_port(mill.port, **login),
            of_port(mill.port, name="odd", host="usr-3:pw-secret-3@127.0.0.1"),
        )
        with polling(urls, keyring, *feeds), following(urls, keyring, *named):
            assert soon(record, "mill", is_failing)["problem"] == "broker_refused"
            for name in ("by-path", "by-user", "by-header", "odd"):
                soon(record, name, is_failing)
            password.write_text("pw-secret-1\n")
            soon(record, "mill", is_good)
    said = [text for row in fetched(record) for text in map(str, row.values())]
    assert f"http://{host}" in said
    assert f"https://{host}" in said
    assert f"127.0.0.1:{mill.port}" in said
    for never in ("usr-", "pw-", "tk-", "qy-", "fr-", "hd-", "Bearer"):
        assert not [one for one in said if never in one], never
