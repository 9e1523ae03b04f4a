"""What a block rule matches: a network address or range, an account, and what narrows them. Every
field is a value or the explicit `*`; nothing matches all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from uuid import UUID

from tocsin.core.code_tables import zone_of
from tocsin.core.signals import SignalRead
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import Reason, Refused
from tocsin.core.zones import zone_number

ANY: Final = "*"

IPV4_PREFIX_MIN: Final = 16
IPV6_PREFIX_MIN: Final = 48
"""No range is wider: a /16 is a provider's pool, a /48 one end site (RFC 6177)."""

ACCOUNT_CHARS_MAX: Final = 64
ACCOUNT_STEM_MIN: Final = 3
"""Before the `*` that an account may end in: `12*` would be a tenth of a register."""

_PROTOCOL: Final = re.compile(r"[a-z0-9_]{1,20}")
_CODE: Final = re.compile(r"[0-9A-Za-z._-]{1,40}")
_QUALIFIERS: Final = ("1", "3", "6")

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class BlockMatch:
    """The criteria, each a value or `*`. They never change once the rule is drafted."""

    protocol: str
    network: str
    account: str
    code: str
    qualifier: str
    zone: str

    @property
    def one_device(self) -> bool:
        """Whether it names one device: an account of one protocol, without a `*`."""
        return self.protocol != ANY and not self.account.endswith(ANY)


def checked(match: BlockMatch) -> BlockMatch:
    """The criteria in the form they are kept in. Raises `Refused`, naming the field."""
    fields = {name: getattr(match, name).strip() for name in BlockMatch.__dataclass_fields__}
    for name, value in fields.items():
        if not value:
            raise Refused(Reason.BLOCK_FIELD_INVALID, field=name)
    if fields["network"] == ANY and fields["account"] == ANY:
        raise Refused(Reason.BLOCK_MATCHES_ALL)
    _require(fields, "protocol", _PROTOCOL.fullmatch(fields["protocol"]) is not None)
    _require(fields, "account", _is_account(fields["account"]))
    _require(fields, "code", _CODE.fullmatch(fields["code"]) is not None)
    _require(fields, "qualifier", fields["qualifier"] in _QUALIFIERS)
    if fields["qualifier"] != ANY and fields["code"] == ANY:
        raise Refused(Reason.BLOCK_FIELD_INVALID, field="qualifier")
    if fields["network"] != ANY:
        fields["network"] = str(_network(fields["network"]))
    if fields["zone"] != ANY:
        fields["zone"] = zone_number(fields["zone"])
        _require(fields, "zone", bool(fields["zone"]))
    return BlockMatch(**fields)


def _require(fields: dict[str, str], name: str, is_valid: bool) -> None:
    if fields[name] != ANY and not is_valid:
        raise Refused(Reason.BLOCK_FIELD_INVALID, field=name)


def _is_account(text: str) -> bool:
    stem = text.removesuffix(ANY)
    if ANY in stem or not stem.isprintable() or len(text) > ACCOUNT_CHARS_MAX:
        return False
    return stem == text or len(stem) >= ACCOUNT_STEM_MIN


def _network(text: str) -> Network:
    try:
        # Strict: 192.0.2.7/16 is one address to whoever typed it, and 65,536 to whoever obeys.
        network = ip_network(text, strict=True)
    except ValueError:
        raise Refused(Reason.BLOCK_FIELD_INVALID, field="network") from None
    prefix_min = IPV4_PREFIX_MIN if network.version == 4 else IPV6_PREFIX_MIN
    if network.prefixlen < prefix_min:
        raise Refused(Reason.BLOCK_TOO_WIDE, prefix_min=prefix_min)
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise Refused(Reason.BLOCK_FIELD_INVALID, field="network")  # senders are known as IPv4
    return network


def matches(match: BlockMatch, read: SignalRead, source: str) -> bool:
    """Whether a signal from the network address `source` is one that the criteria name.

    Our own signals (a device is silent) come from no sender, and nothing matches them.
    """
    if read.protocol == SUPERVISION:
        return False
    return (
        match.protocol in (ANY, read.protocol)
        and (match.account == ANY or _same_account(match.account, read))
        and (match.code == ANY or match.code.upper() == read.code.upper())
        and match.qualifier in (ANY, read.qualifier)
        and (match.zone == ANY or match.zone == zone_number(zone_of(read)))
        and (match.network == ANY or is_within(match.network, source))
    )


def is_within(network: str, source: str) -> bool:
    """Whether the address is of the range; False for what is no address."""
    address = _address(source)
    if address is None:
        return False
    known = _known_network(network)
    return address.version == known.version and address in known


def source_of(device: UUID | None, address: str) -> str:
    """Who counts as one sender: a known device wherever it sends from; else the network address, of
    IPv6 its /64, in which a host may take any."""
    if device is not None:
        return str(device)
    known = _address(address)
    if isinstance(known, IPv6Address):
        return str(ip_network((known.packed[:8] + bytes(8), 64)))
    return address if known is None else str(known)


def _same_account(wanted: str, read: SignalRead) -> bool:
    heard = read.account
    if read.protocol == "dc09":  # hexadecimal digits, in either case
        wanted, heard = wanted.upper(), heard.upper()
    if wanted.endswith(ANY):
        return heard.startswith(wanted.removesuffix(ANY))
    return heard == wanted


@lru_cache(maxsize=1_024)
def _known_network(text: str) -> Network:
    return ip_network(text)


@lru_cache(maxsize=65_536)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
