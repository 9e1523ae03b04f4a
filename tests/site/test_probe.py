"""The probe in the configuration: which ways in it goes through, and why not through others."""

import ssl
from pathlib import Path

import msgspec
import pytest

from tocsin.core.probing import is_reserved
from tocsin.core.texts.intakes import NAMES, TITLES, vouched
from tocsin.edge.probe import PROBED
from tocsin.record.keys import Keyring
from tocsin.record.probing import Socket
from tocsin.site import probe_settings
from tocsin.site.configuration import Configuration, ConfigurationRefused, load
from tocsin.site.probe import Prober, expected_names, intakes_shown

EVERYTHING = """
[edge.dc09]
tls_port = 0
tls_cert = "{cert}"
tls_key = "{cert}"
[edge.mqtt]
enabled = true
tls_port = 0
tls_cert = "{cert}"
tls_key = "{cert}"
tls_client_ca = "{cert}"
[edge.webhook]
enabled = true
[edge.sos_access]
enabled = true
port = -1
tls_port = 0
tls_cert = "{cert}"
tls_key = "{cert}"
[edge.mail]
enabled = true
domains = ["alarm.test"]
[edge.aml]
enabled = true
allow_unsigned = true
[edge.cap]
enabled = true
"""


def configuration(place: Path, text: str) -> Configuration:
    cert = place / "cert.pem"
    cert.write_text("no certificate")
    file = place / "tocsin.toml"
    file.write_text(text.format(cert=cert))
    return load(file)


def test_every_way_in_that_is_open_is_probed(tmp_path: Path) -> None:
    names = expected_names(configuration(tmp_path, EVERYTHING))
    assert sorted(names) == sorted(
        [
            *("dc09.tcp", "dc09.udp", "dc09.tls", "mqtt.tcp", "mqtt.tls", "sos_access.tls"),
            *("mail.tcp", "webhook.http", "aml.http", "cap.http", "call", "report"),
        ]
    )
    assert {name.partition(".")[0] for name in names} == PROBED


def test_what_is_not_open_is_not() -> None:
    assert expected_names(Configuration()) == ["dc09.tcp", "dc09.udp", "call", "report"]


def test_one_list_of_names() -> None:
    """Of the settings, of the screen, and of who speaks."""
    assert set(probe_settings.NAMES) == set(NAMES)
    assert {name.partition(".")[0] for name in NAMES} == PROBED == set(TITLES)


def test_the_screen_knows_how_each_is_set_up(tmp_path: Path) -> None:
    shown = {str(one["name"]): one for one in intakes_shown(configuration(tmp_path, EVERYTHING))}
    assert shown["mqtt.tls"]["asks_certificate"] is True
    assert shown["dc09.tls"]["asks_certificate"] is False
    assert shown["aml.http"]["takes_unsigned"] is True
    assert [name for name, one in shown.items() if one["is_tls"]] == [
        *("dc09.tls", "mqtt.tls", "sos_access.tls"),
    ]
    for name, one in shown.items():
        del one["name"], one["is_tls"]
        assert vouched(name, **one).why.zh  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[probe]\noff = {{"dc09.tpc" = "never"}}', "dc09.tpc"),
        ('[probe]\noff = {{"dc09.udp" = "x"}}', "say why"),
        ("[probe]\ninterval_s = 9", "interval_s"),
        ("[probe]\ninterval_s = 601", "interval_s"),
        ('[probe]\nclient_cert = "{cert}"', "belong together"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationRefused, match=said):
        configuration(tmp_path, text)


@pytest.mark.parametrize("interval_s", [10, 600])
def test_the_interval_has_bounds(tmp_path: Path, interval_s: int) -> None:
    assert configuration(tmp_path, f"[probe]\ninterval_s = {interval_s}").probe.interval_s


def test_what_is_left_out_says_why(tmp_path: Path) -> None:
    chosen = configuration(
        tmp_path, EVERYTHING + '[probe]\noff = {{"webhook.http" = "moved to another machine"}}'
    )
    found = [
        Socket("dc09", "tcp", "0.0.0.0", 12300),
        Socket("dc09", "udp", "::", 12300),
        Socket("web", "http", "192.0.2.7", 8443),
    ]
    targets, lost, skipped = Prober(Keyring(tmp_path / "keys"), chosen)._targets(found)
    assert skipped["webhook.http"] == "moved to another machine"
    assert "probe.client_cert" in skipped["mqtt.tls"]
    assert {one.name: one.address for one in targets} == {
        "dc09.tcp": "127.0.0.1",
        "dc09.udp": "::1",
        "call": "192.0.2.7",
        "report": "192.0.2.7",
    }
    # Switched on, and heard of nowhere: that is a miss, and no reason to say nothing.
    assert "mail.tcp" in lost
    assert "dc09.tls" in lost
    assert all(is_reserved(one.account) for one in targets)
    assert len({one.account for one in targets}) == len({one.secret for one in targets}) == 4


def test_who_serves_its_proxy_only_is_not_asked_past_it(tmp_path: Path) -> None:
    chosen = configuration(tmp_path, '[web]\nhost = "192.0.2.7"\nproxy = "192.0.2.8"')
    _, _, skipped = Prober(Keyring(tmp_path / "keys"), chosen)._targets([])
    assert set(skipped) == {"call", "report"}


def test_a_certificate_that_cannot_be_read_is_a_miss(tmp_path: Path) -> None:
    chosen = configuration(tmp_path, EVERYTHING)
    found = [Socket("dc09", "tls", "127.0.0.1", 12301)]
    targets, lost, _ = Prober(Keyring(tmp_path / "keys"), chosen)._targets(found)
    assert not targets
    assert "dc09.tls" in lost
    assert issubclass(ssl.SSLError, OSError)


def test_the_settings_are_written_as_they_are_read() -> None:
    before = Configuration()
    assert msgspec.convert(msgspec.to_builtins(before), Configuration) == before
