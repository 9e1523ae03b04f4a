"""A flood of the public pages leaves the desk its threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from apps.test_shell import answering, ask, bounded, scope_of


def test_the_public_has_half_of_the_threads_and_the_desk_the_other_half() -> None:
    go_on = threading.Event()

    def waits(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        go_on.wait(10)
        return answering(environ, start)

    app = bounded(waits, threads=4, waiting_max=8, public=("/report", "/follow"))

    async def flood() -> tuple[list[int], list[int], list[int]]:
        public = [
            asyncio.create_task(ask(app, scope_of("/report" if one else "/follow/x")))
            for one in range(2)
        ]
        while app.at_work < 2:  # noqa: ASYNC110 - they need the loop's next turns only
            await asyncio.sleep(0)
        over = [(await ask(app, scope_of("/report")))[0] for _ in range(3)]
        desk = [asyncio.create_task(ask(app, scope_of("/api/v1/x"))) for _ in range(4)]
        while app.at_work < 6:  # noqa: ASYNC110
            await asyncio.sleep(0)
        go_on.set()
        return [(await one)[0] for one in public], over, [(await one)[0] for one in desk]

    assert asyncio.run(flood()) == ([200, 200], [503, 503, 503], [200] * 4)
    assert app.refused == 3
    assert (app.at_work, app.public_at_work) == (0, 0)
    # Afterwards there is room again.
    assert asyncio.run(ask(app, scope_of("/report")))[0] == 200
