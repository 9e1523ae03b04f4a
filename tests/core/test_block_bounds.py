"""What a block rule may say, at the limits of it."""

import pytest

from core.block_drafts import drafted, rule, world
from tocsin.core.block_match import ANY
from tocsin.core.blocks import WHY_CHARS_MAX
from tocsin.core.terms import Reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"network": ANY}, Reason.BLOCK_MATCHES_ALL),
        ({"network": ""}, Reason.BLOCK_FIELD_INVALID),
        ({"account": ""}, Reason.BLOCK_FIELD_INVALID),
        ({"code": ""}, Reason.BLOCK_FIELD_INVALID),
        ({"zone": " "}, Reason.BLOCK_FIELD_INVALID),
        ({"protocol": ""}, Reason.BLOCK_FIELD_INVALID),
        ({"qualifier": ""}, Reason.BLOCK_FIELD_INVALID),
        ({"network": "192.0.2.7/24"}, Reason.BLOCK_FIELD_INVALID),
        ({"network": "192.0.2"}, Reason.BLOCK_FIELD_INVALID),
        ({"network": "10.0.0.0/15"}, Reason.BLOCK_TOO_WIDE),
        ({"network": "0.0.0.0/0"}, Reason.BLOCK_TOO_WIDE),
        ({"network": "2001:db8::/47"}, Reason.BLOCK_TOO_WIDE),
        ({"network": "::/0"}, Reason.BLOCK_TOO_WIDE),
        ({"network": "::ffff:192.0.2.0/120"}, Reason.BLOCK_FIELD_INVALID),
        ({"account": "12*"}, Reason.BLOCK_FIELD_INVALID),
        ({"account": "1*34"}, Reason.BLOCK_FIELD_INVALID),
        ({"account": "**"}, Reason.BLOCK_FIELD_INVALID),
        ({"account": "x" * 65}, Reason.BLOCK_FIELD_INVALID),
        ({"qualifier": "1"}, Reason.BLOCK_FIELD_INVALID),
        ({"qualifier": "2", "code": "130"}, Reason.BLOCK_FIELD_INVALID),
        ({"zone": "7-9"}, Reason.BLOCK_FIELD_INVALID),
        ({"protocol": "DC 09"}, Reason.BLOCK_FIELD_INVALID),
        ({"why": "  "}, Reason.TEXT_EMPTY),
        ({"why": "x" * (WHY_CHARS_MAX + 1)}, Reason.TEXT_TOO_LONG),
    ],
)
def test_what_no_rule_may_say(fields: dict[str, object], reason: Reason) -> None:
    assert world().refused(rule(**fields)).reason is reason


@pytest.mark.parametrize(
    "fields",
    [
        {"network": "10.1.0.0/16"},
        {"network": "2001:db8:1::/48"},
        {"network": ANY, "account": "123*"},
        {"account": "x" * 64},
        {"code": "130", "qualifier": "1"},
        {"why": "x" * WHY_CHARS_MAX},
    ],
)
def test_what_a_rule_may_say_just(fields: dict[str, object]) -> None:
    drafted(world(), rule(**fields))
