"""A code table's file: what each column takes, how each mistake is named, in both languages."""

import pytest
from code_desk import TEXTS, row

from tocsin.core.codes.overrides import OVERRIDES_MAX
from tocsin.core.signals import Effect
from tocsin.core.terms import Level
from tocsin.record.code_rows import COLUMNS, as_fields, read_table
from tocsin.record.code_tables import CodesReason
from tocsin.record.code_texts import ACTS, NUMBERS, REASONS, STATES

GOOD = dict.fromkeys(COLUMNS, "") | {
    "list": "cid",
    "code": "750",
    "effect": "alarm",
    "type": "panic",
    "level": "P1",
    "text_zh": "店员求助",
    "text_en": "Staff call",
}


def errors_of(**fields: str) -> list[tuple[int, str]]:
    return [error[:2] for error in read_table([GOOD | fields], "en")[1]]


def test_a_row_reads_back_as_it_was() -> None:
    rows = [
        row("750", zone_from=1, zone_to=9, **TEXTS),
        row("750", Effect.STATUS, qualifier="3", **TEXTS),
        row("BA", needs_answer=False),
        row("OP", Effect.STATUS, needs_answer=True, level=Level.P3),
    ]
    assert read_table([as_fields(one) for one in rows], "en") == (rows, [])
    assert errors_of() == []
    for told, expected in (("", True), ("no", False), ("是", True), ("否", False)):
        [found], _ = read_table([GOOD | {"needs_answer": told}], "en")
        assert found.needs_answer is expected


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"list": "cap"}, "list"),
        ({"code": "75"}, "code"),
        ({"code": "BA"}, "code"),
        ({"list": "sia"}, "code"),
        ({"qualifier": "2"}, "qualifier"),
        ({"list": "sia", "code": "BA", "qualifier": "1"}, "qualifier"),
        ({"zone_from": "-1", "zone_to": "4"}, "zone_from"),
        ({"zone_from": "1", "zone_to": "100000"}, "zone_to"),
        ({"zone_from": "1"}, "zone_to"),
        ({"zone_from": "5", "zone_to": "4"}, "zone_to"),
        ({"code": "401", "zone_from": "1", "zone_to": "4"}, "zone_from"),  # users are no zones
        ({"list": "sia", "code": "CA", "zone_from": "1", "zone_to": "4"}, "zone_from"),
        ({"effect": "unknown"}, "effect"),
        ({"type": "ghost"}, "type"),
        ({"level": "0"}, "level"),
        ({"level": "5"}, "level"),
        ({"text_en": ""}, "text_en"),
        ({"text_zh": "", "text_en": ""}, "text_zh"),
        ({"text_en": "x" * 61}, "text_en"),
        ({"needs_answer": "maybe"}, "needs_answer"),
        ({"effect": "test", "needs_answer": "yes"}, "needs_answer"),
        ({"effect": "restore", "needs_answer": "yes"}, "needs_answer"),
    ],
)
def test_a_mistake_is_named_with_its_column(fields: dict[str, str], column: str) -> None:
    assert errors_of(**fields) == [(2, column)]
    english, chinese = (read_table([GOOD | fields], one)[1][0][2] for one in ("en", "zh"))
    assert english.isascii()
    assert any("一" <= letter <= "鿿" for letter in chinese)


def test_rows_that_contradict_each_other_are_named() -> None:
    some = GOOD | {"zone_from": "1", "zone_to": "5"}
    for second, fine in (
        (some, False),
        (some | {"zone_from": "5", "zone_to": "9"}, False),
        (some | {"zone_from": "6", "zone_to": "9"}, True),
        (some | {"qualifier": "1"}, True),
        (GOOD, True),
    ):
        assert (read_table([some, second], "en")[1] == []) is fine
    assert read_table([GOOD, GOOD], "en")[1][0][:2] == (3, "code")
    assert read_table([GOOD] * (OVERRIDES_MAX + 1), "en")[1][0][0] == 1
    assert read_table([], "en")[1][0][0] == 1


def test_every_refusal_state_and_act_has_a_text_in_both_languages() -> None:
    assert set(REASONS) == set(CodesReason)
    for texts in (REASONS, STATES, ACTS, NUMBERS):
        for text in texts.values():  # type: ignore[attr-defined]
            assert text.en.isascii()
            assert any("一" <= letter <= "鿿" for letter in text.zh)
