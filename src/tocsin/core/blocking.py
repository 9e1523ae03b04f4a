"""The commands of a block rule: try it on the last day, put it in force, approve, extend, end. What
they do is in `tocsin.core.blocks`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from tocsin.core.block_match import ANY


@dataclass(frozen=True, slots=True)
class TryBlock:
    """A rule is drafted and tried on the last 24 hours; it mutes nothing yet.

    Each of `protocol`, `network`, `account`, `code`, `qualifier` and `zone` is a value or `*` for
    any; `network` or `account` names whom it is about. `network` is an address or a CIDR range, at
    most /16 (IPv4) or /48 (IPv6) wide; `account` may end in `*`. `grave`: it mutes alarms for
    people's lives too, of the one device that `protocol` and `account` name.
    """

    district: str
    protocol: str
    network: str
    account: str
    why: str
    until: datetime
    code: str
    zone: str
    qualifier: str = ANY
    grave: bool = False
    type: Literal["try_block"] = "try_block"


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """A command about a rule that is there."""

    block: UUID


@dataclass(frozen=True, slots=True)
class PutBlockInForce(BlockOrder):
    """Within 15 minutes of its dry run. What needs a second person is approved instead."""

    type: Literal["put_block_in_force"] = "put_block_in_force"


@dataclass(frozen=True, slots=True)
class ApproveBlock(BlockOrder):
    """By another person than the one who drafted it, within 15 minutes of its dry run: the rule is
    in force."""

    type: Literal["approve_block"] = "approve_block"


@dataclass(frozen=True, slots=True)
class ExtendBlock(BlockOrder):
    """`until` is at most 24 hours from now. The rule is tried again; what needed a second person is
    not extended."""

    until: datetime
    type: Literal["extend_block"] = "extend_block"


@dataclass(frozen=True, slots=True)
class EndBlock(BlockOrder):
    """At once; a draft is withdrawn."""

    type: Literal["end_block"] = "end_block"


@dataclass(frozen=True, slots=True)
class SuspendBlock(BlockOrder):
    """Our own process has counted `sources` that the rule muted within an hour, `devices` of them
    known."""

    sources: int
    devices: int
    type: Literal["suspend_block"] = "suspend_block"


PersonBlockCommand = TryBlock | PutBlockInForce | ApproveBlock | ExtendBlock | EndBlock
