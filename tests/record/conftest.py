"""A desk at which nothing waits to be judged."""

import pytest
from record_desk import Desk

from tocsin.record.database import Connection
from tocsin.record.keys import Keyring


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    connection.execute("DELETE FROM heard.arrived")
    connection.execute("DELETE FROM heard.pending")
    connection.execute("DELETE FROM log.due")
    connection.commit()
    return Desk(connection, keyring)
