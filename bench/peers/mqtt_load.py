"""Devices that publish one alarm with QoS 1, wait for its PUBACK, and publish the next: the load of
mqtt.py.

`mqtt_load.py HOST PORT DEVICES SECONDS` prints one line of JSON: PUBACKs per second, their latency,
and how many answers were not the PUBACK of what was published.
"""

import asyncio
import gc
import json
import sys
import time

import uvloop

from tocsin.wire.mqtt.packets import PUBACK, V3, Ack, ConnAck, Connect, Publish, encode

WARM_UP_S = 0.5
PACKETS_PER_DEVICE = 1_000
PASSWORD = b"a long password"
CONNACK = encode(ConnAck(), V3)


def packets_of(device: int) -> list[bytes]:
    return [
        encode(
            Publish(f"dev-{device}/event", b'{"code":"BA","zone":"%d"}' % (n % 64), 1, n + 1), V3
        )
        for n in range(PACKETS_PER_DEVICE)
    ]


class Device(asyncio.Protocol):
    """One connection, kept open. Latencies in seconds are appended to `told`."""

    def __init__(self, number: int, told: list[float], wrong: list[bytes]):
        self.number, self.told, self.wrong = number, told, wrong
        self.packets = packets_of(number)
        self.answers = [encode(Ack(PUBACK, n + 1), V3) for n in range(PACKETS_PER_DEVICE)]
        self.next = self.published = 0
        self.running = True
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write
        account = f"dev-{self.number}"
        self.write(encode(Connect(V3, account, True, 600, None, account, PASSWORD), V3))

    def publish(self) -> None:
        self.at = time.perf_counter()
        self.write(self.packets[self.next])
        self.published += 1

    def data_received(self, data: bytes) -> None:
        if not self.connected.done():
            self.connected.set_result(data == CONNACK)
            return
        self.told.append(time.perf_counter() - self.at)
        if data != self.answers[self.next]:
            self.wrong.append(data)
        self.next = (self.next + 1) % PACKETS_PER_DEVICE
        if self.running:
            self.publish()

    def connection_lost(self, _: Exception | None) -> None:
        if self.running:
            self.wrong.append(b"connection lost")


async def main(host: str, port: int, devices: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    wrong: list[bytes] = []
    opened = [
        (await loop.create_connection(lambda n=n: Device(n, told, wrong), host, port))[1]
        for n in range(devices)
    ]
    if not all([await device.connected for device in opened]):
        raise SystemExit("a device was refused")
    gc.freeze()
    for device in opened:
        device.publish()
    await asyncio.sleep(WARM_UP_S)
    told.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    latencies = sorted(told) or [0.0]
    for device in opened:
        device.running = False
    print(
        json.dumps(
            {
                "rate": len(told) / took,
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
                "wrong": len(wrong),
                "wrong_first": wrong[0].decode("latin-1") if wrong else None,
                "load_cpu": cpu / took,
                "sent": sum(device.published for device in opened),
            }
        )
    )


if __name__ == "__main__":
    host, port, devices, seconds = sys.argv[1:5]
    uvloop.run(main(host, int(port), int(devices), float(seconds)))
