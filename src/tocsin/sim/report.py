"""What the simulation says of itself: a status line while it runs, a summary when it ends."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from tocsin.sim.api import Tally
from tocsin.sim.board import INCIDENT_ENDED, ORDER_ENDED, Board
from tocsin.sim.clock import Clock
from tocsin.sim.events import START_HOUR
from tocsin.sim.panels import Line

# How long (real seconds) a report may wait for its ACK, and an order for an answer beyond what a
# crew without signal takes, before the summary calls it a problem.
UNACKED_S_MAX: Final = 20.0
UNANSWERED_S_MAX: Final = 30.0
# Refusals that life brings: somebody else was first, or the order was taken back meanwhile.
EXPECTED: Final = (
    "409 ",
    " already_so",
    " order_ended",
    " unit_has_no_order",
    " order_step_impossible",
    " unit_on_order",
    " incident_closed",
    " incident_merged",
    " unit_attached",
    " unit_busy",
    " unit_out_of_service",
)


@dataclass(slots=True)
class Watch:
    """Counts what the board shows from the start on."""

    board: Board
    opened: int = 0
    closed: int = 0
    orders: int = 0
    states: dict[str, str] = field(default_factory=dict)
    given: dict[str, float] = field(default_factory=dict)  # order without an answer: real time
    unanswered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.board.listeners.append(self._see)

    def _see(self, kind: str, row: dict[str, Any]) -> None:
        before = self.states.get(row["id"])
        self.states[row["id"]] = row["state"]
        fresh = self.board.ready.is_set()
        if kind == "incidents":
            self.opened += fresh and before is None
            ended = row["state"] in INCIDENT_ENDED
            self.closed += fresh and ended and before not in INCIDENT_ENDED
        elif kind == "orders":
            self.orders += fresh and before is None
            if row["state"] in ("given", "sent"):
                self.given.setdefault(row["id"], time.monotonic())
            else:
                self.given.pop(row["id"], None)

    def silent_orders(self, longest_s: float) -> list[str]:
        """Call signs of the orders that nobody has answered for longer than that."""
        now = time.monotonic()
        late = [key for key, since in self.given.items() if now - since > longest_s]
        return sorted({self.board.orders[key]["call_sign"] for key in late})


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run. `problems` is empty when everything fits together."""

    seconds: float
    signals_sent: int
    signals_acked: int
    repeated: int
    polls: int
    polls_acked: int
    ack_p50_ms: float
    ack_p95_ms: float
    incidents_opened: int
    incidents_closed: int
    orders: int
    commands: dict[str, int]
    refusals: dict[str, int]
    unavailable: int
    problems: tuple[str, ...]


def status_line(clock: Clock, line: Line, watch: Watch, language: str) -> str:
    """One line for a terminal, `zh` or `en`."""
    minutes = int(START_HOUR * 60 + clock.now() / 60) % (24 * 60)
    board = watch.board
    open_now = sum(row["state"] not in INCIDENT_ENDED for row in board.incidents.values())
    active = sum(row["state"] not in ORDER_ENDED for row in board.orders.values())
    figures = {
        "at": f"{minutes // 60:02d}:{minutes % 60:02d}",
        "acked": line.acked,
        "sent": line.sent,
        "p95": line.percentile_ms(0.95),
        "polls": line.polls_acked,
        "open": open_now,
        "closed": watch.closed,
        "active": active,
    }
    return _STATUS["zh" if language == "zh" else "en"].format(**figures)


_STATUS: Final = {
    "en": "{at}  signals {acked}/{sent} acknowledged (p95 {p95:.0f} ms), polls {polls};"
    " incidents {open} open, {closed} closed; orders {active} active",
    "zh": "{at}  报警信号 {acked}/{sent} 已确认（p95 {p95:.0f} 毫秒），巡检 {polls}；"
    "警情 处置中 {open}，已结束 {closed}；出动命令 执行中 {active}",
}


def summarise(
    clock: Clock, line: Line, watch: Watch, tally: Tally, problems: list[str], silence_s: float
) -> Summary:
    """The figures at the end, and everything in them that does not fit together."""
    now = time.monotonic()
    found = list(problems)
    late = sorted(a for a, since in line.waiting.values() if now - since > UNACKED_S_MAX)
    if late:
        found.append(f"signals without acknowledgement: {len(late)} ({', '.join(late[:5])})")
    if line.duh:
        found.append(f"signals refused with DUH: {line.duh}")
    if silent := watch.silent_orders(silence_s + UNANSWERED_S_MAX):
        found.append(f"orders never answered: {', '.join(silent)}")
    strange = {
        what: count
        for what, count in tally.refused.items()
        if not any(mark in what for mark in EXPECTED)
    }
    found.extend(f"unexpected answer: {what} ({count} times)" for what, count in strange.items())
    return Summary(
        seconds=clock.now() / clock.speed,
        signals_sent=line.sent,
        signals_acked=line.acked,
        repeated=line.repeated,
        polls=line.polls,
        polls_acked=line.polls_acked,
        ack_p50_ms=line.percentile_ms(0.5),
        ack_p95_ms=line.percentile_ms(0.95),
        incidents_opened=watch.opened,
        incidents_closed=watch.closed,
        orders=watch.orders,
        commands=dict(Counter(tally.done)),
        refusals=dict(Counter(tally.refused)),
        unavailable=tally.unavailable,
        problems=tuple(found),
    )
