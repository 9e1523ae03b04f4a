"""Who may do and see what: one literal table, the only policy of the product.

Used by the API, the stream and every caller of `record.handle` that acts for a person. Commands
of our own processes (`judge_signal`, `order_sent`, `register_unit`, `time_is_up`,
`suspend_block`) are in no row: no person and no token may send them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final
from uuid import UUID

from tocsin.core.terms import Actor, Role


class Relation(Enum):
    """How the actor must stand to the object."""

    NONE = "none"  # never
    DISTRICT = "district"  # of the actor's agency, and of its districts where it has any
    OWN_UNIT = "own_unit"  # of the unit it speaks for


_N, _D, _U = Relation.NONE, Relation.DISTRICT, Relation.OWN_UNIT

ROLES: Final = (
    Role.CALL_TAKER,
    Role.DISPATCHER,
    Role.SUPERVISOR,
    Role.CREW,
    Role.ADMINISTRATOR,
    Role.INSPECTOR,
    Role.SERVICE,
)

# One row per act; columns in the order of ROLES.
# fmt: off
TABLE: Final[dict[str, tuple[Relation, ...]]] = {
    #                       call  disp  super crew  admin insp  serv
    "open_incident":       (_D,   _D,   _D,   _N,   _N,   _N,   _D),
    "take_incident":       (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "classify_incident":   (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "prioritise_incident": (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "locate_incident":     (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "add_note":            (_D,   _D,   _D,   _U,   _N,   _N,   _N),
    "hold_incident":       (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "release_incident":    (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "link_incidents":      (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "unlink_incidents":    (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "merge_incidents":     (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "split_incident":      (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "move_signal":         (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "split_sender":        (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "close_incident":      (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "tick_step":           (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "untick_step":         (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "reopen_incident":     (_N,   _D,   _D,   _N,   _N,   _N,   _N),
    "validate_incident":   (_D,   _D,   _D,   _N,   _N,   _N,   _N),
    "send_units":          (_N,   _D,   _D,   _N,   _N,   _N,   _N),
    "recall_units":        (_N,   _D,   _D,   _N,   _N,   _N,   _N),
    # A desk acknowledges and reports for a crew that spoke by radio.
    "receive_order":       (_N,   _D,   _D,   _U,   _N,   _N,   _N),
    "accept_order":        (_N,   _D,   _D,   _U,   _N,   _N,   _N),
    "refuse_order":        (_N,   _D,   _D,   _U,   _N,   _N,   _N),
    "report_status":       (_N,   _D,   _D,   _U,   _N,   _N,   _N),
    "take_out_of_service": (_N,   _D,   _D,   _U,   _N,   _N,   _N),
    "return_to_service":   (_N,   _D,   _D,   _U,   _N,   _N,   _N),
    # Silences what is on test: never by a token or a device, always by somebody who answers for it.
    "put_on_test":         (_N,   _D,   _D,   _N,   _D,   _N,   _N),
    "extend_on_test":      (_N,   _D,   _D,   _N,   _D,   _N,   _N),
    "end_on_test":         (_N,   _D,   _D,   _N,   _D,   _N,   _N),
    # Mutes a runaway sender: whoever ends one lets its alarms through again.
    "try_block":           (_N,   _N,   _D,   _N,   _D,   _N,   _N),
    "put_block_in_force":  (_N,   _N,   _D,   _N,   _D,   _N,   _N),
    "approve_block":       (_N,   _N,   _D,   _N,   _D,   _N,   _N),
    "extend_block":        (_N,   _N,   _D,   _N,   _D,   _N,   _N),
    "end_block":           (_N,   _D,   _D,   _N,   _D,   _N,   _N),
    "manage:warnings":     (_N,   _D,   _D,   _N,   _N,   _N,   _N),
    "manage:publication":  (_N,   _N,   _D,   _N,   _N,   _N,   _N),  # never of one's own words
    "report_positions":    (_N,   _N,   _N,   _U,   _N,   _N,   _D),

    "read:incident":       (_D,   _D,   _D,   _U,   _N,   _D,   _D),
    "read:advice":         (_D,   _D,   _D,   _N,   _N,   _D,   _N),
    "read:order":          (_D,   _D,   _D,   _U,   _N,   _D,   _D),
    "read:unit":           (_D,   _D,   _D,   _U,   _D,   _D,   _D),
    "read:position":       (_D,   _D,   _D,   _U,   _N,   _N,   _N),
    "read:signal":         (_D,   _D,   _D,   _N,   _N,   _D,   _D),
    "read:raw":            (_N,   _D,   _D,   _N,   _N,   _D,   _N),  # the bytes as heard
    "read:fact":           (_D,   _D,   _D,   _U,   _N,   _D,   _D),
    "read:sealed":         (_D,   _D,   _D,   _U,   _N,   _D,   _N),  # personal fields, notes
    "read:site":           (_D,   _D,   _D,   _U,   _D,   _D,   _D),
    "read:device":         (_N,   _D,   _D,   _N,   _D,   _D,   _N),
    "read:on_test":        (_D,   _D,   _D,   _N,   _D,   _D,   _N),
    "read:plan":           (_D,   _D,   _D,   _U,   _N,   _D,   _N),  # may name people
    "read:block":          (_D,   _D,   _D,   _N,   _D,   _D,   _N),
    "read:contact":        (_D,   _D,   _D,   _N,   _D,   _N,   _N),  # a desk: an incident is open
    "read:caller_place":   (_D,   _D,   _D,   _N,   _N,   _N,   _N),  # where callers are, for calls
    "read:intake":         (_D,   _D,   _D,   _N,   _D,   _D,   _D),  # counters and lag

    "manage:sites":        (_N,   _N,   _N,   _N,   _D,   _N,   _N),
    "manage:reference":    (_N,   _N,   _N,   _N,   _D,   _N,   _N),
    "manage:accounts":     (_N,   _N,   _N,   _N,   _D,   _N,   _N),
}
# fmt: on

_COLUMN: Final = {role: column for column, role in enumerate(ROLES)}


def relation(role: Role, act: str) -> Relation:
    """How an actor of `role` must stand to an object for `act`; NONE for an unknown act."""
    row = TABLE.get(act)
    return Relation.NONE if row is None else row[_COLUMN[role]]


def may(actor: Actor, act: str, *, district: str, agency: str, unit: UUID | None = None) -> bool:
    """Whether `actor` may do `act` to an object of `district` and `agency`.

    `act` is a command's type or a row of TABLE. For a crew, `unit` is the unit that the object
    belongs to: the order's unit, or for an incident, its fact or its site a unit attached to it.
    """
    match relation(actor.role, act):
        case Relation.DISTRICT:
            return agency == actor.agency and (not actor.districts or district in actor.districts)
        case Relation.OWN_UNIT:
            return unit is not None and unit == actor.unit
        case Relation.NONE:
            return False


def ever(actor: Actor, act: str) -> bool:
    """Whether there is any object to which the actor may do `act`: for lists and menus."""
    return relation(actor.role, act) is not Relation.NONE
