"""The ways in: the `edge` section of the configuration, and what runs them all in one process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from tocsin.site.described import reached
from tocsin.site.doors import through
from tocsin.site.intakes.aml import Aml
from tocsin.site.intakes.cap import Cap
from tocsin.site.intakes.dc09 import Dc09
from tocsin.site.intakes.mail import Mail
from tocsin.site.intakes.mqtt import Mqtt
from tocsin.site.intakes.sos_access import SosAccess
from tocsin.site.intakes.webhook import Webhook

logger = logging.getLogger("tocsin.edge")

AGAIN_S: Final = (0.5, 30.0)
"""An intake that failed is started again after the first, then after twice as long, up to this."""


class Edge(Struct, forbid_unknown_fields=True, frozen=True):
    """One section for each way in. `tocsin.edge.<name>` runs it: `serve(settings, intake)`."""

    dc09: Dc09 = field(default_factory=Dc09)
    mqtt: Mqtt = field(default_factory=Mqtt)
    sos_access: SosAccess = field(default_factory=SosAccess)
    mail: Mail = field(default_factory=Mail)
    webhook: Webhook = field(default_factory=Webhook)
    aml: Aml = field(default_factory=Aml)
    cap: Cap = field(default_factory=Cap)


async def hear(
    chosen: Edge,
    stop: asyncio.Event,
    *,
    heard: Any,
    devices: Any,
    district: str,
    agency: str,
    say: Callable[[str], None],
    turn: Callable[[bool], None],
) -> None:
    """Runs every intake that is enabled until `stop` is set, then lets each finish.

    `heard` and `devices` (record.heard, record.devices) are started and stay the caller's to stop.
    Raises `AddressNotHad` where an address cannot be had; an intake that fails in any other way is
    started again and holds up no other.
    """
    from tocsin.edge import dc09
    from tocsin.edge.intake import Intake

    chosen = reached(chosen, lambda file: str(through(Path(file))))
    common = {"heard": heard, "devices": devices, "district": district, "agency": agency}
    intakes = []
    tasks = []
    for name in chosen.__struct_fields__:
        settings = getattr(chosen, name)
        if name == "dc09" or not settings.enabled:
            continue
        limits = settings if hasattr(settings, "max_connections") else None
        intake = Intake(name, stop=stop, say=say, limits=limits, **common)
        intakes.append(intake)
        tasks.append(asyncio.create_task(_kept_going(intake, settings), name=name))

    def each_second(can_keep: bool) -> None:
        for intake in intakes:
            intake.tidy(asyncio.get_running_loop().time())
        turn(can_keep)

    panels = dc09.serve(chosen.dc09, stop, say=say, turn=each_second, **common)
    tasks.append(asyncio.create_task(panels, name="dc09"))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        stop.set()  # what has opened sockets closes them
        await asyncio.gather(*tasks, return_exceptions=True)
        for intake in intakes:
            intake.tidy(asyncio.get_running_loop().time())


async def _kept_going(intake: Any, settings: Any) -> None:
    from tocsin.edge.sockets import AddressNotHad

    serve = importlib.import_module(f"tocsin.edge.{intake.name}").serve
    wait_s = AGAIN_S[0]
    while not intake.stop.is_set():
        began = asyncio.get_running_loop().time()
        try:
            intake.is_serving = True
            await serve(settings, intake)
        except AddressNotHad:
            raise
        except Exception:
            logger.exception("an intake failed and is started again", extra={"intake": intake.name})
            intake.counts.refused("failed", "")
        finally:
            intake.is_serving = False
        if intake.stop.is_set():
            return
        if asyncio.get_running_loop().time() - began > AGAIN_S[1]:
            wait_s = AGAIN_S[0]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(intake.stop.wait(), wait_s)
        wait_s = min(2 * wait_s, AGAIN_S[1])
