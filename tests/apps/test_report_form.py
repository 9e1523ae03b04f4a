"""What is filled in: cleaned, checked at its limits, and every problem named in both languages."""

import string

import pytest

from tocsin.apps.citizen.form import Entered, Problem, cleaned
from tocsin.apps.citizen.words import HURT, KINDS, WORDS, in_language
from tocsin.core.reports import Hurt, ReportKind
from tocsin.core.terms import Datum

GOOD = {"kind": "fire", "where": "人民路 1 号"}


def problems(**sent: str) -> list[str]:
    return [one.field for one in Entered.of({**GOOD, **sent}).problems()]


def test_the_least_is_what_happens_and_where() -> None:
    assert problems() == []
    report = Entered.of(GOOD).report()
    assert (report.kind, report.hurt, report.where) == (
        ReportKind.FIRE,
        Hurt.UNKNOWN,
        "人民路 1 号",
    )
    assert (report.phone, report.place, report.text) == (None, None, "")
    assert [one.field for one in Entered.of({}).problems()] == ["kind", "where"]


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"kind": "party"}, ["kind"]),
        ({"where": " \n\t "}, ["where"]),
        ({"where": "x" * 300}, []),
        ({"where": "x" * 301}, ["where"]),
        ({"text": "火" * 2_000}, []),
        ({"text": "火" * 2_001}, ["text"]),
        ({"phone": "12345"}, []),
        ({"phone": "1234"}, ["phone"]),
        ({"phone": "1" * 20}, []),
        ({"phone": "1" * 21}, ["phone"]),
        ({"phone": "+86 (139) 0000-1111"}, []),
        ({"phone": "１３９００００１１１１"}, []),
        ({"phone": "call me"}, ["phone"]),
        ({"phone": "13900001111<script>"}, ["phone"]),
        ({"position": "30.2501, 113.4302"}, []),
        ({"position": "30.2501，113.4302"}, []),
        ({"position": "90 180"}, []),
        ({"position": "90.1 180"}, ["position"]),
        ({"position": "30 180.1"}, ["position"]),
        ({"position": "30.2501"}, ["position"]),
        ({"position": "nan, nan"}, ["position"]),
        ({"position": "30, 113", "datum": "MARS-1"}, ["position"]),
        ({"hurt": "perhaps"}, []),
    ],
)
def test_each_limit_at_the_limit(sent: dict[str, str], found: list[str]) -> None:
    assert problems(**sent) == found


def test_a_coordinate_is_kept_to_about_ten_metres_with_its_datum() -> None:
    place = (
        Entered.of({**GOOD, "position": "30.250149, 113.43024999", "datum": "GCJ-02"})
        .report()
        .place
    )
    assert place is not None
    assert (place.lat, place.lon, place.datum) == (30.2501, 113.4302, Datum.GCJ_02)
    assert (place.address_zh, place.address_en) == ("", "")


def test_a_full_width_phone_number_is_kept_as_one_can_dial_it() -> None:
    assert Entered.of({**GOOD, "phone": "１３９００００１１１１"}).report().phone == "13900001111"


def test_characters_that_hide_or_turn_others_are_dropped_and_no_word_is_lost() -> None:
    assert cleaned(" a\0b\u202ec\u2066d\ufeff\r\ne\tf \u200b") == "abcd\ne f"
    assert cleaned("می\u200cخواهم 👩\u200d🚒") == "می\u200cخواهم 👩\u200d🚒"
    assert cleaned("<b>&amp;") == "<b>&amp;"


def test_every_text_is_there_in_both_languages_with_the_same_gaps() -> None:
    def gaps(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    texts = [*WORDS.values(), *HURT.values(), *(what for what, _ in KINDS.values())]
    for text in texts:
        assert text.zh.strip()
        assert text.en.strip()
        assert gaps(text.zh) == gaps(text.en)
    assert set(KINDS) == set(ReportKind)
    assert set(HURT) == set(Hurt)
    assert in_language("en").keys() == in_language("zh").keys() == WORDS.keys()


def test_a_problem_says_the_limit_and_how_much_it_is() -> None:
    problem = Problem("where", "problem_where_long", 300, 301)
    assert "300" in problem.shown("en")["text"]
    assert "301" in problem.shown("zh")["text"]
