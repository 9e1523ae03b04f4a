"""`tocsin up` on data of an earlier schema: it comes up migrated, with what was there before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
from test_up import Up, wait_ready

from tocsin.core.commands import OpenIncident
from tocsin.core.terms import Actor, IncidentType, Level, Role
from tocsin.record.database import connect
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate, migrations, schema_is_current
from tocsin.site.postgres import Postgres, database

EARLIER = 4  # before the positions of units had their tables


def test_up_migrates_an_earlier_schema_and_keeps_its_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Postgres(data) as server:
        migrate(server.urls().owner, up_to=EARLIER)
        with connect(server.urls().application) as connection:
            assert not schema_is_current(connection)
            incident = (
                handle(
                    connection,
                    Keyring(data / "keys"),
                    OpenIncident(IncidentType.FIRE, Level.P1, "main", "main", note="smoke"),
                    actor=Actor("user:li", "Li Wei", Role.DISPATCHER, "main"),
                    key="before the upgrade",
                    now=datetime.now(UTC),
                )
                .facts[0]
                .subject
            )
            before = connection.execute("SELECT * FROM log.fact ORDER BY id").fetchall()
    assert before
    running = Up(data, tmp_path / "log", "--port", "0", "--listen", "dc09=127.0.0.1:0")
    try:
        addresses = running.listening()
        wait_ready(addresses)
        host, port = addresses["web"]
        assert httpx.get(f"http://{host}:{port}/health").status_code == 200
        with database(data, {}) as urls, connect(urls.owner) as connection:
            assert schema_is_current(connection)
            applied = connection.execute("SELECT count(*) FROM migration.applied").fetchone()
            assert applied == (len(migrations()),)
            kept = connection.execute(
                "SELECT * FROM log.fact WHERE id <= %s ORDER BY id", (before[-1][0],)
            ).fetchall()
            row = connection.execute("SELECT open FROM view.incident WHERE id = %s", (incident,))
            assert row.fetchone() == (True,)
        assert kept == before
        assert running.end() == 0
    finally:
        running.kill()
