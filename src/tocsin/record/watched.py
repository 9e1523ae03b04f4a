"""The devices under supervision, in memory: an id and a time for each, a million in some 30 MB."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


class Devices:
    """Ids of devices of one protocol, in their order, and when each will be silent, in seconds
    heard."""

    def __init__(self) -> None:
        self.ids: NDArray[np.bytes_] = np.empty(0, dtype="S16")
        self.due_at: NDArray[np.float64] = np.empty(0)

    def __len__(self) -> int:
        return int(np.count_nonzero(np.isfinite(self.due_at)))

    def due(self, total_s: float) -> NDArray[np.intp]:
        """Places of those whose time has passed, the longest overdue first."""
        places = np.flatnonzero(self.due_at <= total_s)
        return places[np.argsort(self.due_at[places], kind="stable")]

    def named(self, places: NDArray[np.intp]) -> list[UUID]:
        """The ids at these places."""
        packed = self.ids[places].tobytes()
        return [UUID(bytes=packed[at : at + 16]) for at in range(0, len(packed), 16)]

    def put(self, ids: Iterable[UUID], due_at: Iterable[float]) -> None:
        """Add devices, or give those that are known another time."""
        new = np.array([one.bytes for one in ids], dtype="S16")
        due = np.array(list(due_at), dtype=np.float64)
        if len(self.ids):
            places = np.minimum(np.searchsorted(self.ids, new), len(self.ids) - 1)
            known = self.ids[places] == new
            self.due_at[places[known]] = due[known]
            new, due = new[~known], due[~known]
        if not len(new):
            return
        is_next = not len(self.ids) or new[0] > self.ids[-1]
        self.ids = np.concatenate([self.ids, new])
        self.due_at = np.concatenate([self.due_at, due])
        if not is_next or not bool(np.all(new[:-1] < new[1:])):
            order = np.argsort(self.ids, kind="stable")
            self.ids, self.due_at = self.ids[order], self.due_at[order]
