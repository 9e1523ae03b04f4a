"""What a process says of itself: health, readiness, metrics, and logs that carry no secret."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tocsin.site import health
from tocsin.site.health import HealthServer, Heart
from tocsin.site.logs import formatter


@pytest.fixture
def heart_and_url() -> object:
    heart = Heart()
    server = HealthServer(heart, "127.0.0.1", 0)
    server.start()
    yield heart, f"http://127.0.0.1:{server.port}"
    server.stop()


def test_it_is_alive_at_once_and_ready_when_it_says_so(heart_and_url: tuple[Heart, str]) -> None:
    heart, url = heart_and_url
    assert httpx.get(f"{url}/health").status_code == 200
    starting = httpx.get(f"{url}/ready")
    assert (starting.status_code, starting.json()["problem"]) == (503, "starting")
    heart.ready()
    assert httpx.get(f"{url}/ready").status_code == 200
    heart.not_ready("database lost")
    lost = httpx.get(f"{url}/ready")
    assert (lost.status_code, lost.json()) == (503, {"ok": False, "problem": "database lost"})
    assert httpx.get(f"{url}/elsewhere").status_code == 404


def test_a_hung_process_is_not_alive(
    heart_and_url: tuple[Heart, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heart, url = heart_and_url
    monkeypatch.setattr(health, "BEAT_S_MAX", 0.0)
    assert httpx.get(f"{url}/health").status_code == 503
    monkeypatch.setattr(health, "BEAT_S_MAX", 10.0)
    heart.beat()
    assert httpx.get(f"{url}/health").status_code == 200


def test_metrics_are_in_prometheus_form(heart_and_url: tuple[Heart, str]) -> None:
    heart, url = heart_and_url
    heart.ready()
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "tocsin_ready 1.0" in answer.text
    assert "tocsin_heartbeat_age_seconds" in answer.text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("cannot reach postgresql://tocsin_app:hunter2@db:5432/tocsin", "hunter2"),
        ("token tocsin_AbCdEfGhIjKlMnOpQrStUvWxYz0123 expired", "AbCdEf"),
        ("Authorization: Bearer abc.def.ghi", "abc.def"),
        ("connect password=sesame host=x", "sesame"),
    ],
)
def test_no_secret_reaches_a_log(text: str, secret: str) -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, text, None, None)
    record.password = secret
    record.wrapped_key = secret
    line = formatter("edge").format(record)
    assert secret not in line
    assert "***" in json.loads(line)["message"]


def test_a_log_line_is_one_json_object_in_utc_with_its_process() -> None:
    record = logging.LogRecord("tocsin.edge", logging.WARNING, __file__, 1, "拒绝", None, None)
    record.reason = "bad_crc"
    entry = json.loads(formatter("edge").format(record))
    assert entry.pop("at").endswith("+00:00")
    assert entry == {
        "level": "WARNING",
        "logger": "tocsin.edge",
        "message": "拒绝",
        "process": "edge",
        "reason": "bad_crc",
    }


def test_even_a_crash_is_one_json_line(tmp_path: Path) -> None:
    text = (
        "from tocsin.site.logs import start_logging; from tocsin.site.configuration import Log\n"
        "start_logging('edge', Log()); raise RuntimeError('boom')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    (line,) = ran.stderr.splitlines()
    assert "boom" in json.loads(line)["exc_info"]
