"""Turn restrictions: only where one is, the node gets a copy for each way in, which leads on only
where it is allowed. The rest of the graph stays as it is."""

from __future__ import annotations

from typing import Final

from tocsin.roads.build import Draft, Like
from tocsin.roads.extract import Extract, Turn
from tocsin.roads.rules import Rules

Bans = dict[int, tuple[set[int], set[int]]]
_STEPS_MAX: Final = 10_000


class Turns:
    """Puts the restrictions of an extract into a draft. What could not be, is counted there."""

    def __init__(self, draft: Draft, extract: Extract, rules: Rules) -> None:
        self._draft, self._extract = draft, extract
        self._crews = rules.emergency.observes_turns
        self._out: dict[int, list[int]] = {}
        self._in: dict[int, list[int]] = {}
        for arc, (start, end) in enumerate(zip(draft.start, draft.end, strict=True)):
            self._out.setdefault(start, []).append(arc)
            self._in.setdefault(end, []).append(arc)

    def apply(self, node_of: dict[int, int]) -> int:
        """Forbid the turns; returns how many restrictions are observed."""
        bans: Bans = {}
        observed = 0
        for turn in self._extract.turns:
            via = node_of.get(turn.via)
            if via is None:
                self._extract.count("turn_off_the_roads")
                continue
            observed += self._forbid(turn, via, bans)
        copy = {arc: self._copy_of(self._draft.end[arc]) for arc in bans}
        vias = {self._draft.end[arc] for arc in bans}
        for arc, (crews, others) in bans.items():
            for onward in self._out.get(self._draft.end[arc], []):
                if onward not in crews:
                    self._lead_on(copy[arc], onward, onward in others, copy, vias)
        for arc, node in copy.items():
            self._draft.end[arc] = node
        return observed

    def _forbid(self, turn: Turn, via: int, bans: Bans) -> bool:
        """Note what this restriction forbids; whether it forbids anything."""
        draft = self._draft
        targets: set[int] = set()
        for way in turn.targets:
            outward = [arc for arc in self._out.get(via, []) if draft.way[arc] == way]
            if len(outward) > 1:
                self._extract.count("turn_unclear")  # the way leads on to both sides
                return False
            targets.update(outward)
        observed = False
        for way in turn.origins:
            inward = [arc for arc in self._in.get(via, []) if draft.way[arc] == way]
            if len(inward) > 1:
                self._extract.count("turn_unclear")
                return False
            if not inward or (turn.only and not targets):
                self._extract.count("turn_needless")  # nobody may come, or go, that way
                continue
            forbidden = set(self._out.get(via, [])) - targets if turn.only else targets
            crews, others = bans.setdefault(inward[0], (set(), set()))
            others |= forbidden
            if turn.binds_crews and self._crews:
                crews |= forbidden
            observed = observed or bool(forbidden)
        return observed

    def _lead_on(
        self, start: int, arc: int, crews_only: bool, copy: dict[int, int], vias: set[int]
    ) -> None:
        """The arc once more from a copy, and the way on to the next junction: else a vehicle would
        turn in the middle of the street and come back to where the turn is allowed."""
        draft = self._draft
        for _ in range(_STEPS_MAX):
            end = draft.end[arc]
            onward = self._only_onward(arc)
            at = copy.get(arc)
            if at is None:
                at = end if end in vias or onward is None else self._copy_of(end)
            like = Like(draft.length[arc], draft.kind[arc], draft.way[arc])
            ordinary = float("inf") if crews_only else draft.ordinary[arc]
            draft.arc(start, at, draft.seconds[arc], ordinary, like)
            if onward is None or at == end or arc in copy:
                return
            # Behind the first arc nothing is forbidden: its copy is open to all who are there.
            start, arc, crews_only = at, onward, False

    def _only_onward(self, arc: int) -> int | None:
        """The one arc that follows where the street has no side street, else None."""
        draft = self._draft
        here, start = draft.end[arc], draft.start[arc]
        outward, inward = self._out.get(here, []), self._in.get(here, [])
        beside = {draft.end[one] for one in outward} | {draft.start[one] for one in inward}
        onward = [one for one in outward if draft.end[one] != start]
        return onward[0] if len(beside) == 2 and len(onward) == 1 else None

    def _copy_of(self, node: int) -> int:
        same = self._draft.same[node]
        return self._draft.node(self._draft.lat[node], self._draft.lon[node], same)
