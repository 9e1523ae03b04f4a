"""The secrets of test alarms: made from a key that never leaves the keyring, one for each account,
so that both ends have it and it is stored nowhere."""

from __future__ import annotations

import hmac

from tocsin.core.probing import is_reserved, secret_name
from tocsin.record.keys import Keyring


def secret(keyring: Keyring, protocol: str, account: str) -> str:
    """The secret of one test alarm, 64 hexadecimal digits."""
    return keyring.fingerprint(secret_name(protocol, account)).hex()


def shown_by(keyring: Keyring, protocol: str, shown: str) -> str | None:
    """The account of whoever shows an account and its secret with a full stop between them; None
    for one that is not the probe's, or shows another secret."""
    account, _, given = shown.rpartition(".")
    if not is_reserved(account):
        return None
    right = secret(keyring, protocol, account)
    return account if hmac.compare_digest(given.encode(), right.encode()) else None
