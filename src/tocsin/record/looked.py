"""Who looked at what is kept closed - contacts, keys, what unknown senders say - and when. Written
before it is shown, never changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from tocsin.core.terms import Actor
from tocsin.record.database import Connection
from tocsin.record.ids import first_at, uuid7
from tocsin.record.views.sql import fetch


class Looked(StrEnum):
    """At what."""

    CONTACTS = "contacts"  # of one site
    EXPORT = "export"  # the register with its contacts, without keys
    EXPORT_KEYS = "export_keys"  # the same with the keys of devices
    COMMISSIONING = "commissioning"  # what unknown senders say
    PLAN = "plan"  # the action plans of one incident, once an hour by each


_HOUR: Final = timedelta(hours=1)

_INSERT: Final = """
INSERT INTO log.looked (id, at, actor, actor_name, what, about, district, agency)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""


def record_look(
    connection: Connection,
    actor: Actor,
    what: Looked,
    about: str,
    *,
    now: datetime,
    district: str = "",
    agency: str | None = None,
) -> None:
    """Write down that `actor` is about to see it; `about` is a site's code, or what was asked for.
    Commits: what cannot be written down is not shown."""
    connection.execute(
        _INSERT,
        (
            *(uuid7(now), now, actor.id, actor.name, what.value, about[:200], district),
            actor.agency if agency is None else agency,
        ),
    )
    connection.commit()


def record_look_once(
    connection: Connection,
    actor: Actor,
    what: Looked,
    about: str,
    *,
    now: datetime,
    district: str,
    agency: str,
) -> None:
    """`record_look`, unless the same was written down within the hour: what stands on a screen is
    read again with each change."""
    seen = connection.execute(
        "SELECT FROM log.looked WHERE id >= %s AND (actor, what, about, agency)"
        " = (%s, %s, %s, %s) LIMIT 1",
        (first_at(now - _HOUR), actor.id, what.value, about[:200], agency),
    ).fetchone()
    if seen is None:
        record_look(connection, actor, what, about, now=now, district=district, agency=agency)


def looks(connection: Connection, agency: str, *, limit: int = 200) -> list[dict[str, Any]]:
    """The newest looks in an agency, newest first."""
    return fetch(
        connection,
        "SELECT id, at, actor, actor_name, what, about, district FROM log.looked"
        " WHERE agency = %s ORDER BY id DESC LIMIT %s",
        [agency, limit],
    )
