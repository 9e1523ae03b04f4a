"""A sender of signed webhooks, as tests drive one."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

SECRET = b"a secret of twenty b"
_numbers = itertools.count(1)


def standard(
    body: bytes, *, secret: bytes = SECRET, name: str | None = None, off_s: int = 0
) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    name = name or f"msg_{next(_numbers)}"
    at = str(int(time.time()) + off_s)
    digest = hmac.new(secret, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def stripe(body: bytes, secret: bytes = SECRET, at: int | None = None) -> dict[str, str]:
    signed_at = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret, signed_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "stripe-signature": f"t={signed_at},v1={digest}"}


def github(body: bytes, secret: bytes = SECRET) -> dict[str, str]:
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}


class Sender:
    """One system that reports, over one connection that it keeps open."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def post(self, path: str, body: bytes, headers: dict[str, str], **more: Any) -> httpx.Response:
        return self.client.post(path, content=body, headers=headers, **more)

    def send(self, value: Any, path: str = "/hook/tower", **how: Any) -> httpx.Response:
        """Signed as Standard Webhooks says. `value`: JSON, or bytes as they are."""
        language = how.pop("language", "en")
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.post(path, body, {"accept-language": language} | standard(body, **how))


@contextmanager
def sender(port: int, *, tls: Any = None, **options: Any) -> Iterator[Sender]:
    scheme = "http" if tls is None else "https"
    verify = True if tls is None else tls
    with httpx.Client(
        base_url=f"{scheme}://localhost:{port}", timeout=10, verify=verify, **options
    ) as client:
        yield Sender(client)
