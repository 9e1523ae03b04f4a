"""The text of a hypertext message, as a person would read it aloud. Nothing is fetched or run."""

from __future__ import annotations

from typing import Final

from lxml import etree

_LEFT_OUT: Final = frozenset({"script", "style", "head", "template", "noscript", "title"})
_LINES: Final = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "hr", "pre", "blockquote"}
    | {f"h{level}" for level in range(1, 7)}
)
_CELLS: Final = frozenset({"td", "th"})


def text_of(hypertext: str) -> str:
    """The text in it; never an error."""
    # As bytes with their encoding said: a declaration inside says nothing any more.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, recover=True
    )
    try:
        root = etree.fromstring(hypertext.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    if root is None:
        return ""
    said: list[str] = []
    left_out = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            left_out += tag in _LEFT_OUT
            said.append(_break(tag))
            if not left_out:
                said.append(element.text or "")
        else:
            left_out -= tag in _LEFT_OUT
            said.append(_break(tag))
            if not left_out:
                said.append(element.tail or "")
    return "".join(said)


def _break(tag: str) -> str:
    if tag in _LINES:
        return "\n"
    return " " if tag in _CELLS else ""
