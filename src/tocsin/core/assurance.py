"""Assurance: what vouches for a signal, and what a machine may do. What is not authenticated may
alarm; it can never dispatch by itself, mute or reconfigure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tocsin.core.terms import Actor, Reason, Refused, Role

if TYPE_CHECKING:
    from tocsin.core.incidents.state import Incident


class Assurance(StrEnum):
    """How far an intake can be trusted to say who spoke, the weakest first."""

    NONE = "none"  # anybody could have said it
    INTEGRITY = "integrity"  # it was not changed on its way; who said it is not shown
    AUTHENTICATED = "authenticated"  # whoever said it holds a secret of that device or source


# -- what a machine may do ------------------------------------------------------------------------


class ByMachine(Enum):
    """What an actor that is no person may do with a command."""

    KEEPS = "keeps"  # keep, open, join, tell: it can make things louder, never quieter
    AUTHENTICATED = "authenticated"  # only on an incident with an authenticated, timely alarm
    NEVER = "never"  # mutes, acts or reconfigures: somebody must answer for it


# One row per command, also those of persons alone: tests/core/test_assurance.py fails for one that
# is missing. What a signal leads to goes through `judge_signal` and through nothing else.
BY_MACHINE: Final[Mapping[str, ByMachine]] = MappingProxyType(
    {
        "judge_signal": ByMachine.KEEPS,
        "receive_report": ByMachine.KEEPS,
        "add_to_report": ByMachine.KEEPS,
        # It only says on the incident what its sender says; the incident stays as it is.
        "withdraw_report": ByMachine.KEEPS,
        "open_incident": ByMachine.KEEPS,
        "add_note": ByMachine.KEEPS,
        "open_probe_incident": ByMachine.KEEPS,
        "open_clock_incident": ByMachine.KEEPS,
        "order_sent": ByMachine.KEEPS,
        "time_is_up": ByMachine.KEEPS,
        # A new unit of the register, by an import or the synthetic city; never by a signal.
        "register_unit": ByMachine.KEEPS,
        "send_units": ByMachine.AUTHENTICATED,
        "take_incident": ByMachine.NEVER,
        "classify_incident": ByMachine.NEVER,
        "prioritise_incident": ByMachine.NEVER,
        "locate_incident": ByMachine.NEVER,
        "hold_incident": ByMachine.NEVER,
        "release_incident": ByMachine.NEVER,
        "link_incidents": ByMachine.NEVER,
        "unlink_incidents": ByMachine.NEVER,
        "merge_incidents": ByMachine.NEVER,
        "split_incident": ByMachine.NEVER,
        "close_incident": ByMachine.NEVER,
        "reopen_incident": ByMachine.NEVER,
        "validate_incident": ByMachine.NEVER,
        "move_signal": ByMachine.NEVER,
        "split_sender": ByMachine.NEVER,
        "recall_units": ByMachine.NEVER,
        "receive_order": ByMachine.NEVER,
        "accept_order": ByMachine.NEVER,
        "refuse_order": ByMachine.NEVER,
        "report_status": ByMachine.NEVER,
        "take_out_of_service": ByMachine.NEVER,
        "return_to_service": ByMachine.NEVER,
        "put_on_test": ByMachine.NEVER,
        "extend_on_test": ByMachine.NEVER,
        "end_on_test": ByMachine.NEVER,
        "try_block": ByMachine.NEVER,
        "put_block_in_force": ByMachine.NEVER,
        "approve_block": ByMachine.NEVER,
        "extend_block": ByMachine.NEVER,
        "end_block": ByMachine.NEVER,
        "suspend_block": ByMachine.KEEPS,  # what the rule muted alarms again
        "tick_step": ByMachine.NEVER,
        "untick_step": ByMachine.NEVER,
    }
)


def is_machine(actor: Actor) -> bool:
    """Whether no person answers for what the actor does: our own processes, and tokens of the role
    `service`. Another role's token stands for the person to whom it was given."""
    return actor.role is Role.SERVICE


def require_allowed(actor: Actor, command: str) -> None:
    """Raises `Refused` for a machine that may never do this; a command without a row counts so."""
    if is_machine(actor) and BY_MACHINE.get(command, ByMachine.NEVER) is ByMachine.NEVER:
        raise Refused(Reason.NOT_BY_MACHINE)


def require_dispatch(actor: Actor, incident: Incident) -> None:
    """Raises `Refused` where a machine would send somebody to what nothing vouches for, or to what
    happened long ago. People may always send."""
    if not is_machine(actor):
        return
    if incident.alarms.authenticated <= 0:  # one is enough: the weakest is what its card says
        raise Refused(Reason.NOT_AUTHENTICATED)
    # One that is authenticated and late does not vouch for a timely one that nothing vouches for.
    if incident.alarms.vouched <= 0:
        raise Refused(Reason.ALARM_LATE)
