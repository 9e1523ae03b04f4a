"""One running web process for the tests of apps and access: real PostgreSQL, real HTTP.

Django reads its settings once per process, so all these tests share one database and one server.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx

from tocsin.core.terms import Role
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring

if TYPE_CHECKING:
    from conftest import Server

PASSWORD = "an-ordinary-test-password"
AGENCY = "fire"


@dataclass(frozen=True)
class Site:
    """The server's address, its database and what a test needs to act on them."""

    base: str
    urls: Urls
    data: Path
    keyring: Keyring
    stop: Callable[[], None]
    opened: list[httpx.Client] = field(default_factory=list)

    def token(
        self,
        role: Role,
        *,
        agency: str = AGENCY,
        districts: tuple[str, ...] = (),
        unit: UUID | None = None,
    ) -> str:
        from tocsin.apps.people.accounts import create_token

        return create_token(
            f"test {role}", role=role, agency=agency, districts=districts, unit=unit
        )[1]

    def client(self, role: Role, **scope: Any) -> httpx.Client:
        """An API client with a token of its own."""
        return self.browser(
            headers={
                "Authorization": f"Bearer {self.token(role, **scope)}",
                "Accept-Language": "en",
            }
        )

    def browser(self, address: str = "", **options: Any) -> httpx.Client:
        """A client that keeps cookies and follows nothing by itself; it ends with its test.

        `address` is another loopback address to come from: to the server, another source.
        """
        transport = httpx.HTTPTransport(local_address=address) if address else None
        base = self.base.replace("localhost", "127.0.0.1") if address else self.base
        client = httpx.Client(base_url=base, timeout=20, transport=transport, **options)
        self.opened.append(client)
        return client

    def close(self) -> None:
        """Closes what a test opened."""
        while self.opened:
            self.opened.pop().close()

    def account(self, role: Role, **more: Any) -> str:
        """A new account's username; its password is PASSWORD."""
        from tocsin.apps.people.accounts import create_account

        username = f"{role}-{uuid4().hex[:8]}"
        _apart(
            lambda: create_account(
                username, role=role, password=PASSWORD, **{"agency": AGENCY, **more}
            )
        )
        return username

    def apart(self, work: Callable[[], object]) -> None:
        """Work with the ORM on a thread of its own: a browser test's own thread may not."""
        _apart(work)

    def number_facts(self) -> None:
        """What `tocsin work` does all the time: give committed facts their positions."""
        from tocsin.record.sequencer import assign

        with connect(self.urls.application) as connection:
            while assign(connection):
                pass


def _apart(work: Callable[[], object]) -> None:
    """On a thread of its own: a browser test has an event loop in this one, which the ORM shuns."""

    def run() -> None:
        from django.db import connections

        work()
        connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(run).result()


@functools.cache
def start_site(create: Callable[[str], Urls]) -> Site:
    """Migrates a database of its own, starts Django and a uvicorn on a free port."""
    import uvicorn

    urls = create("test_web")
    data = Path(tempfile.mkdtemp(prefix="tocsin-test-web-"))
    os.environ.update(
        TOCSIN_DATA=str(data),
        TOCSIN_DATABASE_URL=urls.application,
        TOCSIN_SITE_NAME_EN="Test city",
        TOCSIN_SITE_NAME_ZH="测试城市",
        TOCSIN_AGENCY=AGENCY,
        TOCSIN_DISTRICT="north",
    )
    from tocsin.apps.schema import migrate

    _apart(lambda: migrate(urls.application, urls.owner))
    server = uvicorn.Server(
        uvicorn.Config(
            "tocsin.site.asgi:application",
            host="127.0.0.1",
            port=0,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True, name="uvicorn")
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the web process did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def stop() -> None:
        from django.db import connections

        server.should_exit = True
        thread.join(10)
        connections.close_all()
        shutil.rmtree(data, ignore_errors=True)
        start_site.cache_clear()

    return Site(f"http://localhost:{port}", urls, data, Keyring(data / "keys"), stop)


_users: list[str] = []


def site_for(server: Server, user: str) -> Iterator[Site]:
    """For a session fixture of each of the two folders: the last one to leave stops the server."""

    def create(name: str) -> Urls:
        server.drop(name)
        return server.create(name, "tocsin_template")

    _creators.append(create)
    _users.append(user)
    site = start_site(_creators[0])
    yield site
    _users.remove(user)
    if not _users:
        site.stop()


_creators: list[Callable[[str], Urls]] = []
