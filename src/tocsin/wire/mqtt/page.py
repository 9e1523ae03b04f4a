"""The sections of docs/protocols/mqtt.md that are written from the code's own tables."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.core.identity_fields import PERSONS, SECRETS
from tocsin.wire.card import table
from tocsin.wire.mqtt.dialects import ACTIONS, PANEL_STATES, SENSORS
from tocsin.wire.mqtt.redaction import FOLLOWING
from tocsin.wire.mqtt.refusals import (
    BAD_CLIENT_ID,
    BAD_METHOD,
    NOT_AUTHORISED,
    UNAVAILABLE,
)
from tocsin.wire.mqtt.session import (
    CONNECT_BYTES_MAX,
)

_REFUSED = (
    ("unknown user name, or wrong password", NOT_AUTHORISED),
    ("too many wrong passwords for it from the address within a minute", NOT_AUTHORISED),
    ("the record cannot be written", UNAVAILABLE),
    ("3.1.1: no client id, and a session that is to go on", BAD_CLIENT_ID),
    ("5.0: an authentication method", BAD_METHOD),
)

_HEARD = (
    ("QoS 1", "PUBACK after the commit"),
    ("QoS 2", "PUBREC after the commit, PUBCOMP after PUBREL; an id between them is nothing new"),
    ("QoS 0", "nothing, in any case"),
    ("PINGREQ", "PINGRESP, noted as a supervision poll; not while the record cannot be written"),
    ("not kept", "no PUBACK, and the connection is closed (5.0: DISCONNECT 0x89)"),
    ("a bad packet", "5.0: DISCONNECT with its reason code; 3.1.1: the connection is closed"),
)

_NOT_KEPT = """\
Why the connection is closed where a message could not be kept: both versions let a client send
again only when it connects again (5.0, 4.4), so that silence on an open connection would leave an
alarm where it is. A PUBACK with an error is no way out, since the client must not send again what
was answered so (5.0, 4.3.2). While nothing can be kept nobody is let in (3.1.1: 3, 5.0: 0x88),
so that a device takes its other path."""

_RETAINED = """\
A retained message tells a state, not that something happens now. What a topic said last is known
from the record, so after a restart too:

- it says the same as the topic said last: a status report, which opens nothing. So a retained
  alarm alarms once, however often we or the device connect;
- it says something else: it is told as what it says, its token marked `.retained`. An alarm among
  them alarms with its own level: it began while we were away, perhaps a second ago;
- a broker tells it, and we never heard the topic before: its token is marked `.found`. An alarm is
  then a state found at connection, which may be years old: one card in the watch band for its site,
  of priority 4, for somebody to look at. Restores and armings are told as what they say. The alarm
  itself, when it comes and is not retained, raises that card to its own level at once;
- whether we ever heard it cannot be said (the record is behind, or the account said more than is
  looked at, see the limits), or a device itself says so for the first time: RETAIN asks only that
  it be stored (3.1.1, 3.3.1.3), so it may be of now. In doubt it alarms with its own level, marked
  `.retained`."""

_AGAIN = """\
A message marked as sent again (DUP) that equals one of the last three minutes in account, packet
id, topic and content is a repeat: acknowledged, kept, linked, not decided again; after a restart
of ours too. One that is not marked is new, even if it equals another in all of these: devices
count their packet ids from 1 again with each connection, and in doubt it alarms."""

_TAKEN_OUT = """\
In JSON at any depth, in texts (`pin: ...`), in user properties, and as a topic's last
level; also `code` with four or more digits, or beside `action` or `command`, and a
message that is nothing but four to ten digits. In its place stands `[removed]`, in the
kept bytes too. Case, dividers and plurals do not matter, and longer names count as well
(`driver_phone`). A key that stands twice in an object is kept as it was read, the last.
Where keypads speak (`home_assistant`, `zigbee2mqtt`) also `code` of any length, runs of
three or more digits in a bare text, in a text with a command (ARM_*, DISARM, TRIGGER)
or under a key that is one, and a text in JSON that is nothing else.
Of what begins as JSON and is none, only length and digest are kept."""


def sections() -> Iterator[str]:
    """Lines between what is read and the limits."""
    yield "## What the sender hears"
    yield ""
    yield "Nothing is acknowledged before it is on disk."
    yield ""
    yield from table(("what came", "answer"), _HEARD)
    yield ""
    yield from _NOT_KEPT.splitlines()
    yield ""
    yield f"A CONNECT may have {CONNECT_BYTES_MAX} bytes. It is refused:"
    yield ""
    rows = [(why, f"{code.v3}", f"0x{code.v5:02X}") for why, code in _REFUSED]
    yield from table(("because", "3.1.1", "5.0"), rows)
    yield ""
    yield "A broker's messages are taken with QoS 1, also what was published with QoS 2: after our"
    yield "PUBREC a broker forgets it, and a restart of ours before the commit would lose it."
    yield ""
    yield "Where devices do not connect to us too, silence is judged only while every broker is"
    yield "connected: a broker that is away is told by itself, and the devices behind it are not"
    yield "told as silent. Where they do, silence is judged all the time, and a broker that is away"
    yield "for longer than its devices may be silent makes them silent too."
    yield ""
    yield "## Retained messages"
    yield ""
    yield from _RETAINED.splitlines()
    yield ""
    yield "## Messages that come again"
    yield ""
    yield from _AGAIN.splitlines()
    yield ""
    yield "## What is taken out before anything is kept"
    yield ""
    yield from _TAKEN_OUT.splitlines()
    yield ""
    taken_out = [
        ("a PIN or password", ", ".join(sorted(SECRETS))),
        ("a person, telephone or vehicle", ", ".join(sorted(PERSONS))),
        ("what shows or follows somebody", ", ".join(sorted(FOLLOWING))),
    ]
    yield from table(("what", "keys"), taken_out)
    yield ""
    yield "## Codes of the dialects"
    yield ""
    yield from table(("Home Assistant", "code"), list(PANEL_STATES.items()))
    yield ""
    yield from table(("Zigbee2MQTT action", "code"), list(ACTIONS.items()))
    yield ""
    sensors = [
        (key, str(alarming).lower(), code, restored)
        for key, (alarming, code, restored) in SENSORS.items()
    ]
    yield from table(("Zigbee2MQTT sensor", "alarms when", "code", "else"), sensors)
    yield ""
