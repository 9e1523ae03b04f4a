"""The desk's side of webhooks in tests: sources, and what became of what they sent."""

from typing import Any

from live_intake import Record, install
from signed_requests import SECRET

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.webhook import Source, Webhook
from tocsin.wire.webhook.mapping import Fields

SETTINGS = Webhook(
    enabled=True,
    port=0,
    sources=(
        Source(name="stripe", signature="stripe"),
        Source(name="github", signature="github", header="X-Signature"),
        Source(
            name="list",
            mapping=Fields(events="/events", code="/type", values={"smoke": "FA", "burglar": "BA"}),
        ),
    ),
)
ACCOUNTS = ("tower", "stripe", "github", "list", "again", "later", "restart", "held")


def with_sources(urls: Urls, ring: Keyring) -> Urls:
    """A device for each account."""
    with connect(urls.owner) as owner:
        for account in ACCOUNTS:
            install(owner, ring, "webhook", account, SECRET)
    return urls


def rows(record: Record, what: str = "problem, assurance, intake, read") -> list[Any]:
    record.rollback()
    found: list[Any] = record.execute(f"SELECT {what} FROM heard.message ORDER BY id").fetchall()
    return found


def decisions(record: Record, account: str) -> int:
    """How many signals of a source are to be decided on."""
    record.rollback()
    row = record.execute(
        "SELECT count(*) FROM heard.pending p JOIN ref.device d ON p.queue = d.id::text"
        f" WHERE d.protocol = 'webhook' AND d.account = '{account}'"
    ).fetchone()
    return int(row[0])
