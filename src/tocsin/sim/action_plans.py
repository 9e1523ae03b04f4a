"""Action plans of the synthetic city's sites: what each kind of site wants done when it alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tocsin.core.texts.text import Text
from tocsin.record.book import SHEETS, import_book
from tocsin.record.database import Connection
from tocsin.record.importing import Error
from tocsin.record.keys import Keyring
from tocsin.record.workbooks import Table
from tocsin.sim.city.model import City

_CALL: Final = Text("致电值班室，询问现场情况", "Call the guard room: what do they see?")
_GATE: Final = Text("请值班员到正门接应", "Ask the guard to meet the crew at the main gate")
_EVACUATE: Final = Text("确认已组织疏散", "Make sure that the building is being cleared")
_GAS: Final = Text("请现场切断燃气总阀", "Have the main gas valve closed")
_STOCK: Final = Text("询问存放物品种类与数量", "Ask what is stored there, and how much")
_QUIET: Final = Text(
    "不回拨营业厅，改拨保卫部门", "Do not call the counter: call its security office"
)
_FRONT: Final = Text("告知出动力量从侧街接近", "Tell the crew to come by the side street")
_KEYS: Final = Text("通知钥匙保管人到场", "Have the key holder come")

_PLANS: Final[dict[str, Sequence[Text]]] = {
    "school": (_CALL, _EVACUATE, _GATE),
    "college": (_CALL, _EVACUATE, _GATE),
    "market": (_CALL, _GAS, _EVACUATE, _GATE),
    "factory": (_CALL, _GAS, _STOCK, _GATE),
    "chemical": (_CALL, _STOCK, _EVACUATE, _GATE),
    "warehouse": (_CALL, _STOCK, _KEYS),
    "bank": (_QUIET, _FRONT, _KEYS),
}
_OTHERS: Final[Sequence[Text]] = (_CALL, _GATE, _KEYS)


def import_plans(connection: Connection, keyring: Keyring, city: City) -> list[Error]:
    """Write the plans into the register, as an operator would; what was refused. Commits."""
    rows = [
        {"site": site.code, "order": str(order), "text_zh": step.zh, "text_en": step.en}
        for site in city.sites
        for order, step in enumerate(_PLANS.get(site.kind, _OTHERS), 1)
    ]
    table = Table(SHEETS["steps"], list(enumerate(rows, 2)))
    report = import_book(connection, keyring, {"steps": table}, agency=city.agency)
    return [(line, column, text) for _, line, column, text in report.errors]
