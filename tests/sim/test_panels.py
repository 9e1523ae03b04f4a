"""Panels against real sockets: their frames read as the codec reads them, and they never give up
a report before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect
from tocsin.sim import panels
from tocsin.sim.city.model import City, Panel
from tocsin.sim.events import PanelSpeaks
from tocsin.sim.panels import Line, PanelLine, message, poll, to_bytes
from tocsin.wire.dc09.frames import Frame, decode, encode, seal, unseal, wrap, write_timestamp
from tocsin.wire.dc09.signals import is_poll, read

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
Answers = Callable[[Frame, int], bytes | None]


def fire(panel: Panel, zone: int = 3) -> PanelSpeaks:
    return PanelSpeaks(panel, "FA", "110", "1", zone, "SMOKE LOBBY")


def of_kind(city: City, transport: str, *, key: bool) -> Panel:
    every = (panel for site in city.sites for panel in site.panels)
    return next(p for p in every if p.transport == transport and bool(p.key) == key)


def opened(panel: Panel, raw: bytes) -> Frame:
    frame = decode(raw)
    return unseal(frame, bytes.fromhex(panel.key)) if frame.encrypted else frame


def ack(panel: Panel, frame: Frame, token: str = "ACK") -> bytes:
    answer = frame._replace(token=token, data=b"", xdata=(), pad=None, encrypted=False)
    if panel.key:
        stamped = answer._replace(timestamp=write_timestamp(datetime.now(UTC)))
        return encode(seal(stamped, bytes.fromhex(panel.key), bytes(16)))
    return encode(answer._replace(timestamp=None))


def test_every_panel_s_frames_read_as_what_it_says(city: City) -> None:
    kinds = set()
    for panel in (panel for site in city.sites for panel in site.panels):
        raw = to_bytes(panel, message(panel, fire(panel), 17, NOW))
        frame = opened(panel, raw)
        (signal,) = read(frame)
        assert (signal.account, signal.sequence) == (panel.account, 17)
        assert (signal.token, int(signal.zone)) == (panel.token, 3)
        assert meaning(signal).effect is Effect.ALARM
        assert signal.encrypted == bool(panel.key)
        if panel.key:
            assert frame.sent_at == NOW
        assert is_poll(opened(panel, to_bytes(panel, poll(panel, NOW))))
        kinds.add((panel.token, len(panel.key)))
    assert len(kinds) == 8


@asynccontextmanager
async def receiver(
    panel: Panel, answers: Answers, transport: str
) -> AsyncIterator[tuple[int, list[Frame], list[int]]]:
    """A listening socket that answers as told; yields port, frames heard, connection numbers."""
    heard: list[Frame] = []
    connections: list[int] = []

    def answer(raw: bytes) -> bytes | None:
        frame = opened(panel, raw)
        heard.append(frame)
        return answers(frame, len(heard))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        while not reader.at_eof():
            try:
                raw = await reader.readuntil(b"\r")
            except asyncio.IncompleteReadError:
                break
            said = answer(raw)
            if said == b"":
                break
            if said is not None:
                writer.write(said)
        writer.close()

    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            said = answer(data)
            if said:
                self.transport.sendto(said, addr)

    if transport == "udp":
        loop = asyncio.get_running_loop()
        listening, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
        try:
            yield listening.get_extra_info("sockname")[1], heard, connections
        finally:
            listening.close()
        return
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard, connections
    finally:
        server.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def talk(
    panel: Panel,
    answers: Answers,
    act: Callable[[PanelLine, Line, list[Frame], list[int]], Awaitable[None]],
) -> None:
    line = Line()
    async with receiver(panel, answers, panel.transport) as (port, heard, connections):
        client = PanelLine(panel, "127.0.0.1", port, line, seed=1)
        task = asyncio.create_task(client.run())
        try:
            await act(client, line, heard, connections)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "ANSWER_S", 0.15)
    monkeypatch.setattr(panels, "RETRY_S", (0.02, 0.05))


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("transport", ["tcp_open", "tcp_close", "udp"])
def test_a_report_is_repeated_with_its_sequence_until_it_is_acknowledged(
    city: City, transport: str, key: bool
) -> None:
    panel = of_kind(city, transport, key=key)

    def answers(frame: Frame, count: int) -> bytes | None:
        return None if count < 3 else ack(panel, frame)

    async def act(
        client: PanelLine, line: Line, heard: list[Frame], connections: list[int]
    ) -> None:
        client.say(fire(panel, 1))
        client.say(fire(panel, 2))
        assert len(line.waiting) == 2
        await until(lambda: line.acked == 2)
        sequences = [int(frame.sequence) for frame in heard]
        assert sequences[0] == sequences[1] == sequences[2]
        assert sequences[3] == sequences[0] % 9_999 + 1
        assert (line.repeated, line.waiting, len(line.latencies_ms)) == (2, {}, 2)
        assert 0 < line.percentile_ms(0.5) < 150
        if transport == "tcp_close":
            assert len(connections) == 4
        elif transport == "tcp_open":
            assert len(connections) == 3  # hung up after each silence, then kept

    asyncio.run(talk(panel, answers, act))


def test_a_panel_calls_again_when_the_receiver_hangs_up(city: City) -> None:
    panel = of_kind(city, "tcp_open", key=False)

    def answers(frame: Frame, count: int) -> bytes | None:
        return b"" if count == 1 else ack(panel, frame)

    async def act(client: PanelLine, line: Line, heard: list[Frame], calls: list[int]) -> None:
        client.say(fire(panel))
        await until(lambda: line.acked == 1)
        assert len(calls) == 2

    asyncio.run(talk(panel, answers, act))


def test_after_a_nak_the_report_is_sent_with_a_new_time(city: City) -> None:
    panel = of_kind(city, "udp", key=True)

    def answers(frame: Frame, count: int) -> bytes | None:
        nak = b'"NAK"0000R0L0A0[]_08:30:15,11-21-2026'
        if count == 1:
            return wrap(nak)
        return ack(panel, frame)

    async def act(client: PanelLine, line: Line, heard: list[Frame], _: list[int]) -> None:
        client.say(fire(panel))
        await until(lambda: line.acked == 1)
        assert (line.nak, len(heard)) == (1, 2)

    asyncio.run(talk(panel, answers, act))


def test_a_refused_report_is_not_sent_for_ever(city: City) -> None:
    panel = of_kind(city, "tcp_close", key=False)

    async def act(client: PanelLine, line: Line, heard: list[Frame], _: list[int]) -> None:
        client.say(fire(panel))
        await until(lambda: line.duh == 1)
        assert (line.acked, line.waiting) == (0, {})

    asyncio.run(talk(panel, lambda frame, _: ack(panel, frame, "DUH"), act))


def test_an_answer_to_something_else_is_not_taken_for_an_acknowledgement(city: City) -> None:
    panel = of_kind(city, "udp", key=False)

    def answers(frame: Frame, count: int) -> bytes | None:
        return ack(panel, frame if count > 1 else frame._replace(sequence="0000"))

    async def act(client: PanelLine, line: Line, heard: list[Frame], _: list[int]) -> None:
        client.say(fire(panel))
        await until(lambda: line.acked == 1)
        assert (line.strange, line.repeated) == (1, 1)

    asyncio.run(talk(panel, answers, act))
