"""Every text of the screens exists in Chinese: a missing or stale translation fails here."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

import tocsin

SOURCE = Path(tocsin.__file__).parent
CATALOGUE = SOURCE / "apps" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django"
CALLS = {
    "_": 1,
    "gettext": 1,
    "gettext_lazy": 1,
    "gettext_noop": 1,
    "ngettext": 1,
    "ngettext_lazy": 1,
}
# What templatize turns a template into: Python-like calls, one per text.
IN_TEMPLATE = re.compile(
    r"""n?gettext\(u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(?:,\s*u?("(?:[^"\\]|\\.)*"))?""",
    re.DOTALL,
)


def in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            name = node.func.id if isinstance(node.func, ast.Name) else name
            for argument in node.args[: CALLS.get(name or "", 0)]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def in_template(path: Path) -> Iterator[str]:
    text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for match in IN_TEMPLATE.finditer(text):
        for literal in match.groups():
            if literal:
                yield ast.literal_eval(literal)


def texts() -> set[str]:
    """Every msgid (plural ones too) of the apps and of site's Django part."""
    found: set[str] = set()
    for path in [*(SOURCE / "apps").rglob("*.py"), *(SOURCE / "site").glob("*.py")]:
        if "gettext" in path.read_text(encoding="utf-8"):
            found.update(in_python(path))
    for path in (SOURCE / "apps").rglob("templates/**/*.html"):
        found.update(in_template(path))
    return {text for text in found if not re.fullmatch(r"[\W\d一-鿿]*", text)}


def test_every_text_has_a_chinese_translation() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    missing = sorted(
        text
        for text in texts()
        if catalogue.gettext(text) == text and catalogue.ngettext(text, text, 2) == text
    )
    assert missing == []


def test_the_compiled_catalogue_is_the_source_file() -> None:
    """`msgfmt` was run after the last edit of the .po file."""
    source = CATALOGUE.with_suffix(".po").read_text(encoding="utf-8")
    pairs = re.findall(
        r'^msgid ((?:".*"\n)+)(?:msgid_plural (?:".*"\n)+)?msgstr(?:\[0\])? ((?:".*"\n?)+)',
        source,
        re.MULTILINE,
    )
    assert len(pairs) > 80

    def joined(lines: str) -> str:
        return "".join(ast.literal_eval(line) for line in lines.strip().splitlines())

    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    for msgid, msgstr in pairs[1:]:
        got = catalogue.gettext(joined(msgid))
        if got == joined(msgid):
            got = catalogue.ngettext(joined(msgid), "", 1)
        assert got == joined(msgstr), joined(msgid)


def test_no_text_in_the_catalogue_is_unused() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    known = {
        key if isinstance(key, str) else key[0]
        for key in catalogue._catalog  # type: ignore[attr-defined]
        if key
    }
    assert sorted(known - texts()) == []


if __name__ == "__main__":
    print("\n".join(sorted(texts())))
