"""Contact ID event codes (SIA DC-05, appendix C), with what their three qualifiers say.

Rows are ours: what an alarm-receiving centre makes of the code. Alarms are in
`contact_id_alarms`, troubles in `contact_id_troubles`, openings, tests and the rest in
`contact_id_statuses`.
"""

from __future__ import annotations

from typing import Final

from tocsin.core.codes.contact_id_alarms import ALARM_GROUPS, ALARMS
from tocsin.core.codes.contact_id_statuses import STATUS_GROUPS, STATUSES, TESTS
from tocsin.core.codes.contact_id_troubles import NOT_DONE, TROUBLE_GROUPS, TROUBLES
from tocsin.core.codes.meaning import (
    NEW,
    RESTORED,
    STILL_PRESENT,
    Meaning,
    Number,
    by_qualifier,
    said,
)
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level

# DC-05 gives the number of every event as a zone, except these, where it is a user.
USERS: Final = frozenset(
    (
        *("121", "126", "127", "313"),
        *("400", "401", "402", "403", "404", "405", "406", "407", "408", "409"),
        *("411", "412", "413", "414", "415", "418", "419", "421", "422", "424", "425"),
        *("429", "430", "431", "435", "436", "441", "442", "443"),
        *("450", "451", "452", "453", "454", "455", "456", "457", "458", "459"),
        *("462", "463", "464", "466", "574", "604", "607", "625", "642", "652", "653", "655"),
        *("913", "914", "915", "916", "917", "920", "921", "928", "929", "999"),
    )
)
# Numbers of a downloader or a module.
DEVICES: Final = frozenset(("900", "901", "902", "903", "904"))

# Every code with a row of its own.
CODES: Final = tuple(sorted({*ALARMS, *TROUBLES, *NOT_DONE, *STATUSES, *TESTS}))
_LISTED: Final = frozenset(CODES)


def number_of(code: str) -> Number:
    """What the number beside an event code counts. Of an unlisted opening, access or message it is
    taken for a user's: in doubt, no person's number is shown."""
    if code in USERS or (code not in _LISTED and code[:1] in ("4", "6")):
        return Number.USER
    return Number.DEVICE if code in DEVICES else Number.ZONE


def meaning_of(code: str, qualifier: str) -> Meaning | None:
    """What the event says, or its group where it is not listed; None where there is none."""
    number = number_of(code)
    if code in _LISTED:
        alarm, trouble = ALARMS.get(code), TROUBLES.get(code)
        status, test = STATUSES.get(code), TESTS.get(code)
    else:
        alarm, trouble = ALARM_GROUPS.get(code[:2]), TROUBLE_GROUPS.get(code[:1])
        status, test = STATUS_GROUPS.get(code[:1]), None
    if alarm:
        incident_type, level, zh, en = alarm
        event = said(Effect.ALARM, incident_type, level, (zh, en), number)
        return by_qualifier(event, qualifier)
    if trouble:
        event = said(Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4, trouble, number)
        return by_qualifier(event, qualifier)
    if code in NOT_DONE:
        first, second = NOT_DONE[code][:2], NOT_DONE[code][2:]
        texts = second if qualifier == RESTORED else first
        event = said(Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4, texts, number)
        return by_qualifier(event, STILL_PRESENT if qualifier == STILL_PRESENT else NEW)
    if test:
        return _two_sided(Effect.TEST, test, qualifier, number)
    return _two_sided(Effect.STATUS, status, qualifier, number) if status else None


def _two_sided(
    effect: Effect, texts: tuple[str, str, str, str], qualifier: str, number: Number
) -> Meaning:
    """An opening and closing, begin and end: qualifiers 1 and 3. 6 says again what 1 said."""
    zh, en = texts[2:] if qualifier == RESTORED else texts[:2]
    if qualifier == STILL_PRESENT:
        zh, en = f"{zh}（此前已报）", f"{en}, reported before"
    return said(effect, IncidentType.UNKNOWN, Level.P4, (zh, en), number)
