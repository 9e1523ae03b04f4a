"""What runs the ways in: one that fails is started again and holds up no other, DC-09 ends the
process, and an address that cannot be had is said at once."""

import asyncio
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct, field

from tocsin.edge import dc09_serving
from tocsin.edge.sockets import AddressNotHad
from tocsin.site import intakes
from tocsin.site.intakes import hear
from tocsin.site.intakes.dc09 import Dc09


class One(Struct, frozen=True):
    enabled: bool = True


class Chosen(Struct, frozen=True):
    dc09: Dc09 = field(default_factory=Dc09)
    odd: One = field(default_factory=One)
    even: One = field(default_factory=One)


class Heard:
    def __init__(self) -> None:
        self.hearing: dict[str, bool] = {}
        self.counted: dict[str, int] = {}

    def hears(self, name: str, *, can_hear: bool) -> None:
        self.hearing[name] = can_hear

    def count(self, name: str, increase: int = 1) -> None:
        self.counted[name] = self.counted.get(name, 0) + increase

    def refused(self, *_: object) -> None:
        """What was refused is counted, and shown nowhere here."""


def run(monkeypatch: pytest.MonkeyPatch, heard: Heard, **serves: Any) -> None:
    monkeypatch.setattr(intakes, "AGAIN_S", (0.01, 0.05))
    monkeypatch.setattr(intakes, "SWEEP_S", 0.01)
    for name in ("odd", "even"):
        module = ModuleType(f"tocsin.edge.{name}")
        module.serve = serves[name]  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(dc09_serving, "serve", serves["dc09"])
    hearing: Any = Chosen()

    async def main() -> None:
        await hear(
            hearing,
            stop := asyncio.Event(),
            heard=heard,
            devices=SimpleNamespace(),
            district="d",
            agency="a",
            say=print,
            turn=lambda _: None,
        )
        assert stop.is_set()

    asyncio.run(asyncio.wait_for(main(), 10))


async def stays(_: Any, intake: Any) -> None:
    await intake.stop.wait()


def test_one_that_fails_is_started_again_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard, starts, heard_then = Heard(), [], {}

    async def fails(_: Any, intake: Any) -> None:
        starts.append(intake)
        if len(starts) < 4:
            raise ZeroDivisionError
        await asyncio.sleep(0.05)
        heard_then.update(heard.hearing)
        intake.stop.set()

    async def panels(_: Any, stop: asyncio.Event, **__: Any) -> None:
        await stop.wait()

    run(monkeypatch, heard, dc09=panels, odd=fails, even=stays)
    assert len(starts) == 4
    assert heard_then == {"odd": True, "even": True}
    assert heard.counted["odd.failed"] == 3
    assert heard.hearing == {"odd": False, "even": False}


def test_what_ends_dc09_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def panels(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(monkeypatch, Heard(), dc09=panels, odd=stays, even=stays)


def test_an_address_that_cannot_be_had_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(*_: Any) -> None:
        raise AddressNotHad(98, "odd cannot listen")

    async def panels(_: Any, stop: asyncio.Event, **__: Any) -> None:
        await stop.wait()

    with pytest.raises(AddressNotHad):
        run(monkeypatch, Heard(), dc09=panels, odd=taken, even=stays)
