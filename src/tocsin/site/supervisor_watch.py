"""Asks each child for its /health at a calm pace, and lets the supervisor end one that hangs for
good. A database that is away is no hang: without it nobody is ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.record.database import TURN, connect
from tocsin.site.supervisor import Child

LOOK_S: Final = 5.0
"""Seconds between two rounds."""

ANSWER_S: Final = 2.0
"""An answer later than this is none: /health has a thread of its own."""

START_S: Final = 60.0
"""Seconds that a process gets to start, before it may count as hung."""

HUNG_S: Final = 30.0
"""Seconds without a healthy answer after which a process is ended and started again. /health says
so after 10 s without a heartbeat, and a loop counts as hung after 5 s: 45 s in all."""

COMMIT_S: Final = 5.0
"""A database that does not commit within this is away."""

logger = logging.getLogger("tocsin.supervisor")


@dataclass(slots=True)
class _Seen:
    process: subprocess.Popen[str]
    first: float
    unhealthy: float | None = None


class Watch:
    """`database_answers` is asked before anybody is ended; it may take some seconds."""

    def __init__(
        self, children: Sequence[Child], database_answers: Callable[[], bool] = lambda: True
    ) -> None:
        self._children = children
        self._database_answers = database_answers
        self._seen: dict[str, _Seen] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Looks every LOOK_S until left; does not wait then, as it may be asking the database."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.look(time.monotonic())
            except Exception:  # a watch that ended would not be noticed
                logger.exception("the processes could not be looked after")

    def look(self, now: float) -> None:
        """One round."""
        sick: list[tuple[Child, _Seen, str]] = []
        for child in list(self._children):
            seen = self._seen_now(child, now)
            if seen is None or now - seen.first < START_S:
                continue
            why = _ails(child)
            if why is None:
                seen.unhealthy = None
            else:
                sick.append((child, seen, why))
        if sick and not self._database_answers():
            for _, seen, _ in sick:
                seen.unhealthy = None
            return
        for child, seen, why in sick:
            if seen.unhealthy is None:
                seen.unhealthy = now
            elif now - seen.unhealthy >= HUNG_S and not self._stop.is_set():
                logger.error(
                    "process hangs; ending it",
                    extra={
                        "child": child.name,
                        "why": why,
                        "unhealthy_s": round(now - seen.unhealthy),
                    },
                )
                child.give_up(seen.process)
                seen.unhealthy = None

    def _seen_now(self, child: Child, now: float) -> _Seen | None:
        process = child.process
        if process is None or process.returncode is not None or child.health is None:
            self._seen.pop(child.name, None)
            return None
        seen = self._seen.get(child.name)
        if seen is None or seen.process is not process:
            seen = self._seen[child.name] = _Seen(process, now)
        return seen


def _ails(child: Child) -> str | None:
    """What a child's /health says against it, in words for the log; None if it is well."""
    assert child.health is not None
    connection = http.client.HTTPConnection(*child.health, timeout=ANSWER_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"/health does not answer: {error!r}"
    finally:
        connection.close()
    if answer.status == 200:
        return None
    try:
        said = json.loads(body)
        return f"no heartbeat for {said['heartbeat_age_s']:.0f} s, hangs: {said['hangs'] or '?'}"
    except (ValueError, LookupError, TypeError):
        return f"/health answers {answer.status}"


class Commits:
    """Whether the database at `url` commits within COMMIT_S: reads alone may be answered while the
    disk below it stands still, and then every loop waits for its commit."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._asking: threading.Thread | None = None

    def __call__(self) -> bool:
        if self._asking is not None and self._asking.is_alive():
            return False  # it still waits
        done = threading.Event()
        self._asking = threading.Thread(target=self._ask, args=(done,), daemon=True)
        self._asking.start()
        return done.wait(COMMIT_S)

    def _ask(self, done: threading.Event) -> None:
        try:
            with connect(self._url, name="tocsin supervisor", limits=TURN) as connection:
                connection.execute("SELECT pg_logical_emit_message(true, 'tocsin', '')")
                connection.commit()
        except Exception as error:  # noqa: BLE001  whatever it was, it did not commit
            logger.warning("database does not commit", extra={"why": str(error).strip()})
        else:
            done.set()
