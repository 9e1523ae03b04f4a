"""How a key of the configuration is described: its meaning in both languages, its bounds, and
whether it names a file. Used by the sections in configuration.py and intakes/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import replace

Section = TypeVar("Section", bound=Struct)

File = Annotated[str, Meta(extra={"file": True})]
"""The path of a file that our processes read; empty for none."""


def means(en: str, zh: str, **bounds: Any) -> Meta:
    """The meaning of a key, with msgspec's bounds (`ge`, `le`, `min_length`, `pattern`)."""
    return Meta(description=en, extra={"zh": zh}, **bounds)


def port(en: str, zh: str) -> Meta:
    """A port number; 0 stands for any free one."""
    return means(f"{en} 0: any free one.", f"{zh}0 表示任选空闲端口。", ge=0, le=65_535)


def metas(kind: Any) -> list[Meta]:
    """What `Annotated` says of a key."""
    return [one for one in get_args(kind) if isinstance(one, Meta)]


def files(section: Struct, path: str = "") -> Iterator[tuple[str, str]]:
    """Every file that a section names, also in its sections and lists, with its key."""
    for name, kind in get_type_hints(type(section), include_extras=True).items():
        value = getattr(section, name)
        if isinstance(value, Struct):
            yield from files(value, f"{path}{name}.")
        elif isinstance(value, tuple):
            for place, one in enumerate(value):
                if isinstance(one, Struct):
                    yield from files(one, f"{path}{name}[{place}].")
        elif value and any((meta.extra or {}).get("file") for meta in metas(kind)):
            yield f"{path}{name}", value


def reached(section: Section, way: Callable[[str], str]) -> Section:
    """The section with each file that it names as this process reaches it."""
    changed: dict[str, Any] = {}
    for name, kind in get_type_hints(type(section), include_extras=True).items():
        value = getattr(section, name)
        if isinstance(value, Struct):
            changed[name] = reached(value, way)
        elif isinstance(value, tuple):
            changed[name] = tuple(
                reached(one, way) if isinstance(one, Struct) else one for one in value
            )
        elif value and any((meta.extra or {}).get("file") for meta in metas(kind)):
            changed[name] = way(value)
    return replace(section, **changed)
