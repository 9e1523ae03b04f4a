"""What docs/protocols/webhook.md says beyond the card: how a source signs, our own plain form, and
what a mapping holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tocsin.core.identity_fields import PERSONS, SECRETS
from tocsin.wire.card import table
from tocsin.wire.webhook.identity import MARKER
from tocsin.wire.webhook.mapping import Fields
from tocsin.wire.webhook.signature import HEADER, Form

FORMS: Final = {
    Form.STANDARD: "`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64>` over"
    " `id.timestamp.body`; several signatures stand apart by spaces",
    Form.STRIPE: "`t=<seconds>,v1=<hex>` over `seconds.body`",
    Form.GITHUB: "`sha256=<hex>` over the body, and no time: a recorded request that comes again"
    " later than three minutes is not told from a new one",
}

MEANINGS: Final = {
    "events": "the list of events; empty: the document is one event. The others are inside of each",
    "code": "what happened",
    "codes": "which list codes are of: `sia` (two letters), `cid` (Contact ID), `cap`",
    "values": "what stands at `code`, and the code that it is; empty: it is the code itself",
    "otherwise": "the code of whatever is not in `values`; empty: unreadable",
    "qualifier": "1 new, 3 restored, 6 still present; 1 where nothing is said",
    "qualifiers": "what stands at `qualifier`, and what it is",
    "zone": "zone or device, text or whole number",
    "partition": "partition, text or whole number",
    "text": "free text, sealed; up to 2,000 characters",
    "occurred_at": "when it happened",
    "times": "how that is written: `rfc3339` with its zone, `epoch_s`, `epoch_ms`",
    "level": "the priority that the source itself gives, 1 to 4",
    "levels": "what stands at `level`, and what it is",
    "lat": "latitude of the alarm, degrees, a number",
    "lon": "longitude of the alarm, degrees, a number",
    "datum": "`WGS-84`, `GCJ-02`, `BD-09` or `CGCS2000`, or a pointer to it",
}


def sections() -> Iterator[str]:
    """Markdown between what is read and the limits."""
    yield "## How a source signs"
    yield ""
    yield "The source is a device of the protocol `webhook`; its account is the name in the"
    yield "address, its key the secret. `whsec_...` is the base64 that Standard Webhooks writes."
    yield ""
    rows = [(f"`{form}`", f"`{HEADER[form]}`", text) for form, text in FORMS.items()]
    yield from table(("signature", "header", "what it holds"), rows)
    yield ""
    yield "## The plain form"
    yield ""
    yield "```json"
    yield from PLAIN.splitlines()
    yield "```"
    yield ""
    yield "## A mapping"
    yield ""
    yield "For any other form, in the configuration; `tocsin check-config` names what is wrong."
    yield ""
    yield "```toml"
    yield from EXAMPLE.splitlines()
    yield "```"
    yield ""
    defaults = Fields()
    rows = []
    for name in Fields.__struct_fields__:
        value = getattr(defaults, name)
        rows.append((f"`{name}`", MEANINGS[name], f"`{value}`" if value else ""))
    yield from table(("key", "what it says", "default"), rows)
    yield ""
    yield "## What is dropped"
    yield ""
    yield f"The values of these names become `{MARKER}`, in any case, divided in any way, in the"
    yield "plural and inside of longer names (`driver_phone`); true and false stay:"
    yield f"{', '.join(sorted((*SECRETS, *PERSONS)))}."
    yield ""
    yield "Of a body that cannot be read nobody can tell which values these are: its length, its"
    yield "digest and the reason are kept, and none of it."
    yield ""


PLAIN: Final = """
{
  "code": "FA", "zone": "7", "text": "Kitchen", "occurred_at": "2026-11-21T09:30:00+08:00",
  "position": {"lat": 31.23, "lon": 121.47, "datum": "WGS-84"}
}
""".strip()

EXAMPLE: Final = """
[[edge.webhook.sources]]
name = "tower-7"
signature = "standard"

[edge.webhook.sources.mapping]
events = "/alarms"
code = "/type"
codes = "sia"
values = { smoke = "FA", intrusion = "BA", "smoke cleared" = "FR" }
zone = "/sensor/number"
text = "/sensor/name"
occurred_at = "/at"
times = "epoch_ms"
lat = "/where/lat"
lon = "/where/lon"
datum = "WGS-84"
""".strip()
