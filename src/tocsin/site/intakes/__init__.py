"""The ways in: the `edge` section of the configuration, and what runs them all in one process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable, Coroutine
from functools import partial
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

SWEEP_S: Final = 1.0


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
    Raises `AddressNotHad` where an address cannot be had, and whatever ends DC-09: then the process
    is started again. Any other intake that fails is started again here, and holds up no other.
    """
    from tocsin.edge import dc09_serving
    from tocsin.edge.intake import Intake

    chosen = reached(chosen, lambda file: str(through(Path(file))))
    common = {"heard": heard, "devices": devices, "district": district, "agency": agency}
    intakes = []
    tasks = []
    for name in chosen.__struct_fields__:
        settings = getattr(chosen, name)
        if name == "dc09":
            continue
        if not settings.enabled:
            heard.fetching.begin(name, ())  # what it went to before a restart is gone
            continue
        limits = settings if hasattr(settings, "max_connections") else None
        intake = Intake(name, stop=stop, say=say, limits=limits, **common)
        intakes.append(intake)
        runs = _kept_going(name, stop, partial(_serve, intake, settings))
        tasks.append(asyncio.create_task(runs, name=name))
    panels = dc09_serving.serve(chosen.dc09, stop, say=say, turn=turn, **common)
    tasks.append(asyncio.create_task(panels, name="dc09"))
    tidying = _kept_going("counters", stop, partial(_tidy, intakes, stop))
    tasks.append(asyncio.create_task(tidying, name="counters"))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        stop.set()  # what has opened sockets closes them
        await asyncio.gather(*tasks, return_exceptions=True)
        for intake in intakes:
            intake.tidy(asyncio.get_running_loop().time())


async def _serve(intake: Any, settings: Any) -> None:
    serve = importlib.import_module(f"tocsin.edge.{intake.name}").serve
    intake.is_serving = True
    try:
        await serve(settings, intake)
    except Exception:
        intake.counts.refused("failed", "")
        raise
    finally:
        intake.is_serving = False


async def _tidy(intakes: list[Any], stop: asyncio.Event) -> None:
    while not stop.is_set():
        for intake in intakes:
            intake.tidy(asyncio.get_running_loop().time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SWEEP_S)


async def _kept_going(
    name: str, stop: asyncio.Event, serve: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Runs `serve` until `stop` is set, and again where it fails; not where an address is taken."""
    from tocsin.edge.sockets import AddressNotHad

    wait_s = AGAIN_S[0]
    while not stop.is_set():
        began = asyncio.get_running_loop().time()
        try:
            await serve()
        except AddressNotHad:
            raise
        except Exception:
            logger.exception("a way in failed and is started again", extra={"intake": name})
        if stop.is_set():
            return
        if asyncio.get_running_loop().time() - began > AGAIN_S[1]:
            wait_s = AGAIN_S[0]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait_s)
        wait_s = min(2 * wait_s, AGAIN_S[1])
