"""The order of the log: with writers whose transactions overlap and commit in any order, nobody who
follows positions misses a fact; a reader that follows ids does."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from psycopg import sql
from record_desk import NOW, Desk

from tocsin.core.commands import AddNote
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.sequencer import assign
from tocsin.site.configuration import Configuration
from tocsin.site.tasks import loops_of

WRITERS = 8
FACTS_EACH = 40

_FACT = """
WITH written AS (
    INSERT INTO log.fact (subject, subject_kind, version, kind, kind_version, recorded_at, district,
        agency, actor, actor_name, command, body, salt)
    VALUES (%s, 'incident', 1, 'incident.noted', 1, %s, 'x', 'x', 'x', 'x', gen_random_uuid(), '{}',
        decode(repeat('00', 32), 'hex'))
    RETURNING id)
INSERT INTO log.pending SELECT id FROM written RETURNING fact"""


def write_slowly(urls: Urls, seed: int) -> list[int]:
    """Facts whose ids are taken some time before their commit."""
    chance = random.Random(seed)
    written = []
    with connect(urls.application) as connection:
        for _ in range(FACTS_EACH):
            row = connection.execute(_FACT, (uuid4(), NOW)).fetchone()
            assert row is not None
            time.sleep(chance.random() * 0.004)
            connection.commit()
            written.append(int(row[0]))
    return written


class Reader(threading.Thread):
    """Reads what is new after its cursor, again and again; `column` is what it uses as cursor."""

    def __init__(self, urls: Urls, query: bytes) -> None:
        super().__init__()
        self.urls, self.query = urls, query
        self.cursor = 0
        self.read: list[int] = []
        self.stopping = threading.Event()

    def look(self, connection: Connection) -> None:
        for place, fact in connection.execute(self.query, (self.cursor,)).fetchall():
            self.cursor = place
            self.read.append(fact)
        connection.rollback()

    def run(self) -> None:
        with connect(self.urls.application) as connection:
            while not self.stopping.is_set():
                self.look(connection)
            self.look(connection)


def test_interleaved_writers_skip_no_position(urls: Urls) -> None:
    by_position = Reader(
        urls, b"SELECT position, fact FROM log.position WHERE position > %s ORDER BY position"
    )
    done = threading.Event()

    def sequence() -> None:
        with connect(urls.application) as connection:
            while not done.is_set():
                if not assign(connection, limit=7):
                    time.sleep(0.001)
            while assign(connection):
                pass

    # Two of them, as happens for a moment when one is replaced: only one may be at it.
    sequencers = [threading.Thread(target=sequence) for _ in range(2)]
    for thread in (by_position, *sequencers):
        thread.start()
    with ThreadPoolExecutor(WRITERS) as threads:
        written = [
            fact
            for some in threads.map(lambda seed: write_slowly(urls, seed), range(WRITERS))
            for fact in some
        ]
    done.set()
    for thread in sequencers:
        thread.join()
    by_position.stopping.set()
    by_position.join()

    assert sorted(by_position.read) == sorted(written)
    with connect(urls.application) as connection:
        positions = [
            place for (place,) in connection.execute("SELECT position FROM log.position ORDER BY 1")
        ]
        assert positions == list(range(1, len(written) + 1))
        assert connection.execute("SELECT count(*) FROM log.pending").fetchone() == (0,)


def test_the_control_a_reader_by_id_skips_what_commits_late(urls: Urls) -> None:
    """Two writers: the one that took its id first commits last. Read by id it is lost for ever,
    read by position it comes second."""
    by_id = Reader(urls, b"SELECT id, id FROM log.fact WHERE id > %s ORDER BY id")
    by_position = Reader(
        urls, b"SELECT position, fact FROM log.position WHERE position > %s ORDER BY position"
    )
    with (
        connect(urls.application) as late,
        connect(urls.application) as early,
        connect(urls.application) as looking,
    ):
        while assign(looking):
            pass
        for reader in (by_id, by_position):
            reader.look(looking)
            reader.read.clear()
        first = late.execute(_FACT, (uuid4(), NOW)).fetchone()
        second = early.execute(_FACT, (uuid4(), NOW)).fetchone()
        assert first is not None
        assert second is not None
        assert first[0] < second[0]
        for writer in (early, late):
            writer.commit()
            assert assign(looking) == 1
            for reader in (by_id, by_position):
                reader.look(looking)
        assert by_position.read == [second[0], first[0]]
        assert by_id.read == [second[0]]


def test_a_subjects_facts_keep_their_order(urls: Urls, keyring: Keyring) -> None:
    with connect(urls.application) as connection:
        while assign(connection):
            pass
        desk = Desk(connection, keyring)
        incident = desk.open()
        stop = threading.Event()

        def sequence() -> None:
            with connect(urls.application) as own:
                while not stop.is_set():
                    assign(own, limit=1)

        thread = threading.Thread(target=sequence)
        thread.start()

        def note(_: int) -> None:
            with connect(urls.application) as own:
                Desk(own, keyring).do(AddNote(incident, "x"))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(note, range(40)))
        stop.set()
        thread.join()
        while assign(connection):
            pass
        versions = connection.execute(
            "SELECT f.version FROM log.position p JOIN log.fact f ON f.id = p.fact"
            " WHERE f.subject = %s ORDER BY p.position",
            (incident,),
        ).fetchall()
    assert [version for (version,) in versions] == list(range(1, 42))


def test_followers_are_woken_once_per_batch(urls: Urls, keyring: Keyring) -> None:
    with connect(urls.application) as listener, connect(urls.application) as connection:
        while assign(connection):
            pass
        listener.autocommit = True
        listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier("facts")))
        desk = Desk(connection, keyring)
        for _ in range(5):
            desk.open()
        assert assign(connection) == 5
        heard = list(listener.notifies(timeout=2, stop_after=1))
        heard += list(listener.notifies(timeout=0.05))
        last = connection.execute("SELECT max(position)::text FROM log.position").fetchone()
        assert last is not None
        assert [one.payload for one in heard] == [last[0]]
        assert assign(connection) == 0


@pytest.mark.parametrize("process", ["work", "clock"])
def test_either_process_places_facts_while_the_other_hangs(
    urls: Urls, keyring: Keyring, process: str
) -> None:
    [loop] = [one for one in loops_of(process, keyring, Configuration()) if one.name == "sequencer"]
    assert loop.idle_s <= 0.25
    with connect(urls.application) as connection:
        while assign(connection):
            pass
        Desk(connection, keyring).open()
        assert loop.turn(connection) == 1
        assert connection.execute("SELECT count(*) FROM log.pending").fetchone() == (0,)
