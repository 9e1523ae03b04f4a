"""Topics and filters (MQTT 5.0 4.7), and which topics carry commands: those may hold a PIN, and
what stands on them is not read."""

from __future__ import annotations

from typing import Final

COMMAND_WORDS: Final = frozenset({"set", "get", "cmd", "cmnd", "command", "commands"})
"""Where a level of a topic is one of these, somebody is told to do something: the command topics
of Home Assistant, Zigbee2MQTT and Tasmota."""


def is_command(topic: str) -> bool:
    """Whether the topic is for commands, which are not for us."""
    return not COMMAND_WORDS.isdisjoint(topic.lower().split("/"))


def is_filter(name: str) -> bool:
    """Whether a subscription to it is well-formed: `+` and `#` stand alone, `#` at the end."""
    levels = name.split("/")
    return bool(name) and all(
        ("+" not in level and "#" not in level)
        or level == "+"
        or (level == "#" and place == len(levels) - 1)
        for place, level in enumerate(levels)
    )


def match(name: str, topic: str) -> tuple[str, ...] | None:
    """What stands for each `+` and `#` of the filter in `topic`; None where it does not match.
    A filter that begins with a wildcard leaves out topics that begin with `$` (4.7.2)."""
    wanted, levels = name.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return None
    found: list[str] = []
    for place, level in enumerate(wanted):
        if level == "#":
            return (*found, "/".join(levels[place:]))
        if place >= len(levels) or (level != "+" and level != levels[place]):
            return None
        if level == "+":
            found.append(levels[place])
    return tuple(found) if len(wanted) == len(levels) else None
