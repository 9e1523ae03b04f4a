"""The look for cut-off texts reports what it is there for, and nothing that is declared."""

import pytest
from playwright.sync_api import Browser, Page
from whole import faults

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LONG = "138 Gangkou Avenue, Laocheng District"
STYLE = """<style>
  body { margin: 8px; font: 14px/1.4 sans-serif } p { margin: 0 0 4px }
  .narrow { width: 90px; overflow: hidden; white-space: nowrap }
  .low { width: 90px; height: 18px; overflow: hidden }
  .small { width: 90px; white-space: nowrap }
  .list { width: 300px; height: 40px; overflow-y: auto }
  .far { position: absolute; left: 100%; margin-left: -40px; white-space: nowrap }
  .list p { height: 20px; line-height: 20px } .list p + p { margin-top: 10px }
  .foot { height: 20px; margin-top: -20px; position: relative; background: #fff }
  .below { background: #fff }
  .up { margin-top: -14px } .on { position: absolute; top: 0; left: 0; right: 0; height: 60px;
  background: #fff } input { width: 60px }
</style><p>One.</p><p>Two.</p><p>Three.</p><p>Four.</p>"""
LINES = "".join(f"<p>Line {number}</p>" for number in range(9))

REPORTED = {
    "cut off at the side": ("cut off", f"<div class=narrow>{LONG}</div>"),
    "cut off below": ("cut off", f"<div class=low>{LONG}</div>"),
    "running out of its box": ("cut off", f"<div class=small>{LONG}</div>"),
    "cut off by a box around it": ("outside", f"<div class=narrow><p><b>{LONG}</b></p></div>"),
    "shortened, not declared": ("cut off", f"<div class=narrow title='{LONG}'>{LONG}</div>"),
    "shortened, its title too": (
        "cut off",
        f"<div class=narrow data-cut title='138 Gangkou'>{LONG}</div>",
    ),
    "scrolls, not declared": ("cut off", f"<div class=list>{LONG * 9}</div>"),
    "declared, does not scroll": ("cut off", f"<div class=low data-scrolls=y>{LONG}</div>"),
    "scrolls the other way": ("cut off", f"<div class=narrow data-scrolls=y>{LONG}</div>"),
    "outside the window": ("outside", f"<div class=far>{LONG}</div>"),
    "over its neighbour": ("overlaps", f"<div>{LONG}</div><div class=up>{LONG}</div>"),
    "behind something": ("covered", "<div class=on></div>"),
    "what is left of it is behind something": (
        "covered",
        f"<div class=list data-scrolls=y>{LINES}</div><div class=foot>A foot</div>",
    ),
    "a placeholder too long": ("cut off", f"<input placeholder='{LONG}'>"),
}
NOT_REPORTED = {
    "fits": f"<div>{LONG}</div>",
    "scrolls": f"<div class=list data-scrolls=y>{LINES}</div>",
    "shortened": f"<div class=narrow data-cut title='{LONG}'>{LONG}</div>",
    "hidden": f"<div class=narrow hidden>{LONG}</div>",
    "over it on purpose": "<div class=on data-over></div>",
    "scrolled half under its edge": (
        f"<div class=list data-scrolls=y>{LINES}</div><div class=below>A foot</div>"
    ),
}


@pytest.fixture(scope="module")
def sheet(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 600, "height": 400})


@pytest.mark.parametrize("what", REPORTED)
def test_it_reports(sheet: Page, what: str) -> None:
    kind, content = REPORTED[what]
    sheet.set_content(STYLE + content)
    assert any(one.startswith(kind) for one in faults(sheet)), faults(sheet)


@pytest.mark.parametrize("what", NOT_REPORTED)
def test_it_does_not_report(sheet: Page, what: str) -> None:
    sheet.set_content(STYLE + NOT_REPORTED[what])
    assert faults(sheet) == []


def test_it_reports_a_box_put_into_the_console(desk: Page) -> None:
    desk.evaluate(
        """() => { const box = document.createElement("p"); box.id = "put-in";
        box.textContent = "no room for this text"; box.style.cssText =
        "width: 40px; overflow: hidden; white-space: nowrap";
        document.querySelector(".card").append(box); }"""
    )
    try:
        assert any("no room for this text" in fault for fault in faults(desk))
    finally:
        desk.evaluate("document.getElementById('put-in').remove()")
    assert faults(desk) == []
