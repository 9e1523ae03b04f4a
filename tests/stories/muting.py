"""What a desk says about block rules: a rule is tried on so many sources, put in force, approved,
ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from re import Match
from uuid import UUID

from stories.scene import Scene
from tocsin.core.block_match import ANY
from tocsin.core.blocking import ApproveBlock, EndBlock, PutBlockInForce, TryBlock
from tocsin.core.commands import Command
from tocsin.core.terms import DryRun, SubjectKind


def _tried(scene: Scene, _: str, said: Match[str]) -> Command:
    network, minutes, sources, active, why = said.groups()
    scene.world.tried = DryRun(
        tried_at=scene.world.now,
        signals=100,
        sources=int(sources),
        active=int(active),
        devices=0,
        active_devices=int(active),
        unopened=0,
        grave=0,
        spared=0,
        cut=False,
        open_rules=0,
    )
    until = scene.world.now + timedelta(minutes=int(minutes))
    return TryBlock("north", ANY, network, ANY, why, until, ANY, ANY)


def _rule(scene: Scene) -> UUID:
    return scene.world.all_of(SubjectKind.BLOCK)[-1]


SAYINGS: list[tuple[str, Callable[[Scene, str, Match[str]], Command]]] = [
    (r"tries to mute (\S+) for (\d+) minutes, (\d+) of (\d+) sources: (.+)", _tried),
    (r"puts the rule in force", lambda s, *_: PutBlockInForce(_rule(s))),
    (r"approves the rule", lambda s, *_: ApproveBlock(_rule(s))),
    (r"ends the rule", lambda s, *_: EndBlock(_rule(s))),
]
