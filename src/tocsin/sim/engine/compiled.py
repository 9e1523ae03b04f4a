"""How the engine's inner functions are compiled: numba, without fast-math so that a run gives the
same bytes again, kept between runs in the user's own cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba

_INNER: Final[dict[str, Any]] = {
    "error_model": "numpy",
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
_UNCOUNTED: Final = {**_INNER, "_nrt": False}

F = TypeVar("F", bound=Callable[..., Any])

# A compiled function is kept by its own file's date only; what it calls may lie in another file.
# So the folder bears the content of all of them.
_OWN: Final = Path(__file__).parent


def cache_directory() -> Path | None:
    """Where compiled code is kept: XDG_CACHE_HOME or ~/.cache; None when it cannot be written."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(_OWN.glob("*.py")):
        digest.update(path.read_bytes())
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        place = Path(home) if home else Path.home() / ".cache"
        place = place / "tocsin" / f"engine-{digest.hexdigest()[:16]}"
        place.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home, or one that is not ours to write to
        return None
    return place if os.access(place, os.W_OK) else None


_PLACE: Final = cache_directory()
_CONFIG: Final[Any] = numba.config  # its attributes are made when it is loaded
if _PLACE is not None and not _CONFIG.CACHE_DIR:
    _CONFIG.CACHE_DIR = str(_PLACE)


def compiled(function: F) -> F:
    """`function`, compiled at its first call from Python, and kept."""
    kept = bool(_CONFIG.CACHE_DIR)  # else numba would write beside the source
    return cast("F", numba.njit(cache=kept, error_model="numpy", nogil=True)(function))


def inner(function: F) -> F:
    """`function`, compiled into those that call it, and never called from Python: half the time
    of compiling goes into that door. It makes no array, so that none need be counted: counting
    the references of what is only read takes two thirds of a run."""
    return cast("F", numba.njit(**_UNCOUNTED)(function))


def making(function: F) -> F:
    """As `inner`, for one that makes arrays or calls one that does."""
    return cast("F", numba.njit(**_INNER)(function))
