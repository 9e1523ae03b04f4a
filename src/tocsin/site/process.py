"""What edge, web, work and clock share as processes: logs, health port, a clean stop on SIGTERM
that ends by force when it takes too long."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final

from tocsin.edge.sockets import NOT_TO_BE_HAD
from tocsin.record.networks import at_port
from tocsin.site.configuration import Configuration
from tocsin.site.health import HealthServer, Heart
from tocsin.site.logs import start_logging
from tocsin.site.sockets import PortTaken, announce
from tocsin.site.supervisor import STOP_S

logger = logging.getLogger("tocsin.process")

SWITCH_S: Final = 0.0005
"""A thread that has something to do waits so long for one that computes. Python's own 5 ms, paid at
each step on the way of an alarm to the screens, would be a tenth of a second."""


@contextlib.contextmanager
def served(
    name: str, configuration: Configuration, *, refresh: Callable[[], None] | None = None
) -> Iterator[Heart]:
    """Logs and the health port of the process `name` while the block runs."""
    start_logging(name, configuration.log)
    sys.setswitchinterval(SWITCH_S)
    heart = Heart()
    host, port = configuration.health.host, int(getattr(configuration.health, name))
    try:
        server = HealthServer(heart, host, port, refresh=refresh)
    except OSError as error:
        if error.errno not in NOT_TO_BE_HAD:
            raise
        raise PortTaken(f"health-{name} {at_port(host, port)}: {error.strerror}") from None
    server.start()
    announce(f"health-{name}", "http", host, server.port)
    logger.info("process started", extra={"pid": os.getpid(), "health_port": server.port})
    try:
        yield heart
    finally:
        server.stop()
        logger.info("process ends", extra={"pid": os.getpid()})


def end_by_force_later() -> None:
    """Call when asked to stop: a process that hangs must not keep its port and its parent."""
    timer = threading.Timer(STOP_S, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
