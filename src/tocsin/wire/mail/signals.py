"""From a mail to a signal, by the rules of its account; and what the mail server that brought it
hears."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from tocsin.core.signals import SignalRead
from tocsin.wire.mail import secret as secrets
from tocsin.wire.mail.message import (
    DEPTH_MAX,
    HEADERS_MAX,
    LINES_MAX,
    PARTS_MAX,
    BadMail,
    Kind,
    Mail,
    Problem,
    read,
)
from tocsin.wire.mail.rules import Found, Rules, in_subject

PROTOCOL: Final = "mail"
TEXT_CHARS_MAX: Final = 4_000
"""Of the text that is shown; all of it is in what is kept."""

TRIED_FOR: Final = timedelta(days=5)
"""Mail servers give up after four or five days (RFC 5321, 4.5.4.1)."""


class Taken(NamedTuple):
    """What is to be kept of a mail for one account. `is_devices`: as the device's own signal, else
    as an unknown source's."""

    body: bytes
    signals: tuple[SignalRead, ...]
    problem: Problem | None
    is_devices: bool
    repeat_key: bytes | None
    is_named: bool


# Problems of which the first that is so is shown, and why each is kept all the same.
WHY: Final = {
    Problem.UNKNOWN_ACCOUNT: "nobody is registered under the address: shown as an unknown source's",
    Problem.WRONG_SECRET: "the device has a secret word, and the mail has not: shown as an unknown"
    " source's",
    Problem.NO_KEY: "the device's secret word cannot be opened here, so nobody can say whether"
    " it is right: shown as an unknown source's",
    Problem.TOO_MANY_LINES: f"more than {LINES_MAX:,} lines: not looked into",
    Problem.TOO_MANY_HEADERS: f"more than {HEADERS_MAX} headers: not looked into",
    Problem.TOO_MANY_PARTS: f"more than {PARTS_MAX} parts: not looked into",
    Problem.TOO_DEEP: f"parts stand more than {DEPTH_MAX} deep in one another: not looked into",
    Problem.UNREADABLE: "headers that no reader makes sense of: not looked into",
    Problem.NO_TEXT: "no part is text: subject only",
    Problem.CHARSET: "the text is not in the charset that it names: what could not be told is"
    " replaced",
}


def take(
    raw: bytes,
    account: str,
    *,
    is_known: bool,
    key: bytes | None,
    key_is_lost: bool = False,
    others: Sequence[bytes] = (),
    now: datetime,
    rules: Rules,
    codes_in_subject: bool = False,
    is_bounce: bool = False,
) -> Taken:
    """Reads one mail for one account; never an error. `key`: the device's secret word, None where
    it has none; `key_is_lost`: it has one that does not open here; `others`: those of the devices
    that the same mail goes to, which stay in no copy of it. `now`: UTC."""
    problem: Problem | None = None
    try:
        mail = read(raw, is_bounce=is_bounce)
    except BadMail as bad:
        mail = Mail(kind=Kind.BOUNCE if is_bounce else Kind.MAIL)
        problem = bad.problem
    secret = None if key is None else key.decode("ascii", "replace")
    is_right = secret is None or secrets.holds(mail, secret)
    is_devices = is_known and is_right and not key_is_lost
    if not is_known:
        problem = Problem.UNKNOWN_ACCOUNT
    elif key_is_lost:
        problem = Problem.NO_KEY
    elif not is_right:
        problem = Problem.WRONG_SECRET
    else:
        problem = problem or mail.problem
    words = _words(key, others)
    # Also where one was looked for in vain: it may stand in another part.
    body = secrets.removed(raw, mail.structure, words) if words else raw
    subject, text = (secrets.without(one, words) for one in (mail.subject, mail.text))
    found = in_subject(subject) if codes_in_subject else None
    is_ordinary = mail.kind in (Kind.MAIL, Kind.AUTOMATIC)
    found = found or rules.find(account, subject, text, is_ordinary=is_ordinary) or Found("", "")
    signal = SignalRead(
        protocol=PROTOCOL,
        token=mail.kind.value,
        account=account,
        code=found.code,
        codes=found.codes,
        qualifier=found.qualifier,
        zone=found.zone,
        partition=found.partition,
        text="\n".join(one for one in (found.text, subject, text) if one)[:TEXT_CHARS_MAX],
        occurred_at=mail.occurred_at,
    )
    return Taken(
        body=body,
        signals=(signal,),
        problem=problem,
        is_devices=is_devices,
        repeat_key=_repeat_key(mail, account, is_devices=is_devices),
        is_named=_is_named(mail, now),
    )


def _words(key: bytes | None, others: Sequence[bytes]) -> tuple[str, ...]:
    every = (*others, *(() if key is None else (key,)))
    return tuple(dict.fromkeys(one.decode("ascii", "replace") for one in every))


def _is_named(mail: Mail, now: datetime) -> bool:
    """Whether the same mail may still be brought days later. Only one that dates itself rightly: a
    device whose clock stands still, with one Message-ID for all, would be silenced for as long."""
    at = mail.occurred_at
    return bool(mail.message_id) and at is not None and abs(now - at) <= TRIED_FOR


def _repeat_key(mail: Mail, account: str, *, is_devices: bool) -> bytes | None:
    """What the same mail brought again shares. Its content is part of it, since there are devices
    with one Message-ID for all their mails; and whether its device is vouched for, so that what a
    stranger sent makes no repeat of it."""
    if not (mail.message_id or mail.date):
        return None
    digest = blake2b(b"known" if is_devices else b"unknown", digest_size=16)
    for value in (account, mail.message_id, mail.date, mail.subject, mail.text):
        digest.update(f"{len(value)}:{value}".encode("utf-8", "replace"))
    return digest.digest()
