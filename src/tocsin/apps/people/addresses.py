"""Network addresses as proxies write them: bare, with a port, in brackets, or not at all."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

# RFC 7239 6: the port follows a colon; an IPv6 address then stands in brackets.
_FORMS = re.compile(r"\[(?P<six>[^\[\]]*)\](?::\d{1,5})?|(?P<four>[\d.]+):\d{1,5}", re.ASCII)


def address_in(text: str) -> IPv4Address | IPv6Address | None:
    """The address that `text` names, without its port; None when it names none. An IPv4 address
    written as IPv6 (`::ffff:203.0.113.9`) is the IPv4 address."""
    found = _FORMS.fullmatch(text.strip())
    bare = text.strip() if found is None else found["six"] or found["four"] or ""
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
