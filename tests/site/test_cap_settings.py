"""The CAP section of the configuration: each key is on its page, each mistake is named."""

from pathlib import Path

import pytest

from tocsin.site.configuration import ConfigurationRefused, load
from tocsin.site.intakes.cap import Feed, Partner
from tocsin.wire.cap.page import FEED_KEYS, PARTNER_KEYS

FEED = {"name": "weather", "url": "https://weather.example.org/feed"}


def written(tmp_path: Path, feed: dict[str, object], section: str = "enabled = true\n") -> Path:
    lines = [f"{key} = {_toml(value)}" for key, value in feed.items()]
    file = tmp_path / "tocsin.toml"
    file.write_text(f"[edge.cap]\n{section}[[edge.cap.feeds]]\n" + "\n".join(lines) + "\n")
    return file


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def test_the_page_names_every_key() -> None:
    assert set(FEED_KEYS) == set(Feed.__struct_fields__)
    assert set(PARTNER_KEYS) == set(Partner.__struct_fields__)


def test_a_feed_is_read(tmp_path: Path) -> None:
    whole = FEED | {
        "kind": "atom",
        "interval_s": 60,
        "languages": ["zh", "en-US"],
        "hosts": ["api.example.org", "other.example.org:8443"],
        "area": "31.2,121.4 31.2,121.6 31.3,121.6 31.2,121.4",
        "geocodes": ["adcode=310101"],
    }
    (feed,) = load(written(tmp_path, whole)).edge.cap.feeds
    assert (feed.name, feed.interval_s, feed.misses_max) == ("weather", 60.0, 3)
    assert feed.languages == ("zh", "en-US")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"interval_s": 59}, "interval_s"),
        ({"kind": "html"}, "kind"),
        ({"name": "a b"}, "name"),
        ({"name": "inbox"}, "name"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://user:word@example.org/"}, "url"),
        ({"url": "https://example.org:99999/"}, "url"),
        ({"url": "https:///feed"}, "url"),
        ({"languages": ["zh_CN"]}, "languages"),
        ({"area": "31,121 32,122 31,121"}, "area"),
        ({"area": "31,121 32,122 33,121 34,121"}, "area"),
        ({"geocodes": ["310101"]}, "geocodes"),
        ({"hosts": ["http://example.org"]}, "hosts"),
        ({"hosts": ["example.org:http"]}, "hosts"),
        ({"url": "http://example.org/", "authorization": "/dev/null"}, "authorization"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, change: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        load(written(tmp_path, FEED | change))
    assert key in str(caught.value)
    assert "edge.cap" in str(caught.value)


def test_two_sources_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    file = written(tmp_path, FEED)
    file.write_text(file.read_text() + '[[edge.cap.feeds]]\nname = "weather"\nurl = "http://b/"\n')
    with pytest.raises(ConfigurationRefused, match=r"feeds\[1\].name"):
        load(file)


def test_a_port_in_clear_is_for_this_machine_only(tmp_path: Path) -> None:
    section = 'enabled = true\nhost = "0.0.0.0"\n'
    with pytest.raises(ConfigurationRefused, match=r"edge.cap.port"):
        load(written(tmp_path, FEED, section))
