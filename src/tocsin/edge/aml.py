"""Locations of callers: POST /aml from phones, POST /aml/sms from gateways. Who the caller is is
dropped here; where, is kept for an hour and opens nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes

from tocsin.edge import http_parts
from tocsin.edge.http_door import Shown, unreadable_headers
from tocsin.edge.http_in import Server
from tocsin.edge.http_parts import Request, Response
from tocsin.edge.http_problems import accepted, problem
from tocsin.edge.intake import Crowded, Intake
from tocsin.edge.probe_target import HEADER
from tocsin.record.heard import NotKept
from tocsin.wire.aml import form, sms, text
from tocsin.wire.aml.place import MARKER, BadMessage
from tocsin.wire.webhook import json_text
from tocsin.wire.webhook.signature import Form, NotSigned, check

_FORM: Final = re.compile(r"application/x-www-form-urlencoded", re.IGNORECASE)
_JSON: Final = re.compile(r"application/json", re.IGNORECASE)


class Known(Protocol):
    """An operator or a gateway that shares a secret with us."""

    @property
    def name(self) -> str: ...
    @property
    def secret_file(self) -> str: ...
    @property
    def district(self) -> str: ...


class Settings(http_parts.Settings, Protocol):
    """The `edge.aml` section of the configuration."""

    @property
    def operators(self) -> Sequence[Known]: ...
    @property
    def gateways(self) -> Sequence[Known]: ...
    @property
    def allow_unsigned(self) -> bool: ...
    @property
    def district(self) -> str: ...


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears locations until the intake is told to stop. Raises `AddressNotHad`, and OSError for a
    secret that cannot be read."""
    locations = Locations(settings, intake)
    try:
        await Server(intake, settings, locations.answer, problem).serve()
    finally:
        await locations.finish()


class Locations:
    """What is answered to a request."""

    def __init__(self, settings: Settings, intake: Intake) -> None:
        self._intake = intake
        self._allow_unsigned = settings.allow_unsigned
        self._operators = [(one.name, _secret(one.secret_file)) for one in settings.operators]
        self._gateways = [(one.name, _secret(one.secret_file)) for one in settings.gateways]
        self._districts = {
            one.name: one.district or settings.district
            for one in (*settings.operators, *settings.gateways)
        }
        self._district = settings.district
        self._shown = Shown(intake)

    async def finish(self) -> None:
        await self._shown.finish()

    async def answer(self, request: Request) -> Response:
        if request.path not in ("/aml", "/aml/sms"):
            return self._refuse(request, "unknown_source")
        if request.method != "POST":
            return self._refuse(request, "method_not_allowed")
        if request.path == "/aml":
            return await self._form(request)
        return await self._sms(request)

    async def _form(self, request: Request) -> Response:
        wanted = "application/x-www-form-urlencoded"
        headers = {"content-type": wanted} | request.headers
        if reason := unreadable_headers(headers, _FORM):
            return self._refuse(request, reason, wanted=wanted)
        try:
            operator = form.signer(request.body, self._operators)
        except BadMessage:
            return self._unsigned(request, "signature_wrong", "hmac")
        probe = self._intake.probe(request.headers.get(HEADER, ""))
        if operator is None and not self._allow_unsigned and probe is None:
            return self._unsigned(request, "signature_missing", "hmac")
        assurance = "none" if operator is None else "authenticated"
        keep = partial(self._keep, request, operator or "", assurance)
        try:
            found = form.read(request.body, _now())
        except BadMessage as error:
            return await _keep_unreadable(keep, request.body, error)
        if probe is not None:  # it is nobody's place
            return await keep(body=b"", answer="probe", signals=(probe,))
        return await keep(body=found.kept, answer="place", caller_place=found.place)

    async def _sms(self, request: Request) -> Response:
        if reason := unreadable_headers(request.headers, _JSON):
            return self._refuse(request, reason, wanted="application/json")
        gateway, reason = self._gateway(request)
        if gateway is None:
            wanted = "webhook-id, webhook-timestamp, webhook-signature"
            return self._unsigned(request, reason, wanted)
        keep = partial(self._keep, request, gateway, "authenticated")
        try:
            said = _said(json_text.read(request.body))
            found = text.read(said, _now())
        except json_text.BadJson as error:
            await keep(body=_bare(request.body), answer="unreadable", problem=error.reason)
            return problem(error.reason, request.language, where=error.where, kept="yes")
        except BadMessage as error:
            return await _keep_unreadable(keep, request.body, error)
        return await keep(body=found.kept, answer="place", caller_place=found.place)

    def _gateway(self, request: Request) -> tuple[str | None, str]:
        """Whose secret signed the request, and else why it is nobody's. Every secret is tried."""
        found, reason = None, "signature_missing"
        for name, secret in self._gateways:
            try:
                check(Form.STANDARD, request.headers, request.body, secret, _now())
            except NotSigned as error:
                reason = error.reason
            else:
                found = name
        return found, reason

    async def _keep(
        self,
        request: Request,
        known: str,
        assurance: str,
        *,
        answer: str,
        findings: Sequence[tuple[str, str]] = (),
        **what: Any,
    ) -> Response:
        try:
            await self._intake.keep(
                source=request.address,
                answer=answer,
                assurance=assurance,
                transport="https" if request.is_tls else "http",
                district=self._districts.get(known, self._district),
                **({"signals": ()} | what),
            )
        except Crowded:
            return problem("crowded", request.language)
        except NotKept:
            return problem("not_kept", request.language)
        return accepted(request.language, findings)

    def _unsigned(self, request: Request, reason: str, wanted: str) -> Response:
        self._shown.show(request, reason)
        return self._refuse(request, reason, wanted=wanted)

    def _refuse(self, request: Request, reason: str, wanted: str = "") -> Response:
        self._intake.counts.refused(reason, request.address)
        return problem(reason, request.language, wanted=wanted)


async def _keep_unreadable(keep: Any, body: bytes, error: BadMessage) -> Response:
    """Phones try nothing else when they are refused, so they are not: somebody looks at it."""
    findings = [(error.where, error.reason)]
    response: Response = await keep(
        body=_bare(body), answer="unreadable", problem=error.reason, findings=findings
    )
    return response


def _said(document: Any) -> str:
    """The text message in a gateway's request: as text, or as user data in hexadecimal. Whatever
    else it says, the number that the message came from among it, is not looked at.

    Raises `BadMessage`.
    """
    if isinstance(document, dict):
        if isinstance(said := document.get("text"), str):
            return said
        if isinstance(data := document.get("hex"), str):
            return sms.text_of_hex(data)
    raise BadMessage("missing", "/text")


# Digits as they are, and as a form or JSON may write them otherwise.
_HIDDEN: Final = re.compile(r"[0-9A-Fa-f]{16,}|(?:\\u00[0-9A-Fa-f]{2})+")


def _bare(body: bytes) -> bytes:
    """What may be kept of what cannot be read: no digit, and no hexadecimal. A form writes a blank
    as `+`, which divides a number like any other sign."""
    readable = unquote_to_bytes(body).decode("utf-8", "replace")
    return text.without_identity(_HIDDEN.sub(MARKER, readable)).encode()


def _secret(file: str) -> bytes:
    return Path(file).read_bytes().strip()


def _now() -> datetime:
    return datetime.now(UTC)
