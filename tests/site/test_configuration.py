"""The configuration file: every key has a meaning, every mistake a path, nothing is ignored."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from tocsin.core.obligations import Obligations
from tocsin.site.configuration import (
    Configuration,
    ConfigurationRefused,
    ObligationTimes,
    changes,
    commented_defaults,
    is_loopback,
    load,
)


def refused(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "tocsin.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationRefused) as caught:
        load(file)
    return [line.removeprefix(f"{file}: ") for line in caught.value.problems]


def test_no_file_means_the_defaults() -> None:
    assert load(None) == Configuration()


@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
def test_the_printed_file_is_the_defaults_and_explains_every_key(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    text = commented_defaults()
    assert msgspec.convert(tomllib.loads(text), Configuration) == Configuration()
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            assert lines[number - 1].startswith("# "), line
            is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in lines[number - 1])
            assert is_chinese == language.startswith("zh"), line


def test_every_mistake_is_named_with_its_path(tmp_path: Path) -> None:
    problems = refused(
        tmp_path,
        """
        nmae_zh = "x"
        web = 3
        [edge.dc09]
        port = 70000
        idle_s = "long"
        [edge.dc10]
        [obligations]
        take_s = [60, 120, 300]
        answer_s = -1
        """,
    )
    assert problems == [
        'nmae_zh: unknown key; did you mean "name_zh"?',
        "web: must be a section",
        "edge.dc09.port: Expected `int` <= 65535",
        "edge.dc09.idle_s: Expected `float`, got `str`",
        'edge.dc10: unknown key; did you mean "dc09"?',
        "obligations.take_s: Expected `array` of length 4, got 3",
        "obligations.answer_s: Expected `int` >= 0",
    ]


def test_a_file_that_is_no_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "name_zh = \n")
    assert "line 1" in problem
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigurationRefused, match="No such file"):
        load(missing)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[web]\nhost = "0.0.0.0"', "passwords would cross the network in clear"),
        ('[web]\ntls_cert = "/nowhere.pem"', "give both or neither"),
        ('[web]\ntls_cert = "/nowhere"\ntls_key = "/nowhere"', "no such file: /nowhere"),
        ('[health]\nhost = "0.0.0.0"', "must be a loopback address"),
    ],
)
def test_unsafe_combinations_are_refused(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)[0]


def test_a_public_address_is_accepted_with_tls_or_a_declared_proxy(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    pem = tmp_path / "x.pem"
    pem.write_text("")
    file.write_text(f'[web]\nhost = "0.0.0.0"\ntls_cert = "{pem}"\ntls_key = "{pem}"\n')
    assert load(file).web.host == "0.0.0.0"
    file.write_text('[web]\nhost = "10.1.1.1"\nproxy = "10.1.1.9"\n')
    assert load(file).web.proxy == "10.1.1.9"


def test_loopback_is_told_from_the_network() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.9.9.9", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "desk.example", ""]))


def test_durations_are_those_of_the_core() -> None:
    mine = msgspec.structs.asdict(ObligationTimes())
    assert Obligations(**mine) == Obligations()
    assert set(mine) == {field.name for field in fields(Obligations)}


def test_changes_are_said_key_by_key(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text('name_en = "Mill Road"\n[web]\nport = 9000\n')
    assert changes(Configuration(), load(file)) == [
        'name_en: "Tocsin emergency response" -> "Mill Road"',
        "web.port: 8443 -> 9000",
    ]
    assert changes(load(file), load(file)) == []
