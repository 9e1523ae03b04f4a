"""What was recognised of a device from what it sends, for people: forms of DC-09, the answer it
takes, and a clock that does not show GMT."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from tocsin.core.texts.text import Text

FORMS: Final = {
    "eldes": Text("ELDES（CRC 计入 CR）", "ELDES (CRC over the CR)"),
    "binary_crc": Text("Trikdis 等（二进制 CRC）", "Trikdis and others (binary CRC)"),
    "misprinted_crc": Text("按 DC-07 误印的校验表计算 CRC", "CRC by the table misprinted in DC-07"),
    "empty_line": Text("线路号为空", "empty line number"),
    "hex_sequence": Text("序号为十六进制", "sequence in hex"),
    "no_bar": Text("加密填充无结束符", "encrypted pad without end"),
    "any_pad": Text("加密填充为任意字节", "encrypted pad of any bytes"),
    "nul_after_cr": Text("CR 后有 NUL", "NUL after CR"),
}
"""Every form of DC-09 that is told from what a device sends; its clock is said by `clock_text`."""

OTHER_ANSWER: Final = {
    "eldes": Text("以其自身形式应答", "answered in its own form"),
    "binary_crc": Text("以标准形式应答", "answered in the standard form"),
    "misprinted_crc": Text("按误印的校验表应答", "answered by the misprinted table"),
}
"""Of whom the first form of an answer was not taken."""

_AHEAD: Final = Text(
    "时钟比 GMT 快 {by}，{since} UTC 起", "clock {by} ahead of GMT since {since} UTC"
)
_BEHIND: Final = Text(
    "时钟比 GMT 慢 {by}，{since} UTC 起", "clock {by} behind GMT since {since} UTC"
)
_HOURS: Final = Text("{hours} 小时", "{hours} h")
_MINUTES: Final = Text("{minutes} 分钟", "{minutes} min")


_JOINED: Final = Text("{form.zh}，{answer.zh}", "{form.en}, {answer.en}")


def recognised_texts(
    dialects: Iterable[str],
    *,
    takes_other_answer: bool,
    clock_ahead_s: int | None,
    clock_since: datetime | None,
) -> list[Text]:
    """One text for each thing that was recognised, the most telling first."""
    known = set(dialects)
    texts = []
    for name, form in FORMS.items():
        if name in known:
            answer = OTHER_ANSWER.get(name) if takes_other_answer else None
            texts.append(
                form if answer is None else _JOINED.filled({"form": form, "answer": answer})
            )
    if clock_ahead_s is not None and clock_since is not None:
        texts.append(clock_text(clock_ahead_s, clock_since))
    return texts


def clock_text(ahead_s: int, since: datetime) -> Text:
    """How far a clock is from GMT. `since`: UTC."""
    hours, minutes = divmod(abs(ahead_s) // 60, 60)
    parts = [_HOURS.filled({"hours": hours})] if hours else []
    parts += [_MINUTES.filled({"minutes": minutes})] if minutes else []
    by = Text(*(" ".join(some) for some in zip(*parts, strict=True)))
    at = f"{since:%Y-%m-%d %H:%M}"
    return Text(
        *(
            said.format(by=said_by, since=at)
            for said, said_by in zip(_AHEAD if ahead_s > 0 else _BEHIND, by, strict=True)
        )
    )
