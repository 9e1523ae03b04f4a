"""What each protocol calls a device's account, and what secret it shares with us: one table for
files, screens and the edge. A key is in no message: messages land in terminals and logs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tocsin.core.probing import is_reserved
from tocsin.record.importing import Mistake, Texts

ACCOUNT_CHARS_MAX: Final = 64
KEY_BYTES_MAX: Final = 128
KEY_FORMS: Final = ("ascii", "hex")

_AES_BYTES: Final = (16, 24, 32)  # AES-128, AES-192, AES-256


@dataclass(frozen=True, slots=True)
class Rules:
    """One protocol's account and key. `bytes_allowed` are the lengths of a key in bytes."""

    name: str
    account: re.Pattern[str]
    account_text: str
    folded: Callable[[str], str]
    bytes_allowed: frozenset[int]
    key_text: str
    hex_too: bool = False
    key_needed: bool = False


def _as_it_is(account: str) -> str:
    return account


_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

RULES: Final = {
    "dc09": Rules(
        name="SIA DC-09",
        account=re.compile(r"[0-9A-Z]{1,16}"),
        account_text="account_dc09",
        folded=str.upper,
        bytes_allowed=frozenset(_AES_BYTES),
        key_text="key_dc09",
        hex_too=True,
    ),
    "mqtt": Rules(
        name="MQTT",
        account=_NAME,
        account_text="account_mqtt",
        folded=_as_it_is,
        bytes_allowed=frozenset(range(12, 129)),
        key_text="key_mqtt",
        key_needed=True,
    ),
    "webhook": Rules(
        name="HTTP webhook",
        account=_NAME,
        account_text="account_webhook",
        folded=_as_it_is,
        bytes_allowed=frozenset(range(16, 129)),
        key_text="key_webhook",
        hex_too=True,
        key_needed=True,
    ),
    "sos_access": Rules(
        name="SOS Access",
        account=re.compile(r"[\x21-\x7e]{1,15}"),
        account_text="account_sos_access",
        folded=_as_it_is,
        bytes_allowed=frozenset(range(1, 16)),
        key_text="key_sos_access",
        key_needed=True,
    ),
    "mail": Rules(
        name="E-mail",
        account=_NAME,
        account_text="account_mail",
        folded=str.lower,
        bytes_allowed=frozenset(range(12, 65)),
        key_text="key_mail",
    ),
}
PROTOCOLS: Final = tuple(RULES)

TEXTS: Final[Texts] = {
    "protocol": (
        "{value!r} is no protocol: give one of {protocols}",
        "{value!r} 不是已支持的协议：请填写 {protocols} 之一",
    ),
    "account_dc09": (
        "{value!r} is no account: give 1 to 16 letters or digits, as set in the panel",
        "{value!r} 不是有效账号：请填写主机中设置的 1 至 16 位字母或数字",
    ),
    "account_reserved": (
        "{value!r} is reserved: Tocsin's own probe sends its test alarms under such accounts",
        "{value!r} 为保留账号：系统自检信号使用此类账号",
    ),
    "account_mqtt": (
        "{value!r} is no MQTT user name: give 1 to 64 of A-Z a-z 0-9 . _ -",
        "{value!r} 不是有效的 MQTT 用户名：请填写 1 至 64 个字符（A-Z a-z 0-9 . _ -）",
    ),
    "account_webhook": (
        "{value!r} is no name of a source: give 1 to 64 of A-Z a-z 0-9 . _ -",
        "{value!r} 不是有效的来源名称：请填写 1 至 64 个字符（A-Z a-z 0-9 . _ -）",
    ),
    "account_sos_access": (
        "{value!r} is no transmitter code: give 1 to 15 printable characters without spaces",
        "{value!r} 不是有效的传输设备代码：请填写 1 至 15 个可打印字符，不含空格",
    ),
    "account_mail": (
        "{value!r} is no mailbox: give what stands before the @, 1 to 64 of a-z 0-9 . _ -",
        "{value!r} 不是有效的邮箱名：请填写 @ 之前的部分，1 至 64 个字符（a-z 0-9 . _ -）",
    ),
    "key_form": (
        "{value!r} is no form of a key: give ascii or hex",
        "{value!r} 不是密钥格式：请填写 ascii 或 hex",
    ),
    "key_no_hex": (
        "a key of {protocol} is typed as it is: give ascii as its form",
        "{protocol} 的密钥按原样填写：密钥格式请填写 ascii",
    ),
    "key_dc09_ascii": (
        "an ascii key has 16, 24 or 32 printable characters; this one has {length}",
        "ascii 密钥须为 16、24 或 32 个可打印字符；此处为 {length} 个",
    ),
    "key_dc09_hex": (
        "a hex key has 32, 48 or 64 digits 0-9 A-F; this one has {length} characters",
        "hex 密钥须为 32、48 或 64 位十六进制数字；此处为 {length} 个字符",
    ),
    "key_mqtt_ascii": (
        "an MQTT password has 12 to 128 printable ASCII characters; this one has {length}",
        "MQTT 密码须为 12 至 128 个可打印 ASCII 字符；此处为 {length} 个",
    ),
    "key_webhook_ascii": (
        "a webhook secret has 16 to 128 printable ASCII characters; this one has {length}",
        "webhook 密钥须为 16 至 128 个可打印 ASCII 字符；此处为 {length} 个",
    ),
    "key_webhook_hex": (
        "a webhook secret in hex has 32 to 256 digits 0-9 A-F, two a byte; this one has {length}",
        "hex 格式的 webhook 密钥须为 32 至 256 位十六进制数字（每字节两位）；此处为 {length} 位",
    ),
    "key_sos_access_ascii": (
        "an authentication code has 1 to 15 printable ASCII characters; this one has {length}",
        "认证码须为 1 至 15 个可打印 ASCII 字符；此处为 {length} 个",
    ),
    "key_mail_ascii": (
        "a secret word has 12 to 64 printable ASCII characters; this one has {length}",
        "暗语须为 12 至 64 个可打印 ASCII 字符；此处为 {length} 个",
    ),
    "key_needed": (
        "a device of {protocol} must have a key: without one nobody could tell who sends",
        "{protocol} 设备必须有密钥：否则无法确认发送方",
    ),
    "dialect": (
        "{value!r} is no dialect: leave it empty, or give {dialects} with ; between them",
        "{value!r} 不是方言：请留空，或填写 {dialects}，多项以 ; 分隔",
    ),
    "dialect_both": (
        "{value!r} names two forms of a frame: give standard, eldes, binary_crc or misprinted_crc",
        "{value!r} 同时指定了两种报文格式：standard、eldes、binary_crc、misprinted_crc 任选其一",
    ),
    "dialect_protocol": (
        "only DC-09 has dialects: leave this empty for {protocol}",
        "仅 DC-09 有方言：{protocol} 请留空",
    ),
}

