"""Who acts in the demo: a name stands on the screens of both languages, so it is of neither."""

import re

import pytest

from tocsin.site.command.city import PEOPLE, SIMULATED

HAN_AND_LATIN = re.compile(r"[\u4e00-\u9fff]+ [A-Z][a-z]+")
SIGN = re.compile(r"[A-Z]+-[A-Z]+")


@pytest.mark.parametrize("name", [name for _, name in PEOPLE.values()])
def test_a_persons_name_reads_in_both_languages(name: str) -> None:
    assert HAN_AND_LATIN.fullmatch(name)


@pytest.mark.parametrize("name", [name for _, name in SIMULATED.values()])
def test_what_is_no_person_has_a_sign(name: str) -> None:
    assert SIGN.fullmatch(name)


def test_nobody_has_anothers_name() -> None:
    names = [name for _, name in (*PEOPLE.values(), *SIMULATED.values())]
    assert len(set(names)) == len(names)
