"""docs/glossary.toml: one word, one meaning, in both languages, and the words not to use.

Code, core texts, console and the pages of Django say what it says.
"""

import functools
import re
import tomllib
from enum import Enum
from pathlib import Path

import pytest

from tocsin.core.kinds import KINDS
from tocsin.core.texts.lists import LISTS
from tocsin.core.texts.refusals import REFUSALS
from tocsin.core.texts.timeline import TIMELINE

ROOT = Path(__file__).parent.parent
GLOSSARY = tomllib.loads((ROOT / "docs/glossary.toml").read_text(encoding="utf-8"))
TERMS = GLOSSARY["term"]
LOCALE = ROOT / "web/src/locale"
DJANGO = ROOT / "src/tocsin/apps/locale/zh_Hans/LC_MESSAGES/django.po"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

# What the console calls its copy of a list. Incident types and capabilities are not here: it shows
# them short, as a row of the queue has room for.
ON_THE_CONSOLE = {
    "roles": ["role"],
    "dispositions": ["disposition"],
    "incidentStates": ["incident_state"],
    "unitStates": ["unit_state"],
    "outOfServiceReasons": ["out_of_service_reason"],
    "orderStates": ["order_state"],
    "bands": ["band"],
    "channels": ["channel"],
    "effects": ["effect"],
    "sources": ["source"],
    "overdueSteps": ["incident_step", "order_step", "unit_step"],
    "REFUSED": ["refusal"],
    "DETACHED": ["ending"],
}
NOT_SHOWN = {"closed"}  # the band of what has left the queue
OTHER_MEANING = {("capability", "command"), ("unit_state", "ordered")}  # to lead; sent for


def names_in(text: str) -> set[str]:
    """Identifiers of Python source, lower-cased, CamelCase opened up to snake_case. The parts of a
    web address are no names."""
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", re.sub(r"https?://[^\s\"']+", "", text))
    return {snake(word) for word in words}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def uses(names: set[str], word: str) -> bool:
    return any(
        name == word or name.startswith(f"{word}_") or name.endswith(f"_{word}") for name in names
    )


@functools.cache
def names_of_the_code() -> set[str]:
    """Every identifier of the server and of the console."""
    paths = [*(ROOT / "src").rglob("*.py"), *(ROOT / "web/src").rglob("*.ts*")]
    return set().union(*(names_in(path.read_text(encoding="utf-8")) for path in paths))


def console_list(language: str, name: str) -> dict[str, str]:
    """A literal table of the console's catalogue: `name: { member: "text", ... }`."""
    for part in ("", ".facts"):
        text = (LOCALE / f"{language}{part}.ts").read_text(encoding="utf-8")
        found = re.search(rf"\b{name}(?:: Record<[^=]*>)?\s*[:=]\s*\{{([^}}]*)\}}", text)
        if found:
            return dict(re.findall(r'(\w+): "([^"]*)"', found[1]))
    raise AssertionError(f"the console's {language} catalogue has no list {name}")


def translations() -> dict[str, str]:
    """English to Chinese, of the messages of one line."""
    text = DJANGO.read_text(encoding="utf-8")
    return dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', text, re.MULTILINE))


def said_otherwise(
    wanted: dict[str, dict[str, str]], shown: dict[str, str], language: str
) -> list[str]:
    """Members whose shown text is missing, has another word, or is of no member."""
    found = [f"{key}: no such member" for key in shown.keys() - wanted.keys()]
    for key, word in wanted.items():
        said = shown.get(key, "")
        if said.lower() != word[language].lower():
            found.append(f"{key}: {said!r}, the glossary says {word[language]!r}")
    return found


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["en"])
def test_term_is_complete(term: dict[str, object]) -> None:
    assert set(term) == {"en", "zh", "meaning", "avoid"}
    assert CHINESE.search(str(term["zh"])), "the Chinese term has no Chinese"
    assert str(term["meaning"]).endswith(".")


def test_no_term_twice_and_no_avoided_word_is_a_term() -> None:
    words = [term["en"] for term in TERMS]
    assert len(words) == len(set(words))
    avoided = {word for term in TERMS for word in term["avoid"]}
    assert not avoided & set(words)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["en"])
