"""A flood of the public pages leaves the desk its threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from apps.test_shell import answering, ask, bounded, scope_of


def waiting_for(go_on: threading.Event) -> Callable[..., Iterable[bytes]]:
    def waits(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        go_on.wait(10)
        return answering(environ, start)

    return waits


def test_the_public_has_half_of_the_threads_and_the_desk_the_other_half() -> None:
    go_on = threading.Event()
    app = bounded(waiting_for(go_on), threads=4, waiting_max=8, public=("/report", "/follow"))

    async def flood() -> tuple[list[int], list[int], list[int]]:
        # Two at work and four waiting: one more is told, and nobody in silence.
        public = [
            asyncio.create_task(ask(app, scope_of("/report" if one % 2 else "/follow/x")))
            for one in range(6)
        ]
        while app.public_at_work < 6:  # noqa: ASYNC110 - they need the loop's next turns only
            await asyncio.sleep(0)
        over = [(await ask(app, scope_of("/report")))[0] for _ in range(3)]
        assert app.at_work == 2
        desk = [asyncio.create_task(ask(app, scope_of("/api/v1/x"))) for _ in range(4)]
        while app.at_work < 6:  # noqa: ASYNC110
            await asyncio.sleep(0)
        go_on.set()
        return [(await one)[0] for one in public], over, [(await one)[0] for one in desk]

    assert asyncio.run(flood()) == ([200] * 6, [503] * 3, [200] * 4)
    assert app.refused == 3
    assert (app.at_work, app.public_at_work) == (0, 0)
    # Afterwards there is room again.
    assert asyncio.run(ask(app, scope_of("/report")))[0] == 200


def test_a_wait_that_is_too_long_ends_with_an_answer_and_leaks_no_thread() -> None:
    go_on = threading.Event()
    app = bounded(waiting_for(go_on), threads=2, waiting_max=4, public=("/report",), answer_s=0.02)

    async def frozen() -> list[int]:
        first = asyncio.create_task(ask(app, scope_of("/report")))
        while app.at_work < 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
        second = asyncio.create_task(ask(app, scope_of("/report")))
        found = [(await one)[0] for one in (first, second)]
        go_on.set()
        while app.at_work:  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0)
        app.answer_s = 10.0
        found.append((await ask(app, scope_of("/report")))[0])
        return found

    assert asyncio.run(frozen()) == [503, 503, 200]
    assert app.public_at_work == 0
