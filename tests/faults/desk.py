"""A dispatcher who closes incidents through the API, and sends a command again under its key until
it is answered. What was answered is remembered, to be asked for later."""

from __future__ import annotations

import random
import threading
from typing import Any

import httpx

ANSWER_S = 3.0


class Desk:
    """A thread from `start` to `stop`. `closed` are the incidents whose closing was answered with
    "done"; `problems` what was answered and should not have been."""

    def __init__(self, url: str, token: str, *, pause_s: float, seed: int) -> None:
        self.closed: list[str] = []
        self.problems: list[str] = []
        self.sent_again = 0
        self._url = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pause_s = pause_s
        self._dice = random.Random(f"desk/{seed}")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is under way is sent until it is answered."""
        self._ending.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the desk was never answered"

    def _run(self) -> None:
        with httpx.Client(headers=self._headers, timeout=ANSWER_S) as http:
            while not self._ending.wait(self._pause_s):
                shown = self._answered(http, "GET", "/incidents?open=true&limit=100")
                incidents = [] if shown is None else shown["items"]
                if incidents:
                    self._close(http, self._dice.choice(incidents)["id"])

    def _close(self, http: httpx.Client, incident: str) -> None:
        done = self._answered(
            http,
            "POST",
            "/commands",
            json={"type": "close_incident", "incident": incident, "disposition": "handled"},
            headers={"Idempotency-Key": f"close/{incident}"},
        )
        if done is not None:
            self.closed.append(incident)

    def _answered(self, http: httpx.Client, method: str, path: str, **sent: Any) -> Any:
        """The answer, asked for until there is one; None where it was a refusal."""
        while True:
            try:
                answer = http.request(method, self._url + path, **sent)
            except httpx.HTTPError:
                pass
            else:
                if answer.status_code == 200:
                    return answer.json()
                # 409: others changed the incident meanwhile. 5xx: the database or we are away.
                if answer.status_code < 500 and answer.status_code != 409:
                    self.problems.append(f"{method} {path}: {answer.status_code} {answer.text}")
                    return None
            self.sent_again += 1
            self._ending.wait(0.05)
