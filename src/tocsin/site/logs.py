"""JSON logs of every process: one object per line, to standard error or to a file of the process.
What could open a door (passwords in URLs, tokens, keys) is blanked before it is written."""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pythonjsonlogger.json import JsonFormatter

from tocsin.site.configuration import Log
from tocsin.site.doors import through

_FILE_BYTES_MAX: Final = 10_000_000
_FILES: Final = 5
_BLANK: Final = "***"
_SECRET_FIELD: Final = re.compile(r"password|passwd|secret|token$|^key$|_key$|authorization|cookie")
_SECRET_TEXT: Final = (
    (re.compile(r"(?P<before>://[^/\s:@]*:)[^/\s@]+(?P<after>@)"), rf"\g<before>{_BLANK}\g<after>"),
    (re.compile(r"(?P<before>\btocsin_)[A-Za-z0-9_-]{20,}"), rf"\g<before>{_BLANK}"),
    (re.compile(r"(?i)(?P<before>\bpassword\s*[=:]\s*)\S+"), rf"\g<before>{_BLANK}"),
    (re.compile(r"(?i)(?P<before>\bbearer\s+)\S+"), rf"\g<before>{_BLANK}"),
)


class _SafeFormatter(JsonFormatter):
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {
            name: _BLANK if _SECRET_FIELD.search(name.lower()) else _without_secrets(value)
            for name, value in log_data.items()
        }


def _without_secrets(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for pattern, replacement in _SECRET_TEXT:
        value = pattern.sub(replacement, value)
    return value


def formatter(process: str) -> logging.Formatter:
    """Lines with `at` (UTC), `level`, `process`, `logger`, `message` and the entry's own fields."""
    return _SafeFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={"process": process},
        timestamp="at",
        json_ensure_ascii=False,
        json_default=str,
    )


class _OwnFile(logging.handlers.RotatingFileHandler):
    """A file that other accounts may have put something in the way of: no link is followed, and
    what root makes in somebody's directory belongs to them."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.baseFilename, flags, 0o600)
        owner = Path(self.baseFilename).parent.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding)


def _log_the_end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("tocsin").critical("process fails", exc_info=(kind, error, trace))


def start_logging(process: str, log: Log) -> None:
    """Send everything that is logged from here on where `log` says. Once per process."""
    target: logging.Handler
    if log.directory:
        directory = through(Path(log.directory))
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = _OwnFile(
            directory / f"{process}.jsonl",
            maxBytes=_FILE_BYTES_MAX,
            backupCount=_FILES - 1,
            encoding="utf-8",
        )
    else:
        target = logging.StreamHandler(sys.stderr)
    target.setFormatter(formatter(process))
    root = logging.getLogger()
    root.handlers = [target]
    root.setLevel(log.level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _log_the_end
    # Each request and each statement is no news, and may carry what a caller said.
    for name in (
        "uvicorn.error",
        "httpx",
        "httpcore",
        "uvicorn.access",
        "django.db.backends",
        "asyncio",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
