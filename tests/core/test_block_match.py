"""What a block rule matches: nothing but what its criteria say, whoever sends it."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.block_match import ANY, BlockMatch, checked, is_within, matches, source_of
from tocsin.core.code_tables import zone_of
from tocsin.core.signals import SignalRead
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import Refused
from tocsin.core.zones import zone_number

EVERYTHING = BlockMatch(ANY, "192.0.2.0/24", ANY, ANY, ANY, ANY)

protocols = st.sampled_from(["dc09", "mqtt", "webhook"])
accounts = st.sampled_from(["1234", "12AB", "12ab", "1235", "GATE-7", "gate-7", ""])
codes = st.sampled_from(["BA", "FA", "130", "602", ""])
numbers = st.sampled_from(["7", "007", "8", "", "1*"])
addresses = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(
        ["192.0.2.1", "192.0.3.1", "::ffff:192.0.2.9", "fe80::1%eth0", "", "unix", "2001:db8:1::5"]
    ),
)
reads = st.builds(
    SignalRead,
    protocol=protocols,
    token=st.sampled_from(["SIA-DCS", "ADM-CID"]),
    account=accounts,
    code=codes,
    qualifier=st.sampled_from(["", "1", "3"]),
    zone=numbers,
)
rules = st.builds(
    BlockMatch,
    protocol=st.one_of(st.just(ANY), protocols),
    network=st.sampled_from([ANY, "192.0.2.0/24", "192.0.2.1", "2001:db8:1::/48", "fe80::1"]),
    account=st.sampled_from([ANY, "1234", "123*", "12AB", "GATE-7", "GATE*"]),
    code=st.sampled_from([ANY, "BA", "130"]),
    qualifier=st.sampled_from([ANY, "1"]),
    zone=st.sampled_from([ANY, "7", "08"]),
)


def kept(rule: BlockMatch) -> BlockMatch | None:
    try:
        return checked(rule)
    except Refused:
        return None


def says(rule: BlockMatch, read: SignalRead, source: str) -> bool:
    """The same in other words, criterion by criterion."""
    account, heard = rule.account, read.account
    if read.protocol == "dc09":
        account, heard = account.upper(), heard.upper()
    stem = account.removesuffix("*")
    named = heard.startswith(stem) if account.endswith("*") else heard == account
    within = rule.network == ANY
    if not within:
        try:
            address = ip_address(source.partition("%")[0])
            plain = getattr(address, "ipv4_mapped", None) or address
            within = plain in ip_network(rule.network)
        except ValueError:
            within = False
    return (
        within
        and (rule.account == ANY or named)
        and rule.protocol in (ANY, read.protocol)
        and rule.code in (ANY, read.code)
        and rule.qualifier in (ANY, read.qualifier)
        and (rule.zone == ANY or zone_number(zone_of(read)) == rule.zone)
    )


@given(rules, reads, addresses)
def test_it_matches_what_its_criteria_say_and_nothing_else(
    rule: BlockMatch, read: SignalRead, source: str
) -> None:
    known = kept(rule)
    if known is not None:
        assert matches(known, read, source) is says(known, read, source)


@given(rules, reads, addresses, st.sampled_from(["protocol", "code", "zone", "account"]))
def test_a_criterion_only_narrows(
    rule: BlockMatch, read: SignalRead, source: str, name: str
) -> None:
    known = kept(rule)
    wider = known and kept(replace(known, **{name: ANY}))
    if known is not None and wider is not None and matches(known, read, source):
        assert matches(wider, read, source)


@given(rules)
def test_whatever_is_kept_names_somebody(rule: BlockMatch) -> None:
    known = kept(rule)
    if known is not None:
        assert (known.network, known.account) != (ANY, ANY)
        assert checked(known) == known
        stranger = SignalRead("dc09", "SIA-DCS", "9999", code="BA")
        assert not matches(known, stranger, "203.0.113.200")


@given(st.ip_addresses(v=4))
def test_an_address_is_of_its_own_range_in_either_form(address: object) -> None:
    assert is_within(f"{address}/32", str(address))
    assert is_within(f"{address}/32", f"::ffff:{address}")


@given(reads, addresses)
def test_our_own_signals_are_nobodys(read: SignalRead, source: str) -> None:
    own = SignalRead(SUPERVISION, "SILENCE", read.account, code=read.code)
    for rule in (EVERYTHING, replace(EVERYTHING, network=ANY, account=read.account or "x")):
        assert not matches(rule, own, source)


@pytest.mark.parametrize(
    ("device", "address", "source"),
    [
        (UUID(int=7), "192.0.2.1", str(UUID(int=7))),
        (None, "192.0.2.1", "192.0.2.1"),
        (None, "::ffff:192.0.2.1", "192.0.2.1"),
        (None, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        (None, "unix", "unix"),
    ],
)
def test_whoever_takes_other_addresses_of_its_own_network_is_one_source(
    device: UUID | None, address: str, source: str
) -> None:
    assert source_of(device, address) == source