def test_no_term_is_unused(term: dict[str, str]) -> None:
    assert uses(names_of_the_code(), term["en"].replace(" ", "_"))


def test_the_unused_is_found() -> None:
    assert not uses(names_of_the_code(), "maintenance_mode")


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["en"])
def test_a_list_says_a_term_in_the_terms_word(term: dict[str, str]) -> None:
    """`recalled` is the Chinese of `recall`, and so on."""
    names = {term["en"], f"{term['en']}d", f"{term['en']}ed"}
    for name, words in GLOSSARY["list"].items():
        for key in names & words.keys():
            if (name, key) not in OTHER_MEANING:
                assert term["zh"] in words[key]["zh"], f"{name}.{key}"


@pytest.mark.parametrize("enum", LISTS, ids=lambda enum: enum.__name__)
def test_every_list_of_the_code_is_there_word_for_word(enum: type[Enum]) -> None:
    wanted = GLOSSARY["list"][snake(enum.__name__)]
    for language in ("en", "zh"):
        shown = {one.name.lower(): getattr(text, language) for one, text in LISTS[enum].items()}
        assert said_otherwise(wanted, shown, language) == []


def test_no_list_is_of_no_code() -> None:
    assert set(GLOSSARY["list"]) == {snake(enum.__name__) for enum in LISTS}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ON_THE_CONSOLE)
def test_the_console_says_it_in_the_same_words(name: str, language: str) -> None:
    wanted = {
        key: word
        for one in ON_THE_CONSOLE[name]
        for key, word in GLOSSARY["list"][one].items()
        if name != "bands" or key not in NOT_SHOWN
    }
    assert said_otherwise(wanted, console_list(language, name), language) == []


def test_the_pages_of_django_say_it_in_the_same_words() -> None:
    shown = translations()
    words = {term["en"].capitalize(): term["zh"] for term in TERMS}
    words |= {word["en"]: word["zh"] for word in GLOSSARY["list"]["role"].values()}
    both = words.keys() & shown.keys()
    assert len(both) > 8
    assert {en: shown[en] for en in both} == {en: words[en] for en in both}


def test_every_fact_is_about_a_term_and_told_in_both_languages() -> None:
    terms = {term["en"] for term in TERMS}
    assert {kind.partition(".")[0] for kind in KINDS} <= terms
    for language in ("en", "zh"):
        text = (LOCALE / f"{language}.facts.ts").read_text(encoding="utf-8")
        assert set(re.findall(r'^  "([a-z_.]+)": \(f?\)', text, re.MULTILINE)) == set(KINDS)


def test_the_checks_find_another_word() -> None:
    wanted = {"watch": {"en": "Watch", "zh": "观察"}}
    assert said_otherwise(wanted, {"watch": "观察"}, "zh") == []
    assert said_otherwise(wanted, {"watch": "关注"}, "zh")
    assert said_otherwise(wanted, {}, "zh")
    assert said_otherwise(wanted, {"watch": "观察", "look": "看"}, "zh")
    assert uses(names_in("class TicketOpened: ..."), "ticket")
    assert not uses(names_in("ticketing = 1"), "ticket")


def test_no_avoided_word_in_the_source() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word!r} (say {term['en']!r})"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for names in [names_in(path.read_text(encoding="utf-8"))]
        for term in TERMS
        for word in term["avoid"]
        if uses(names, word)
    ]
    assert not found, "\n".join(found)


# Chinese words that once stood for something else than the glossary's.
OTHER_WORDS = re.compile(r"派遣指令|召回|关注|停用|受理|派遣|(?<!联网)单位|立案")


def test_the_core_speaks_chinese_in_the_glossarys_words() -> None:
    texts = [text.zh for text in (*REFUSALS.values(), *TIMELINE.values())]
    texts += [word["zh"] for words in GLOSSARY["list"].values() for word in words.values()]
    assert len(texts) > 150
    assert [text for text in texts if OTHER_WORDS.search(text)] == []
    assert OTHER_WORDS.search("仍有单位在该警情上")
    assert not OTHER_WORDS.search("同一联网单位")
