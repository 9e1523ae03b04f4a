"""The CAP intake between a feed's server and the real record, which may be stopped and started
again; and alerts that are in force now."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cap_feed_server import FastCap, FastFeed, Site
from live_intake import Record, eventually, running
from prometheus_client import REGISTRY

from cap_samples import Authority, document, to_bytes
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.cap.document import parse
from tocsin.wire.cap.signing import Signer
from tocsin.wire.cap.times import write_time

ROWS = (
    "SELECT convert_from(read, 'UTF8')::jsonb || jsonb_build_object('problem', problem,"
    " 'assurance', assurance, 'intake', intake, 'district', district, 'source', source_address,"
    " 'answer', answer) FROM heard.message ORDER BY id"
)
NEW, GOES_ON, ENDED = ("Alert", "1"), ("Update", "6"), ("Cancel", "3")


class World:
    """The intake, which may be started again, and what it keeps."""

    def __init__(self, urls: Urls, ring: Keyring, record: Record, web: Site) -> None:
        self.urls, self.ring, self.record, self.web = urls, ring, record, web
        self._before = counters()

    def run(self, *feeds: FastFeed, sockets: int = 1, **settings: Any) -> Any:
        return running("cap", FastCap(feeds, **settings), self.urls, self.ring, sockets=sockets)

    def feed(self, name: str = "county", **settings: Any) -> FastFeed:
        return FastFeed(name, f"{self.web.url}/feed", **settings)

    def kept(self) -> list[dict[str, Any]]:
        found = [row[0] for row in self.record.execute(ROWS).fetchall()]
        self.record.rollback()
        return found

    def has(self, *wanted: tuple[str, str]) -> bool:
        """Whether token and qualifier of what is kept are these, in order."""
        return eventually(lambda: self.says() == list(wanted))

    def says(self) -> list[tuple[str, str]]:
        return [(one["token"], one.get("qualifier", "")) for one in self.kept()]

    def polled_again(self) -> None:
        """Two more polls have begun: what the first of them found is dealt with."""
        before = self.web.times("/feed")
        assert eventually(lambda: self.web.times("/feed") >= before + 2)

    def counted(self, name: str) -> int:
        """As the metrics have it, since this world began: the record's counters come later."""
        full = f"cap.{name}"
        return int(counters().get(full, 0) - self._before.get(full, 0))


def lasting(identifier: str = "a-1", **fields: Any) -> bytes:
    """An alert that is in force now."""
    raw = document(identifier, sent=now(-60), **fields)
    return raw.replace(b"2026-07-11T12:00:00+08:00", now(3_600).encode())


def now(seconds: float) -> str:
    return write_time((datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0))


def triple(raw: bytes) -> str:
    root = parse(raw)
    return ",".join(root.findtext(f"{{*}}{name}", "") for name in ("sender", "identifier", "sent"))


def counters() -> dict[str, float]:
    samples = [one for metric in REGISTRY.collect() for one in metric.samples]
    return {one.labels["name"]: one.value for one in samples if one.name == "tocsin_intake_total"}


def emptied(owner: Connection) -> None:
    """As if nothing had been heard."""
    owner.execute(
        "TRUNCATE heard.message, heard.further, heard.arrived, heard.pending, ref.cap_alert,"
        " ref.intake_counter"
    )
    owner.commit()


def bring_forward(world: World) -> None:
    """Time passes for what would expire."""
    with connect(world.urls.owner) as owner:
        owner.execute("UPDATE ref.cap_alert SET expires_at = now() WHERE expires_at IS NOT NULL")
        owner.commit()


def signed(raw: bytes, authority: Authority, **how: Any) -> bytes:
    begin = datetime.now(UTC) - timedelta(days=1)
    key, chain = authority.signer(begin=begin, end=begin + timedelta(days=90), **how)
    return to_bytes(Signer(key, chain).sign(parse(raw)))
