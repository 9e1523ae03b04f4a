"""Connecting a panel: each frame as it comes, with its meaning, what is wrong and what to do; and
from there to a device in one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hearing import hear
from test_readiness import HEADER, KEY, upload
from test_site_screens import known, post

from little_city import City, build
from signing_in import signed_in
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.refused import Refusal, sealed
from tocsin.record.sealing import DayKeys
from tocsin.wire.dc09.frames import Frame, encode, seal
from tocsin.wire.dc09.frames import write_timestamp as stamp
from web_site import AGENCY, Site


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="connect ")


@pytest.fixture
def administrator(site: Site, city: City) -> httpx.Client:
    return signed_in(site, Role.ADMINISTRATOR)


def watching(browser: httpx.Client, **fields: str) -> str:
    begun = post(browser, "/readiness/connect/", **fields)
    assert begun.status_code == 302, begun.text
    return begun.headers["location"]


def live(browser: httpx.Client, address: str) -> str:
    answer = browser.get(f"{address}&live=1")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return answer.text


def sealed_frame(account: str, key: bytes) -> bytes:
    now = datetime.now(UTC)
    frame = Frame("SIA-DCS", "0001", None, "0", account, f"#{account}|NFA7".encode())
    return encode(seal(frame._replace(timestamp=stamp(now)), key, bytes(range(1, 33))))


def test_an_awaited_account_is_seen_and_becomes_a_device(
    site: Site, administrator: httpx.Client
) -> None:
    address = watching(administrator, account="f001")
    assert "Nothing heard yet." in live(administrator, address)
    hear(site, None, "FA", "7", account="F001", problem="unknown_account")
    hear(site, None, "BA", "1", account="F999", problem="unknown_account")
    shown = live(administrator, address)
    assert "Fire alarm" in shown
    assert "The account is not registered." in shown
    assert "F999" not in shown
    assert "/readiness/connect/device/?protocol=dc09&amp;account=F001" in shown

    row = known(administrator, "C-1", "F100")
    path = "/readiness/connect/device/?protocol=dc09&account=F001"
    fields = {"site": "C-1", "key": "", "key_form": "hex", "datum": "WGS-84"}
    adopted = post(administrator, path, **fields)
    assert adopted.status_code == 302, adopted.text
    devices = administrator.get("/api/v1/devices?account=F001").json()["items"]
    assert [one["site"] for one in devices] == [row["id"]]
    assert len(administrator.get(f"/api/v1/sites/{row['id']}").json()["zones"]) == 2

    # A new site needs its place.
    other = "/readiness/connect/device/?protocol=dc09&account=F999"
    missing = post(administrator, other, **(fields | {"site": "C-new"}))
    assert missing.status_code == 200
    assert 'class="problem"' in missing.text
    place = {"name_en": "New", "address": "1 Rd", "lat": "31", "lon": "121", "district": "north"}
    assert post(administrator, other, **(fields | place | {"site": "C-new"})).status_code == 302
    assert administrator.get("/readiness/connect/device/?protocol=fax").status_code == 404


def test_of_an_account_that_is_not_there_yet_no_device_is_said_to_need_a_key(
    site: Site, administrator: httpx.Client
) -> None:
    hear(site, None, "FA", "1", account="F250", address="192.0.2.25", problem="no_key")
    shown = live(administrator, watching(administrator, account="F250"))
    assert "there is no device with this account yet. Add it and give its key." in shown
    assert "Edit the device" not in shown


@pytest.mark.parametrize(
    ("account", "off", "said"),
    [
        ("F261", timedelta(minutes=-62), ("62 minutes behind", "慢 62 分钟")),
        ("F262", timedelta(hours=8), ("8 hours ahead", "快 8 小时")),
        ("F263", timedelta(days=-20_000), ("20000 days behind", "慢 20000 天")),
        ("F264", None, ("no time", "无时间")),
    ],
)
def test_a_panel_whose_clock_is_wrong_is_told_by_how_much(
    site: Site,
    administrator: httpx.Client,
    account: str,
    off: timedelta | None,
    said: tuple[str, str],
) -> None:
    """Its encrypted message is refused, and says nothing but whose it is."""
    row = known(administrator, f"C-{account}", account)
    at = None if off is None else datetime.now(UTC) + off
    stale = SignalRead("dc09", "SIA-DCS", account, occurred_at=at, encrypted=True)
    address = watching(administrator, account=account)
    hear(site, row, "", problem="stale_time", whose=stale)
    shown = live(administrator, address)
    assert f"<td>{account}</td>" in shown
    assert "wrong time" in shown
    assert said[0] in shown
    administrator.headers["Accept-Language"] = "zh-CN"
    assert said[1] in live(administrator, address)
    device = row["devices"][0]
    desk = site.client(Role.DISPATCHER)
    heard = desk.get(f"/api/v1/signals?device={device}").json()["items"]
    assert [(one["account"], one["problem"], one["incident"]) for one in heard] == [
        (account, "stale_time", None)
    ]


def test_every_unknown_sender_or_those_of_one_address(
    site: Site, administrator: httpx.Client
) -> None:
    hear(site, None, "FA", "1", account="F201", address="192.0.2.20")
    hear(site, None, "FA", "1", account="F202", address="192.0.2.21")
    row = known(administrator, "C-2", "F203")
    hear(site, row, "FA", "1", account="F203", address="192.0.2.20")
    everybody = live(administrator, watching(administrator))
    one = live(administrator, watching(administrator, address="192.0.2.20"))
    assert "F201" in everybody
    assert "F202" in everybody
    assert "F201" in one
    for account, shown in (("F203", everybody), ("F202", one), ("F203", one)):
        assert account not in shown
    assert post(administrator, "/readiness/connect/", address="not an address").status_code == 200


@pytest.mark.parametrize(
    ("typed", "form", "panel", "words"),
    [
        # The panel takes the 32 digits as hexadecimal; here they were typed as characters.
        (KEY, "ascii", bytes.fromhex(KEY), "the panel takes it as hexadecimal digits"),
        # The other way: the panel takes 32 digits as 32 characters.
        (KEY, "hex", KEY.encode(), "the panel takes the digits as plain characters"),
        (KEY, "hex", b"another key 1234", "Type it again in the panel and here"),
    ],
)
def test_a_wrong_key_is_explained(
    site: Site, administrator: httpx.Client, typed: str, form: str, panel: bytes, words: str
) -> None:
    account = {"ascii": "F301", "hex": "F302"}[form]
    place = "C-3,某,Some,1 Rd,31.2,121.4,WGS-84,north"
    upload(administrator, f"{HEADER}\n{place},dc09,{account},{typed},{form},60", "import")
    found = administrator.get("/api/v1/sites?code=C-3").json()["items"][0]
    device = administrator.get(f"/api/v1/devices?account={account}").json()["items"][0]
    hear(
        site,
        {**found, "devices": [device["id"]]},
        "",
        account=account,
        problem="wrong_key",
        body=sealed_frame(account, panel),
    )
    shown = live(administrator, watching(administrator, account=account))
    assert words in shown.split("</tr>")[1]
    assert typed not in shown


def test_the_dialect_of_a_frame_is_told(site: Site, administrator: httpx.Client) -> None:
    from tocsin.wire.dc09.frames import Form

    frame = Frame("SIA-DCS", "0001", None, "0", "F401", b"#F401|NFA7", form=Form.CRC_WITH_CR)
    hear(site, None, "FA", "7", account="F401", body=encode(frame))
    hear(site, None, "FA", "7", account="F402", body=encode(frame._replace(form=Form.STANDARD)))
    rows = live(administrator, watching(administrator)).split("<tr>")
    one = next(row for row in rows if "F401" in row)
    other = next(row for row in rows if "F402" in row)
    assert "eldes" in one
    assert "eldes" not in other


def test_each_watch_is_written_down_and_ends(
    site: Site, administrator: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = watching(administrator, account="F501")
    assert "#F501" in administrator.get("/readiness/looked/").text
    other = signed_in(site, Role.ADMINISTRATOR)
    assert other.get(address).status_code == 404  # its own look has not been written down
    assert administrator.get(f"{address}x").status_code == 404
    assert administrator.get("/readiness/connect/frames/").status_code == 404
    hear(site, None, "FA", "1", account="F501")
    assert "F501" in live(administrator, address)
    monkeypatch.setattr("tocsin.apps.readiness.connecting.WATCH_S", 0)
    ended = live(administrator, address)
    assert "The half hour is over." in ended
    assert "F501" not in ended


def test_what_a_message_says_stays_sealed(site: Site, administrator: httpx.Client) -> None:
    hear(site, None, "FA", "1", account="F601", body=b"secret words of the frame")
    page = administrator.get(watching(administrator)).text
    assert "F601" in page
    assert "secret words" not in page


def turned_away(
    site: Site, reason: str, raw: bytes, *, address: str, agency: str = AGENCY, further: int = 0
) -> None:
    one = Refusal(datetime.now(UTC), address, reason, raw, len(raw) + 7, further)
    row = sealed(DayKeys(site.keyring), "dc09", one, "north", agency)
    with connect(site.urls.application) as opened:
        marks = ", ".join(["%s"] * len(row))
        opened.execute(f"INSERT INTO heard.refused VALUES ({marks})".encode(), row)


def test_what_was_refused_is_shown_with_its_bytes_and_what_to_do(
    site: Site, administrator: httpx.Client
) -> None:
    address = watching(administrator)
    turned_away(site, "bad_crc", b'\n0000"SIA-DCS"<b>', address="192.0.2.41", further=37)
    turned_away(site, "foreign.galaxy", b"F#123456", address="192.0.2.42")
    turned_away(site, "bad_crc", b"of others", address="192.0.2.43", agency="elsewhere")
    shown = live(administrator, address).split("What was refused")[1]
    assert shown.index("192.0.2.42") < shown.index("192.0.2.41")  # newest first
    assert "192.0.2.43" not in shown
    first = next(row for row in shown.split("<tr>") if "192.0.2.41" in row)
    assert "Bad checksum" in first
    assert "dialects on the page of DC-09" in first
    assert "·0000&quot;SIA-DCS&quot;&lt;b&gt;" in first
    assert "0a 30 30 30 30 22" in first
    assert "37 more in this second" in first
    assert "and 7 bytes more" in first
    other = next(row for row in shown.split("<tr>") if "192.0.2.42" in row)
    assert "Choose SIA DC-09 at its Ethernet module." in other
    at_one = live(administrator, watching(administrator, address="192.0.2.42"))
    assert "192.0.2.41" not in at_one
    assert "192.0.2.42" in at_one
    assert "More was refused than is kept here" not in shown
    for _ in range(50):
        turned_away(site, "bad_crc", b"again", address="192.0.2.44")
    assert "More was refused than is kept here" in live(administrator, address)


def test_a_poll_is_told_as_last_seen(site: Site, administrator: httpx.Client) -> None:
    row = known(administrator, "C-7", "F701")
    seen_at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    with connect(site.urls.application) as opened:
        opened.execute(
            "INSERT INTO ref.seen (device, last_seen_at, polls) VALUES (%s, %s, 1)",
            (row["devices"][0], seen_at),
        )
    address = watching(administrator, account="F701")
    assert "Device F701 was last seen 2026-03-04 05:06:07 UTC (poll)." in live(
        administrator, address
    )
    hear(site, row, "FA", "1", account="F701")
    with connect(site.urls.application) as opened:
        opened.execute(
            "UPDATE ref.seen SET last_seen_at = (SELECT max(received_at) FROM heard.message"
            " WHERE device = device_of.id) FROM (SELECT %s::uuid AS id) device_of"
            " WHERE ref.seen.device = device_of.id",
            (row["devices"][0],),
        )
    shown = live(administrator, address)
    assert "UTC (message)." in shown
    assert "UTC (poll)." not in shown
    assert "last seen" not in live(administrator, watching(administrator, account="F702"))
