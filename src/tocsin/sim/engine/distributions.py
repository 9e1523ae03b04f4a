"""The distributions of a gen_config file: `Exponential(1/280)`, `Normal(50/86400, 0)` and so on,
with plain arithmetic in their parameters. A draw below zero of a duration is zero."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from lxml import etree

from tocsin.sim.engine.refusal import refused
from tocsin.sim.engine.tables import Floats

TEXT_MAX: Final = 200
"""Characters of one distribution."""
FILE_MAX: Final = 1 << 20
OPERATORS: Final[dict[type, Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Distribution:
    """A named distribution with its parameters, as Distributions.jl names and orders them."""

    name: str
    values: tuple[float, ...]

    def draw(self, source: np.random.Generator, count: int) -> Floats:
        """`count` values, none below zero."""
        drawn: Floats = np.maximum(DRAWS[self.name][2](source, self.values, count), 0.0)
        return drawn


Draw = Callable[[np.random.Generator, tuple[float, ...], int], Floats]
DRAWS: Final[dict[str, tuple[int, int, Draw]]] = {
    "Exponential": (1, 1, lambda source, p, n: source.exponential(p[0], n)),
    "Normal": (2, 2, lambda source, p, n: source.normal(p[0], p[1], n)),
    "Uniform": (2, 2, lambda source, p, n: source.uniform(p[0], p[1], n)),
    "Gamma": (2, 2, lambda source, p, n: source.gamma(p[0], p[1], n)),
    "Erlang": (2, 2, lambda source, p, n: source.gamma(p[0], p[1], n)),
    "LogNormal": (2, 2, lambda source, p, n: source.lognormal(p[0], p[1], n)),
    "Weibull": (2, 2, lambda source, p, n: np.asarray(p[1] * source.weibull(p[0], n), np.float64)),
    "Bernoulli": (1, 1, lambda source, p, n: (source.random(n) < p[0]).astype(np.float64)),
    "Categorical": (
        1,
        100,
        lambda source, p, n: (
            1.0
            + np.searchsorted(np.cumsum(p)[:-1], source.random(n) * sum(p), side="right").astype(
                float
            )
        ),
    ),
}
"""Least and greatest number of parameters, and how it is drawn."""


@dataclass(frozen=True)
class CallConfig:
    """How calls come: from `start` on, in days."""

    start: float
    interarrival: Distribution
    priority: Distribution
    delay: Distribution
    on_scene: Distribution
    transport: Distribution
    handover: Distribution

    @property
    def rate(self) -> float:
        """Calls a day, roughly: enough to bound their number."""
        drawn = self.interarrival.draw(np.random.Generator(np.random.PCG64(0)), 4096)
        return float(1.0 / max(drawn.mean(), 1e-9))


def read_config(folder: Path) -> CallConfig:
    """The first gen_config file of a folder. Raises `InputRefused`."""
    for path in sorted(folder.glob("gen_config*.xml")):
        return _read(path)
    raise refused(
        None,
        f"{folder}: no gen_config file; give the calls with --calls",
        f"{folder}：没有 gen_config 文件；请用 --calls 指定呼叫文件",
    )


def _read(path: Path) -> CallConfig:
    try:
        data = path.read_bytes()
        if len(data) > FILE_MAX:
            raise refused(path, "expected at most 1 MiB", "文件不得超过 1 MiB")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(data, parser)
    except OSError as error:
        raise refused(path, f"{error.strerror}", f"无法读取：{error.strerror}") from None
    except etree.XMLSyntaxError as error:
        row = error.lineno or 0
        raise refused(path, "expected XML", "应为 XML 文件", row=row) from None
    return CallConfig(
        _number(path, root, "startTime"),
        _distribution(path, root, "interarrivalTime"),
        _distribution(path, root, "priority"),
        _distribution(path, root, "dispatchDelay"),
        _distribution(path, root, "onSceneDuration"),
        _distribution(path, root, "transport", "transfer"),
        _distribution(path, root, "handoverDuration", "transferDuration"),
    )


def _element(path: Path, root: etree._Element, *names: str) -> tuple[str, str, int]:
    for name in names:
        found = root.find(f".//{name}")
        if found is not None and found.text:
            return name, found.text.strip()[: TEXT_MAX + 1], int(str(found.sourceline))
    raise refused(path, f"expected an element {names[0]}", f"应含有元素 {names[0]}")


def _number(path: Path, root: etree._Element, name: str) -> float:
    _, text, row = _element(path, root, name)
    try:
        return value_of(text)
    except ValueError:
        raise refused(
            path, f"{text!r}: expected a number", f"“{text}”：应为数字", row=row, column=name
        ) from None


def _distribution(path: Path, root: etree._Element, *names: str) -> Distribution:
    name, text, row = _element(path, root, *names)
    try:
        return distribution_of(text)
    except ValueError:
        known = ", ".join(DRAWS)
        raise refused(
            path,
            f"{text!r}: expected a distribution with its parameters, one of {known}",
            f"“{text}”：应为带参数的分布，可用 {known}",
            row=row,
            column=name,
        ) from None


def distribution_of(text: str) -> Distribution:
    """`Exponential(1/280)` as a distribution. Raises ValueError."""
    node = _parsed(text)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords:
        raise ValueError(text)
    least, most, draw = DRAWS.get(node.func.id, (1, 0, None))
    given = node.args
    if len(given) == 1 and isinstance(given[0], ast.List):
        given = given[0].elts
    values = tuple(_value(one) for one in given)
    if not least <= len(values) <= most or draw is None:
        raise ValueError(text)
    try:
        drawn = draw(np.random.Generator(np.random.PCG64(0)), values, 8)
    except ValueError:
        raise ValueError(text) from None
    if not np.isfinite(drawn).all() or (node.func.id != "Normal" and min(values) < 0):
        raise ValueError(text)
    return Distribution(node.func.id, values)


def value_of(text: str) -> float:
    """A number written with plain arithmetic, as in `50/60/60/24`. Raises ValueError."""
    return _value(_parsed(text))


def _parsed(text: str) -> ast.expr:
    if len(text) > TEXT_MAX:
        raise ValueError(text)
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(text) from None


def _value(node: ast.expr) -> float:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        try:
            return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
        except ZeroDivisionError:
            pass
    raise ValueError("not a number")
