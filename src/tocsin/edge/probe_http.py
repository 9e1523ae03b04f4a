"""Test alarms over HTTP, and the two test calls: one as a call-taker's console sends it, one as the
public page does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx
import msgspec

from tocsin.edge.probe_target import HEADER, NotAnswered, NotReached, Target
from tocsin.record.networks import at_port

_TOKEN: Final = re.compile(r'name="token"[^>]*value="([^"]{20,200})"')


async def webhook(target: Target) -> None:
    """Signed with the secret of this one test alarm."""
    body = msgspec.json.encode({"code": "RP", "codes": "sia"})
    name, at = f"probe-{target.account.replace('.', '-')}", str(int(time.time()))
    digest = hmac.digest(target.secret.encode(), f"{name}.{at}.".encode() + body, hashlib.sha256)
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    await _post(target, f"/hook/{target.account}", body, headers)


async def aml(target: Target) -> None:
    """A place that is read and not kept."""
    now = datetime.now(UTC)
    body = urlencode(
        {
            "v": "3",
            "location_latitude": "0.0",
            "location_longitude": "0.0",
            "location_time": str(int(now.timestamp() * 1000)),
            "location_accuracy": "10.0",
            "location_source": "gps",
            "location_certainty": "90",
        }
    ).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", HEADER: target.shown}
    await _post(target, "/aml", body, headers)


async def cap(target: Target) -> None:
    """An alert whose status is Test."""
    sent = datetime.now(UTC).replace(microsecond=0)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{target.account}</identifier><sender>probe</sender>"
        f"<sent>{_cap_time(sent)}</sent><status>Test</status><msgType>Alert</msgType>"
        "<scope>Public</scope><info><language>en</language><category>Other</category>"
        "<event>Test</event><urgency>Unknown</urgency><severity>Unknown</severity>"
        f"<certainty>Unknown</certainty><expires>{_cap_time(sent + timedelta(minutes=1))}</expires>"
        "</info></alert>"
    ).encode()
    headers = {"content-type": "application/cap+xml", HEADER: target.shown}
    await _post(target, "/cap", body, headers)


async def call(target: Target) -> None:
    """A call as a console sends it, with the probe's own token."""
    body = msgspec.json.encode(
        {
            "type": "open_incident",
            "incident_type": "technical",
            "level": 4,
            "district": target.district,
            "agency": target.agency,
            "note": "Test call of Tocsin's own probe",
        }
    )
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {target.shown}",
        "idempotency-key": target.account,
    }
    await _post(target, "/api/v1/commands", body, headers)


async def report(target: Target) -> None:
    """The public page: its form is asked for, filled in and sent."""
    async with _client(target) as client:
        traced = {"trace": _trace(target)}
        page = await _asked(
            client.get("/report", headers={"accept-language": "en"}, extensions=traced)
        )
        found = _TOKEN.search(page.text)
        if page.status_code != 200 or found is None:
            raise NotAnswered(f"the form was answered {page.status_code}")
        fields = {
            "token": found[1],
            "language": "en",
            "kind": "other",
            "hurt": "no",
            "where": "Test report of Tocsin's own probe",
        }
        answer = await _asked(client.post("/report", data=fields, headers={HEADER: target.shown}))
        if answer.status_code != 302:
            raise NotAnswered(f"the report was answered {answer.status_code}")


async def _post(target: Target, path: str, body: bytes, headers: Mapping[str, str]) -> None:
    async with _client(target) as client:
        traced = {"trace": _trace(target)}
        answer = await _asked(
            client.post(path, content=body, headers=dict(headers), extensions=traced)
        )
    if not answer.is_success:
        raise NotAnswered(f"answered {answer.status_code}: {answer.text[:120]}")


def _client(target: Target) -> httpx.AsyncClient:
    is_tls = target.context is not None
    return httpx.AsyncClient(
        base_url=f"{'https' if is_tls else 'http'}://{at_port(target.address, target.port)}",
        headers={"host": at_port(target.host, target.port)},
        verify=target.context if target.context is not None else False,
        trust_env=False,
        timeout=None,  # noqa: S113 - the whole of it has a time
    )


def _trace(target: Target) -> Callable[[str, object], Awaitable[None]]:
    """Tells when the connection stands, whether or not an answer comes."""
    stands = "connection.start_tls" if target.context is not None else "connection.connect_tcp"

    async def told(name: str, _info: object) -> None:
        if name == f"{stands}.complete":
            target.reached()

    return told


async def _asked(asking: object) -> httpx.Response:
    """Raises `NotReached`, `NotAnswered`."""
    try:
        response: httpx.Response = await asking  # type: ignore[misc]
    except httpx.ConnectError as error:
        raise NotReached(str(error)) from error
    except httpx.HTTPError as error:
        raise NotAnswered(str(error) or type(error).__name__) from error
    return response


def _cap_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S-00:00")
