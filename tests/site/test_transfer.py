"""The steps of docs/operate/upgrade.md for another major version of PostgreSQL, as a person types
them: what comes out of the new directory is what was in the old one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tocsin.core.commands import AddNote, OpenIncident, RegisterUnit, SendUnits
from tocsin.core.terms import Actor, Capability, Datum, IncidentType, Level, Place, Role
from tocsin.record.database import Connection, connect
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.record.views import get_row, list_rows
from tocsin.site.postgres import database

ROOT = Path(__file__).parents[2]
LI = Actor("user:li", "Li Wei", Role.DISPATCHER, "main")
PLACE = Place(31.2304, 121.4737, Datum.WGS_84, "南京东路 1 号", "1 Nanjing Road East")
NOTE = "third floor, two children"

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n
ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
AND n.nspname IN ('log', 'heard', 'view', 'ref', 'track', 'migration', 'public') ORDER BY 1"""

# Owners and grants of schemas, tables, columns, sequences and functions; triggers; our roles.
RIGHTS = {
    "schemas": "SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace"
    " WHERE nspname !~ '^pg_(toast|temp)' ORDER BY 1",
    "relations": "SELECT n.nspname, c.relname, c.relkind::text, c.relowner::regrole::text,"
    " (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(c.relacl, acldefault("
    " CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner))) a)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname !~ '^(pg_|information)' ORDER BY 1, 2",
    "columns": "SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute"
    " WHERE attacl IS NOT NULL AND attrelid > 16383 ORDER BY 1, 2",
    "functions": "SELECT proname, proowner::regrole::text, proacl::text, prosrc FROM pg_proc"
    " WHERE oid > 16383 ORDER BY 1",
    "triggers": "SELECT tgrelid::regclass::text, tgname, tgenabled::text,"
    " pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace > 16383 OR connamespace = 2200 ORDER BY 1, 2",
    "roles": "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolbypassrls"
    " FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
    "database": "SELECT datname, datdba::regrole::text, datcollate, datlocale,"
    " (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a)"
    " FROM pg_database WHERE datname = 'tocsin'",
}


@dataclass(frozen=True)
class Moved:
    """Two data directories and the unit of work that both must tell of."""

    old: Path
    new: Path
    incident: object
    said: list[str]


def tocsin(*words: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "tocsin.site.command", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def steps() -> list[str]:
    """The commands of the document's section, in its order."""
    text = (ROOT / "docs/operate/upgrade.md").read_text(encoding="utf-8")
    section = text.split("## Another major version of PostgreSQL")[1]
    return re.findall(r"^\d+\. .*?`([^`]+)`", section, flags=re.MULTILINE)


def work(connection: Connection, keyring: Keyring) -> object:
    """One of each: an incident with a sealed note, a unit, an order, positions."""

    def do(command: object) -> object:
        now = datetime.now(UTC)
        outcome = handle(connection, keyring, command, actor=LI, key=str(uuid4()), now=now)  # type: ignore[arg-type]
        return outcome.facts[0].subject

    unit = do(
        RegisterUnit(uuid4(), "1-1", "engine", (Capability.PUMP,), uuid4(), PLACE, "main", "main")
    )
    incident = do(OpenIncident(IncidentType.FIRE, Level.P1, "main", "main", PLACE, note=NOTE))
    do(SendUnits(incident, (unit,)))  # type: ignore[arg-type]
    do(AddNote(incident, "second alarm"))  # type: ignore[arg-type]
    while assign(connection):
        pass
    return incident


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    place = tmp_path_factory.mktemp("moved")
    old, new = place / "old", place / "new"
    tocsin("admin", "create", "first", "--data", str(old))
    with database(old, {}) as urls, connect(urls.application) as connection:
        incident = work(connection, Keyring(old / "keys"))
    said = []
    for step in steps():
        words = step.replace("OLD", str(old)).replace("NEW", str(new)).split()
        words = [str(place / one) if one == "tocsin.dump" else one for one in words]
        if words[0] == "tocsin" and words[1] != "up":
            said.append(tocsin(*words[1:]))
        elif words[0] == "cp":
            subprocess.run(words, check=True)
        else:
            assert words[:2] == ["tocsin", "up"], step
    yield Moved(old, new, incident, said)
    shutil.rmtree(place)


def rows(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    names = [name for (name,) in connection.execute(TABLES).fetchall()]
    return {
        name: sorted(connection.execute(f"SELECT * FROM {name}".encode()).fetchall(), key=repr)
        for name in names
    }


def test_every_row_is_there(moved: Moved) -> None:
    with database(moved.old, {}) as urls, connect(urls.owner) as connection:
        before = rows(connection)
    with database(moved.new, {}) as urls, connect(urls.owner) as connection:
        after = rows(connection)
    assert {name: len(some) for name, some in after.items()} == {
        name: len(some) for name, some in before.items()
    }
    assert after == before
    for name in ("log.fact", 'log."position"', "log.head", "log.command", "view.incident"):
        assert before[name], name
    assert before["public.people_account"]


def test_every_grant_role_and_trigger_is_there(moved: Moved) -> None:
    found = []
    for data in (moved.old, moved.new):
        with database(data, {}) as urls, connect(urls.owner) as connection:
            found.append({name: connection.execute(q).fetchall() for name, q in RIGHTS.items()})
    before, after = found
    for name in RIGHTS:
        assert after[name] == before[name], name
    empty = [name for name, some in before.items() if not some]
    assert empty in ([], ["columns"]), empty


def test_the_restored_log_refuses_change(moved: Moved) -> None:
    with database(moved.new, {}) as urls:
        for url, why in ((urls.application, "permission denied"), (urls.owner, "append-only")):
            with connect(url) as connection, pytest.raises(Exception, match=why):
                connection.execute("UPDATE log.fact SET actor = 'nobody'")


def test_what_was_sealed_opens_with_the_copied_keys(moved: Moved) -> None:
    with database(moved.new, {}) as urls, connect(urls.application) as connection:
        keyring = Keyring(moved.new / "keys")
        opened = next(
            one["position"]
            for one in list_rows(connection, "facts")["items"]
            if one["kind"] == "incident.opened"
        )
        assert NOTE in str(get_row(connection, "facts", opened, keyring=keyring))
        assert NOTE not in str(get_row(connection, "facts", opened))


def test_a_rebuild_of_the_restored_log_changes_nothing(moved: Moved) -> None:
    with database(moved.new, {}) as urls, connect(urls.owner) as connection:
        before = rows(connection)
    assert "rebuilt" in tocsin("rebuild", "--data", str(moved.new))
    with database(moved.new, {}) as urls, connect(urls.owner) as connection:
        assert rows(connection) == before


def test_a_database_with_records_is_not_written_over(moved: Moved) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tocsin.site.command", "db", "restore"),
            *(str(moved.old.parent / "tocsin.dump"), "--data", str(moved.old)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, "has records already" in ran.stderr) == (2, True)


def test_both_languages_name_the_same_steps() -> None:
    chinese = (ROOT / "docs/operate/upgrade.zh-CN.md").read_text(encoding="utf-8")
    assert len(steps()) == 4
    for step in steps():
        assert f"`{step}`" in chinese