DIALECTS: Final = "standard, eldes, binary_crc, misprinted_crc, duh, cid_swapped, local_time:+HH:MM"
_FRAMINGS: Final = frozenset({"standard", "eldes", "binary_crc", "misprinted_crc"})
_DIALECT: Final = re.compile(
    # The time zones in use reach from -12:00 to +14:00.
    r"standard|eldes|binary_crc|misprinted_crc|duh|cid_swapped|local_time:(\+(0\d|1[0-3]):[0-5]\d|\+14:00"
    r"|-(0\d|1[01]):[0-5]\d|-12:00)"
)


def protocol(value: str) -> str:
    """The name of a protocol. This and what follows raise `Mistake`."""
    if value not in RULES:
        raise Mistake("protocol", {"value": value, "protocols": ", ".join(PROTOCOLS)})
    return value


def account(value: str, of: str) -> str:
    """An account as the protocol `of` writes it."""
    rules = RULES[of]
    found = rules.folded(value)
    if not rules.account.fullmatch(found):
        raise Mistake(rules.account_text, {"value": value})
    if is_reserved(found):
        raise Mistake("account_reserved", {"value": value})
    return found


def key_form(value: str, of: str, has_key: bool) -> str | None:
    """`ascii` or `hex`; None where there is no key."""
    if value not in ("", *KEY_FORMS) or (has_key and not value):
        raise Mistake("key_form", {"value": value})
    if has_key and value == "hex" and not RULES[of].hex_too:
        raise Mistake("key_no_hex", {"protocol": RULES[of].name})
    return value if has_key else None


def key(value: str, of: str, form: str) -> bytes:
    """The key's bytes."""
    rules = RULES[of]
    mistake = Mistake(f"{rules.key_text}_{form}", {"length": len(value)})
    if form == "ascii":
        if len(value) not in rules.bytes_allowed or not _PRINTABLE.fullmatch(value):
            raise mistake
        return value.encode("ascii")
    if len(value) // 2 not in rules.bytes_allowed or not re.fullmatch(r"([0-9A-Fa-f]{2})+", value):
        raise mistake
    return bytes.fromhex(value)


def dialect(value: str, of: str) -> str:
    """Which dialect the device speaks, each word once; empty: it is recognised."""
    words = [word for one in value.split(";") if (word := one.strip())]
    if words and of != "dc09":
        raise Mistake("dialect_protocol", {"protocol": RULES[of].name})
    kinds = [word.partition(":")[0] for word in words]
    if len(set(kinds)) != len(kinds) or not all(_DIALECT.fullmatch(word) for word in words):
        raise Mistake("dialect", {"value": value, "dialects": DIALECTS})
    if len(_FRAMINGS.intersection(kinds)) > 1:
        raise Mistake("dialect_both", {"value": value})
    return ";".join(words)
