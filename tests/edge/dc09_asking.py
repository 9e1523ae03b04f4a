"""A frame of a panel and the answer to it, as the tests of DC-09 over sockets ask."""

from live_edge import Panel

from tocsin.wire.dc09.frames import Frame


def asks(panel: Panel, raw: bytes) -> Frame:
    panel.send(raw)
    answer = panel.receive()
    assert answer is not None
    return answer
