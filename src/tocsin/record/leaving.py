"""A sender that is taken out of a crowd: its signals there, what one of them says, where it is."""

from __future__ import annotations

from typing import Final

from tocsin.core.commands import Command, SplitSender
from tocsin.core.incidents.leaving import SENDER_SIGNALS_MAX
from tocsin.core.terms import Datum, Leaving, Place
from tocsin.record.database import Connection
from tocsin.record.views.overlay import SIGNALS, signal_rows
from tocsin.record.views.sql import fetch

# One more than may leave at once tells that there are too many.
_SIGNALS: Final = """
SELECT o.id FROM view.signal s JOIN view.signal o ON o.sender = s.sender AND o.incident = s.incident
WHERE s.id = %s AND s.incident = %s AND s.sender <> '' ORDER BY o.id LIMIT %s"""
_SITE: Final = """
SELECT name_zh, name_en, address, address_en, lat, lon, datum FROM ref.site WHERE id = %s"""


def leaving_of(connection: Connection, command: Command) -> Leaving | None:
    """Who a command takes out of a crowd; None for any other command, and where the signal is not
    that of a sender in the crowd, or no longer kept."""
    if not isinstance(command, SplitSender):
        return None
    values = (command.signal, command.incident, SENDER_SIGNALS_MAX + 1)
    signals = tuple(one for (one,) in connection.execute(_SIGNALS, values).fetchall())
    if not signals:
        return None
    rows = signal_rows(fetch(connection, f"{SIGNALS} WHERE s.id = %s", [command.signal]))
    if not rows:
        return None
    (row,) = rows
    site = connection.execute(_SITE, (row["site"],)).fetchone() if row["site"] else None
    if site is None:
        key = f"{row['protocol']}/{row['account']}"
        name = f"#{row['account']}"
        return Leaving(signals, row["text_zh"], row["text_en"], name, name, source_key=key)
    name_zh, name_en, address, address_en, lat, lon, datum = site
    return Leaving(
        *(signals, row["text_zh"], row["text_en"], name_zh, name_en),
        place=Place(lat, lon, Datum(datum), address, address_en or address, "site"),
    )
