"""Webhooks: POST /hook/<source>. Whoever signs with its device's secret is kept, and answered when
the commit has returned; whoever does not is told so and counted, and a few of them are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol

from tocsin.edge import http_parts
from tocsin.edge.http_door import Shown, unreadable_headers
from tocsin.edge.http_in import Server
from tocsin.edge.http_parts import Request, Response
from tocsin.edge.http_problems import accepted, problem
from tocsin.edge.intake import Crowded, Intake
from tocsin.record.devices import Device
from tocsin.record.heard import NotKept
from tocsin.wire.webhook import identity, json_text
from tocsin.wire.webhook.mapping import Fields
from tocsin.wire.webhook.signals import Reading, nothing_read, read, repeat_key
from tocsin.wire.webhook.signature import HEADER, Form, NotSigned, Signed, check

_PATH: Final = re.compile(r"/hook/([A-Za-z0-9._-]{1,64})")
_JSON: Final = re.compile(r"application/(?:json|[a-z0-9!#$&^_.+-]+\+json)", re.IGNORECASE)


WANTED: Final = (
    f"webhook-id, webhook-timestamp, {HEADER[Form.STANDARD]}"
    f" / {HEADER[Form.STRIPE]} / {HEADER[Form.GITHUB]}"
)
"""Of all forms: which of them a source uses, it knows."""


class Source(Protocol):
    """How one source signs and what its values mean."""

    @property
    def name(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def header(self) -> str: ...
    @property
    def mapping(self) -> Fields: ...


class Settings(http_parts.Settings, Protocol):
    """The `edge.webhook` section of the configuration."""

    @property
    def sources(self) -> Sequence[Source]: ...


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears webhooks until the intake is told to stop. Raises `AddressNotHad`."""
    hooks = Hooks(settings, intake)
    try:
        await Server(intake, settings, hooks.answer, problem).serve()
    finally:
        await hooks.finish()


class Hooks:
    """What is answered to a request."""

    def __init__(self, settings: Settings, intake: Intake) -> None:
        self._intake = intake
        self._sources = {source.name: source for source in settings.sources}
        self._shown = Shown(intake)

    async def finish(self) -> None:
        await self._shown.finish()

    async def answer(self, request: Request) -> Response:
        refuse = partial(self._refuse, request)
        path = _PATH.fullmatch(request.path)
        if path is None:
            return refuse("unknown_source")
        if request.method != "POST":
            return refuse("method_not_allowed")
        if reason := unreadable_headers(request.headers, _JSON):
            return refuse(reason, wanted="application/json")
        name = path[1]
        device = self._intake.device(name)
        try:
            signed = self._checked(request, name, device)
        except NotSigned as error:
            reason = error.reason if device is not None else "unknown_source"
            self._shown.show(request, reason)
            self._intake.counts.refused(reason, request.address)
            # Whether there is such a source is for nobody to know who does not sign.
            return problem(error.reason, request.language, wanted=WANTED)
        if device is None:  # never: nobody's secret has signed it
            return refuse("unknown_source")
        return await self._heard(request, device, signed)

    def _checked(self, request: Request, name: str, device: Device | None) -> Signed:
        """An unknown source is checked as one of the standard form, takes as long to be refused as
        that, and hears the same."""
        source = self._sources.get(name)
        form = Form.STANDARD if source is None else Form(source.signature)
        header = "" if source is None else source.header
        key = None if device is None else device.key
        now = datetime.now(UTC)
        return check(form, request.headers, request.body, key, now, header=header)

    async def _heard(self, request: Request, device: Device, signed: Signed) -> Response:
        source = self._sources.get(device.account)
        fields = Fields() if source is None else source.mapping
        reading, body, bad = _read(request.body, fields, device.account)
        if bad is None and body != request.body:
            self._intake.counts.add("identity_dropped")
        # What could not be read is read again when it is sent again: the mapping may be right then.
        name = signed.name if reading.problem in (None, "partly_read") else None
        try:
            await self._intake.keep(
                source=request.address,
                body=body,
                answer="received" if reading.problem is None else "unreadable",
                signals=tuple(reading.signals),
                device=device,
                problem=reading.problem,
                repeat_key=repeat_key(device.account, name, body),
                # Without a signed time a recorded request is as good as a new one.
                assurance="authenticated" if signed.name is not None else "integrity",
                transport="https" if request.is_tls else "http",
                is_named=name is not None,
            )
        except Crowded:
            return problem("crowded", request.language)
        except NotKept:
            return problem("not_kept", request.language)
        if bad is not None:
            return problem(bad.reason, request.language, where=bad.where, kept="yes")
        findings = [(one.where, one.reason) for one in reading.findings]
        count = len([one for one in reading.signals if one.code])
        return accepted(request.language, findings, signals=count)

    def _refuse(self, request: Request, reason: str, wanted: str = "") -> Response:
        self._intake.counts.refused(reason, request.address)
        return problem(reason, request.language, wanted=wanted)


def _read(
    body: bytes, fields: Fields, source: str
) -> tuple[Reading, bytes, json_text.BadJson | None]:
    """What it says, the bytes to keep, and why it is no JSON. Who somebody is is in neither."""
    try:
        document, dropped = identity.without(json_text.read(body))
    except json_text.BadJson as error:
        kept = identity.in_place_of(body, error.reason)
        said = nothing_read(source, f"{error.reason}, {len(body)} bytes")
        return Reading(signals=[said], problem=error.reason), kept, error
    kept = identity.written(document) if dropped else body
    return read(document, fields, source), kept, None
