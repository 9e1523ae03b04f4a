"""/health (alive), /ready (able to do its job) and /metrics of one process, on a loopback port.
Served by a thread of its own, so that it answers while the process works or hangs."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

BEAT_S_MAX: Final = 10.0
"""Seconds without a heartbeat after which a process counts as hung: /health answers 503."""

_BEAT: Final = Gauge("tocsin_heartbeat_age_seconds", "Seconds since the main loop last turned.")
_READY: Final = Gauge("tocsin_ready", "1 while the process can do its job.")


class Heart:
    """What the process says of itself: `beat` on each turn of its loop, `ready` or why not."""

    def __init__(self) -> None:
        self._beaten = time.monotonic()
        self._problem: str | None = "starting"
        self.hangs: str | None = None
        """Which loop does not turn, where that is known."""
        _BEAT.set_function(self.age_s)
        _READY.set_function(lambda: float(self._problem is None))

    def beat(self) -> None:
        self._beaten = time.monotonic()
        self.hangs = None

    def ready(self) -> None:
        self._problem = None

    def not_ready(self, problem: str) -> None:
        """`problem`: a few words for an administrator, such as "database lost"."""
        self._problem = problem

    @property
    def problem(self) -> str | None:
        return self._problem

    def age_s(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._beaten


class HealthServer:
    """The HTTP server of one process; `port` is the one it got (0 asks for any free one)."""

    def __init__(
        self, heart: Heart, host: str, port: int, *, refresh: Callable[[], None] | None = None
    ) -> None:
        """`refresh` is called before each /metrics, to set gauges that cost something to read."""
        self._server = ThreadingHTTPServer((host, port), _answerer(heart, refresh))
        self._server.daemon_threads = True
        self.host = host
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _answerer(heart: Heart, refresh: Callable[[], None] | None) -> type[BaseHTTPRequestHandler]:
    class Answerer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/health":
                age_s = heart.age_s()
                more: dict[str, object] = {"heartbeat_age_s": round(age_s, 3), "hangs": heart.hangs}
                self._say(age_s < BEAT_S_MAX, more)
            elif self.path == "/ready":
                self._say(heart.problem is None, {"problem": heart.problem})
            elif self.path == "/metrics":
                if refresh is not None:
                    refresh()
                self._send(200, CONTENT_TYPE_LATEST, generate_latest())
            else:
                self._send(404, "application/json", b'{"ok": false}\n')

        def _say(self, ok: bool, more: dict[str, object]) -> None:
            body = json.dumps({"ok": ok, **more}).encode() + b"\n"
            self._send(200 if ok else 503, "application/json", body)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # whoever asked has gone
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Polls are no news."""

    return Answerer
