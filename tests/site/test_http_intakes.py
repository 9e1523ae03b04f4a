"""The settings of webhooks and AML: what `tocsin check-config` refuses, each with its path, and
that what it takes reaches the process that listens."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from tocsin.site.configuration import Configuration, ConfigurationRefused, changes, load
from tocsin.site.intakes.webhook import Source
from tocsin.wire.webhook.page import EXAMPLE


def checked(tmp_path: Path, text: str) -> Configuration | list[str]:
    file = tmp_path / "tocsin.toml"
    file.write_text(text, encoding="utf-8")
    try:
        return load(file)
    except ConfigurationRefused as refused:
        return [one.partition("tocsin.toml: ")[2] for one in refused.problems]


def test_the_example_of_the_page_is_taken_and_survives_the_way_to_the_edge(tmp_path: Path) -> None:
    found = checked(tmp_path, EXAMPLE + "\n[edge.webhook]\nenabled = true\n")
    assert isinstance(found, Configuration)
    (source,) = found.edge.webhook.sources
    assert (source.name, source.mapping.values["smoke"]) == ("tower-7", "FA")
    (tmp_path / "kept.json").write_bytes(msgspec.json.encode(found))
    assert load(tmp_path / "kept.json") == found
    (said,) = (one for one in changes(Configuration(), found) if "sources" in one)
    # What it would change is told as TOML that says the same.
    told = tomllib.loads(said.partition(" -> ")[2].join(("sources = ", "")))["sources"]
    assert msgspec.convert(told, tuple[Source, ...]) == (source,)


AML = "[edge.aml]\nenabled = true\n"
OPERATOR = '[[edge.aml.operators]]\nname = "a"\nsecret_file = "LONG"\n'
SOURCE = '[[edge.webhook.sources]]\nname = "a"\n[edge.webhook.sources.mapping]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SOURCE + 'code = "type"',
            "edge.webhook.sources[0].mapping.code: 'type' is no JSON Pointer",
        ),
        (SOURCE + 'zone = "/a~"', "edge.webhook.sources[0].mapping.zone: '/a~' is no JSON Pointer"),
        (
            SOURCE + 'values = { smoke = "QQ" }',
            "edge.webhook.sources[0].mapping.values.smoke: 'QQ' is no code of the list 'sia'",
        ),
        (
            SOURCE + 'codes = "cid"\nvalues = { smoke = "FA" }',
            "edge.webhook.sources[0].mapping.values.smoke: 'FA' is no code of the list 'cid'",
        ),
        (SOURCE + 'datum = "ED50"', "edge.webhook.sources[0].mapping.datum: 'ED50' is no datum"),
        (SOURCE + 'kode = "/a"', "edge.webhook.sources: Object contains unknown field `kode`"),
        (SOURCE + 'codes = "fire"', "edge.webhook.sources: Invalid enum value 'fire'"),
        (SOURCE + SOURCE, "edge.webhook.sources[1].name: a is sources[0] already"),
        ('[[edge.webhook.sources]]\nname = "a b"', "edge.webhook.sources: Expected `str` matching"),
        (
            '[edge.webhook]\nenabled = true\nhost = "0.0.0.0"',
            "edge.webhook.port: 0.0.0.0 is reachable from other machines",
        ),
        (
            '[edge.webhook]\nenabled = true\nproxy = "my-proxy"',
            "edge.webhook.proxy: my-proxy is no IP address",
        ),
        (
            "[edge.webhook]\nenabled = true\nport = -1\ntls_port = 443",
            "edge.webhook.tls_port: needs tls_cert and tls_key",
        ),
        ("[edge.aml]\nenabled = true", "edge.aml: enabled, and nobody may send"),
        (
            AML + OPERATOR.replace("LONG", "/none/there"),
            "edge.aml.operators[0].secret_file: no such file",
        ),
        (
            '[edge.aml]\nenabled = true\n[[edge.aml.operators]]\nname = "a"\nsecret_file = "SHORT"',
            "edge.aml.operators[0].secret_file: the secret has fewer than 16 bytes",
        ),
        (
            '[edge.aml]\nenabled = true\nallow_unsigned = true\nhost = "0.0.0.0"',
            "edge.aml.port: 0.0.0.0 is reachable from other machines",
        ),
        (
            AML + OPERATOR + OPERATOR.replace("operators", "gateways"),
            "edge.aml.gateways[0].name: a is operators[0] already",
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    for name, size in (("SHORT", 15), ("LONG", 16)):
        (tmp_path / name).write_bytes(b"x" * size + b"\n")
        text = text.replace(f'"{name}"', f'"{tmp_path / name}"')
    found = checked(tmp_path, text)
    assert isinstance(found, list)
    assert [one for one in found if one.startswith(said)], found
    assert len(found) == 1


@pytest.mark.parametrize("section", ["webhook", "aml"])
def test_beyond_loopback_with_a_proxy_or_tls(tmp_path: Path, section: str) -> None:
    more = "allow_unsigned = true\n" if section == "aml" else ""
    opening = f'[edge.{section}]\nenabled = true\nhost = "0.0.0.0"\n{more}'
    assert isinstance(checked(tmp_path, opening + 'proxy = "10.0.0.1"'), Configuration)
    for name in ("cert", "key"):
        (tmp_path / name).write_text("x")
    tls = f'port = -1\ntls_port = 8443\ntls_cert = "{tmp_path}/cert"\ntls_key = "{tmp_path}/key"'
    assert isinstance(checked(tmp_path, opening + tls), Configuration)
