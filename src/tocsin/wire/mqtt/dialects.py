"""The dialects that messages are written in: Tocsin's own form, Home Assistant's alarm panel,
Zigbee2MQTT, Frigate, and a mapping by JSON pointers. Each reads one clean message to its events."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from tocsin.wire.mqtt.redaction import Redacted
from tocsin.wire.mqtt.saying import STATUS_REPORT, Said, Topic, Unreadable, instant, printable

EVENTS_MAX: Final = 256  # of one message; none behind them is looked at

_SIA: Final = re.compile(r"[A-Z]{2}")
_CONTACT_ID: Final = re.compile(r"[0-9A-F]{3}")
# An address has a digit and is short. What else stands there may be a name, so it is text.
_ADDRESS: Final = re.compile(r"(?=[A-Za-z_-]*[0-9])[0-9A-Za-z_-]{1,16}")

# Home Assistant, alarm_control_panel: the states of its MQTT integration.
PANEL_STATES: Final = {
    "disarmed": "OP",
    "armed_away": "CL",
    "armed_vacation": "CL",
    "armed_home": "NL",
    "armed_night": "NL",
    "armed_custom_bypass": "NM",
    "arming": STATUS_REPORT,
    "disarming": STATUS_REPORT,
    "pending": STATUS_REPORT,
    "triggered": "BA",
}

# Zigbee2MQTT, keypads and buttons. A request to arm or disarm is only that: whether it was granted
# is said by the panel, so these are status reports.
ACTIONS: Final = {
    "emergency": "QA",
    "sos": "QA",
    "panic": "PA",
    "police": "PA",
    "fire": "FA",
    "tamper": "TA",
    "invalid_code": STATUS_REPORT,
    "disarm": STATUS_REPORT,
    "arm_all_zones": STATUS_REPORT,
    "arm_day_zones": STATUS_REPORT,
    "arm_night_zones": STATUS_REPORT,
    "exit_delay": STATUS_REPORT,
    "entry_delay": STATUS_REPORT,
    "not_ready": STATUS_REPORT,
    "already_disarmed": STATUS_REPORT,
}

# Zigbee2MQTT, sensors: the value that alarms, its code, and the code of the other value. A contact
# is true while it is closed. `alarm` does not say what of.
SENSORS: Final = {
    "smoke": (True, "FA", "FR"),
    "carbon_monoxide": (True, "GA", "GR"),
    "gas": (True, "GA", "GR"),
    "water_leak": (True, "WA", "WR"),
    "contact": (False, "BA", "BR"),
    "occupancy": (True, "BA", "BR"),
    "vibration": (True, "BA", "BR"),
    "sos": (True, "PA", "PR"),
    "alarm": (True, "UA", "UR"),
    "tamper": (True, "TA", "TR"),
    "battery_low": (True, "XT", "XR"),
}
BY_DEFAULT: Final = tuple(key for key in SENSORS if key not in ("occupancy", "vibration"))

# How firmware that maps nothing writes a boolean; in any case of its letters.
YES: Final = ("true", "on", "1")
NO: Final = ("false", "off", "0")


def tocsin(message: Redacted, _name: str, _topic: Topic) -> list[Said]:
    """{"code": "BA", "zone": "7", "partition": "1", "text": "...", "at": "..."}, or a list. An
    event that cannot be read hides none beside it: it is shown as one without a code."""
    content = message.content
    events = content if isinstance(content, list) else [content]
    said: list[Said] = []
    refused = "an object with a code was expected"
    for one in events[:EVENTS_MAX]:
        try:
            said.append(_own(one))
        except Unreadable as unreadable:
            refused = str(unreadable)
            said.append(Said("", text=f"{refused}: {msgspec.json.encode(one).decode()}"))
    if not any(one.code for one in said):
        raise Unreadable(refused)
    return said


def _own(event: Any) -> Said:
    if not isinstance(event, dict) or "code" not in event:
        raise Unreadable("an object with a code was expected")
    return _event(
        event["code"],
        codes=_word(event.get("codes")),
        qualifier=_word(event.get("qualifier")),
        zone=_word(event.get("zone")),
        partition=_word(event.get("partition")),
        text=_word(event.get("text")),
        at=event.get("at"),
    )


def home_assistant(message: Redacted, _name: str, _topic: Topic) -> list[Said]:
    """A state of alarm_control_panel, plain or as {"state": "..."}."""
    content = message.content
    if isinstance(content, dict):
        found = content.get("state")
    elif isinstance(content, str):
        found = content
    else:
        found = printable(message.payload)
    word = _word(found).strip().lower()
    code = PANEL_STATES.get(word)
    if code is None:
        raise Unreadable("a state of alarm_control_panel was expected")
    return [Said(code, text=word)]


def zigbee2mqtt(message: Redacted, name: str, topic: Topic) -> list[Said]:
    """A keypad's or button's action, or what a sensor says."""
    content = message.content
    if not isinstance(content, dict):
        raise Unreadable("an object was expected")
    said: list[Said] = []
    action = _word(content.get("action"))
    if action:
        # One that we do not know is said to be unreadable, and hides nothing beside it.
        code = ACTIONS.get(action, "")
        said.append(Said(code, zone=_address(content.get("action_zone")), text=f"{name}: {action}"))
    zone = topic.zone or _address(name.rsplit("/", 1)[-1])
    said += [
        _sensor(key, content[key], zone, name)
        for key in topic.keys or BY_DEFAULT
        if key in SENSORS and content.get(key) is not None
    ]
    return said


def _sensor(key: str, value: Any, zone: str, name: str) -> Said:
    """One sensor's value. A value that nobody foresaw may be an alarm: it is shown, not read."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word not in (*YES, *NO):
        shown = msgspec.json.encode(value).decode()
        return Said("", zone=zone, text=f"{name}: {key} {shown}")
    alarming, code, restored = SENSORS[key]
    is_so = (word in YES) is alarming
    text = f"{name}: {key} {str(word in YES).lower()}"
    return Said(code if is_so else restored, zone=zone, text=text)


