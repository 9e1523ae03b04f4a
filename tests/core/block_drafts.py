"""Block rules as tests draft them: a gateway that sends without end, and a calm dry run."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from core.world import ANN, NOON, World
from tocsin.core.block_match import ANY
from tocsin.core.blocking import ApproveBlock, PutBlockInForce, TryBlock
from tocsin.core.blocks import Block
from tocsin.core.signals import Signal
from tocsin.core.terms import DryRun, IncidentType, Level, SubjectKind, Unopened

HOUR = timedelta(hours=1)
SITE, PANEL, OTHER = UUID(int=900), UUID(int=901), UUID(int=902)
BURGLARY = "BA"

CALM = DryRun(
    tried_at=NOON,
    signals=40,
    sources=1,
    active=1_000,
    devices=1,
    active_devices=900,
    unopened=3,
    grave=0,
    spared=0,
    cut=False,
    open_rules=0,
    incidents=(Unopened(UUID(int=5), 1001, IncidentType.BURGLARY, Level.P2, NOON, 0),),
)


def world(**figures: object) -> World:
    return World(tried=replace(CALM, **figures))  # type: ignore[arg-type]


def rule(**fields: object) -> TryBlock:
    given: dict[str, object] = {
        "district": "north",
        "protocol": ANY,
        "network": "192.0.2.0/24",
        "account": ANY,
        "code": ANY,
        "zone": ANY,
        "why": "Gateway sends without end",
        "until": NOON + 12 * HOUR,
    }
    return TryBlock(**(given | fields))  # type: ignore[arg-type]


def drafted(one: World, command: TryBlock | None = None) -> UUID:
    one.do(command or rule())
    return one.all_of(SubjectKind.BLOCK)[-1]


def of_device() -> TryBlock:
    return rule(protocol="dc09", account="1234", grave=True, until=NOON + HOUR)


def in_force(one: World, command: TryBlock | None = None) -> UUID:
    subject = drafted(one, command)
    one.do(PutBlockInForce(subject))
    return subject


def approved(one: World, command: TryBlock | None = None) -> UUID:
    subject = drafted(one, command)
    one.do(ApproveBlock(subject), ANN)
    return subject


def state(one: World, subject: UUID) -> Block:
    found = one.states[subject]
    assert isinstance(found, Block)
    return found


def heard(one: World, code: str, **more: object) -> Signal:
    known = {"site": SITE, "device": PANEL}
    return one.signal(one.hear(code, **(known | more)))  # type: ignore[arg-type]
