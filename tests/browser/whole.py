"""Looks at a page for cut-off texts and overlapping neighbours (whole.js) and with axe.

Both run in the page by the driver, so the content security policy stays as it is.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

WHOLE = (Path(__file__).parent / "whole.js").read_text(encoding="utf-8")
AXE = Path(__file__).parent.parent.parent / "web/node_modules/axe-core/axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SIZES = [(1280, 800), (1920, 1080)]
# Two frames drawn, and every transition of a colour at its end.
DRAWN = """async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.all(document.getAnimations().map(one => one.finished.catch(() => null)));
}"""


def faults(page: Page) -> list[str]:
    """Texts cut off, covered or outside, and neighbours that overlap, at the page's size now."""
    page.evaluate(DRAWN)
    looked: dict[str, Any] = page.evaluate(WHOLE[WHOLE.index("() =>") :])
    assert looked["texts"] > 3, "looked at nothing"
    return list(looked["found"])


def at_all_sizes(page: Page) -> Iterator[str]:
    """Give the window each size in turn; yields how to name it."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        yield f"{width}x{height}"


def violations(page: Page, within: str = "html") -> list[str]:
    """What axe-core finds."""
    page.evaluate(DRAWN)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(
        "([within, rules]) => axe.run(within, rules)", [within, RULES]
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']}: {one['help']} {json.dumps(node['target'])}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