def frigate(message: Redacted, _name: str, topic: Topic) -> list[Said]:
    """An object that a camera began to follow, with a label and in a zone that are wanted: evidence
    for an alarm at the site, and none by itself. Its further reports say nothing."""
    content = message.content
    after = content.get("after") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(after, dict):
        raise Unreadable("an event of Frigate was expected")
    if content.get("type") != "new" or after.get("false_positive") is True:
        return []
    label = _word(after.get("label"))
    zones = [
        _word(one)
        for key in ("current_zones", "entered_zones")
        for one in (after[key] if isinstance(after.get(key), list) else [])
    ]
    zones = list(dict.fromkeys(zones))[:16]
    if label not in topic.labels or (topic.zones and not set(zones) & set(topic.zones)):
        return []
    where = f" ({', '.join(zones)})" if zones else ""
    text = f"{_word(after.get('camera'))}: {label}{where}"
    return [Said(STATUS_REPORT, text=text, occurred_at=instant(after.get("start_time")))]


def generic(message: Redacted, _name: str, topic: Topic) -> list[Said]:
    """What stands at the configured JSON pointers; `values` gives a value its code."""
    content = message.content
    if content is None:
        content = printable(message.payload)  # a bare word: pointer "" is the whole of it
    at = topic.at
    found = _at(content, at.get("code", ""))
    if isinstance(found, bool):
        found = str(found).lower()
    word = _word(found)
    code = topic.values.get(word, word)
    if not code:
        raise Unreadable("no code where one was expected")
    return [
        _event(
            code,
            codes=at.get("codes", ""),
            zone=_word(_at(content, at["zone"])) if "zone" in at else "",
            partition=_word(_at(content, at["partition"])) if "partition" in at else "",
            text=_word(_at(content, at["text"])) if "text" in at else "",
            at=_at(content, at["occurred_at"]) if "occurred_at" in at else None,
        )
    ]


Dialect = Callable[[Redacted, str, Topic], list[Said]]

DIALECTS: Final[dict[str, Dialect]] = {
    "tocsin": tocsin,
    "home_assistant": home_assistant,
    "zigbee2mqtt": zigbee2mqtt,
    "frigate": frigate,
    "generic": generic,
}


def _event(
    code: Any,
    *,
    codes: str = "",
    qualifier: str = "",
    zone: str = "",
    partition: str = "",
    text: str = "",
    at: Any = None,
) -> Said:
    word = f"{code:03d}" if isinstance(code, int) and not isinstance(code, bool) else _word(code)
    word = word.strip().upper()
    if not codes:
        codes = "cid" if _CONTACT_ID.fullmatch(word) and not _SIA.fullmatch(word) else "sia"
    if codes == "sia" and _SIA.fullmatch(word):
        qualifier = ""
    elif codes == "cid" and _CONTACT_ID.fullmatch(word):
        qualifier = qualifier if qualifier in ("1", "3", "6") else "1"
    else:
        raise Unreadable("a code of SIA (two letters) or Contact ID (three digits) was expected")
    # A zone that is none may be a person's name: it is text, which is sealed.
    texts = [text, *(one for one in (zone, partition) if one and not _address(one))]
    return Said(
        word,
        codes,
        qualifier,
        _address(zone),
        _address(partition),
        " ".join(filter(None, texts)),
        instant(at),
    )


def _at(content: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points at; None for nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(content, dict):
            content = content.get(key)
        elif isinstance(content, list) and key.isascii() and key.isdecimal() and len(key) < 6:
            content = content[int(key)] if int(key) < len(content) else None
        else:
            return None
    return content


def _word(value: Any) -> str:
    """A text or a number as text; nothing for anything else."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def _address(value: Any) -> str:
    word = _word(value).strip()
    return word if _ADDRESS.fullmatch(word) else ""
