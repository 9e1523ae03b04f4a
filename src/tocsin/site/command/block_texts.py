"""What `tocsin block` prints: a rule in a line, and its dry run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tocsin.core.block_match import ANY
from tocsin.core.blocks import BlockEnding
from tocsin.core.texts.lists import BLOCK_ENDINGS, LEVELS
from tocsin.core.texts.text import Text
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.record.block_history import incidents_of, timeline
from tocsin.record.database import Connection
from tocsin.record.views.rows import MATCHED
from tocsin.site.language import say


def told(row: dict[str, Any]) -> str:
    """A rule in one line: its id, what it does, what it matches, until when, how much it muted."""
    matched = " ".join(f"{name}={row[name]}" for name in MATCHED if row[name] != ANY)
    stage = _of(_STAGES[row["stage"]])
    if row["ending"] is not None:
        stage = f"{stage} ({_of(BLOCK_ENDINGS[BlockEnding(row['ending'])])})"
    until = row["ended_at"] or row["until"]
    last = row["last_at"] or "-"
    muted = say(
        f"{row['signals']} signals muted, the last {last}",
        f"已屏蔽信号 {row['signals']} 条，最近一条 {last}",
    )
    who = " / ".join(one for one in (row["by_name"], row["approved_by_name"]) if one)
    return f"{row['id']}  {stage}  {until}  {matched}  {muted}  {who}: {row['why']}"


def tried(connection: Connection, row: dict[str, Any]) -> list[str]:
    """The figures of its dry run, and the incidents that would not have opened."""
    found = row["tried"]
    least = "≥ " if found["cut"] else ""
    lines = [
        say(
            f"In the last 24 hours it would have muted {least}{found['signals']} signals of"
            f" {found['sources']} of {found['active']} active sources"
            f" ({found['devices']} of {found['active_devices']} known devices).",
            f"过去 24 小时内会屏蔽 {least}{found['signals']} 条信号，来自 {found['active']} 个"
            f"活动来源中的 {found['sources']} 个（已登记设备 {found['active_devices']} 台中的"
            f" {found['devices']} 台）。",
        ),
        say(
            f"Grave alarms muted: {found['grave']}; let through: {found['spared']}.",
            f"危及生命的报警：会被屏蔽 {found['grave']} 条，不受屏蔽 {found['spared']} 条。",
        ),
        say(
            f"Incidents that would not have opened: {found['unopened']}",
            f"不会立的警情：{found['unopened']} 起",
        ),
    ]
    for one in incidents_of(timeline(connection, UUID(row["id"]))):
        others = (
            say(f"{one.others} other signals", f"另有信号 {one.others} 条") if one.others else ""
        )
        opened = f"{one.opened_at:%Y-%m-%d %H:%M:%SZ}"
        parts = (f"  {one.number}", _of(INCIDENT_TYPES[one.type]), _of(LEVELS[one.level]), opened)
        lines.append("  ".join([*parts, others]).rstrip())
    return lines


_STAGES = {
    "draft": Text("已试算，未启用", "tried, not in force"),
    "in_force": Text("生效中", "in force"),
    "ended": Text("已结束", "ended"),
}


def _of(text: Text) -> str:
    return say(text.en, text.zh)
