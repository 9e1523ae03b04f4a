"""The read tables: written with the facts, rebuilt from them, read by the API and the stream."""

from tocsin.record.views.lists import BadFilter
from tocsin.record.views.reading import get_row, list_rows
from tocsin.record.views.rebuilding import LogBroken, rebuild
from tocsin.record.views.snapshot import snapshot
from tocsin.record.views.writing import write_rows as apply

__all__ = [
    "BadFilter",
    "LogBroken",
    "apply",
    "get_row",
    "list_rows",
    "rebuild",
    "snapshot",
]
