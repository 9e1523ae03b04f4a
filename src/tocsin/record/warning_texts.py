"""Why a public warning is not written or does not go out, in words."""

from __future__ import annotations

from typing import Final

from tocsin.core.texts.text import Text
from tocsin.record.warnings import WarningReason

REASONS: Final[dict[WarningReason, Text]] = {
    WarningReason.NOT_FOUND: Text("没有这条预警", "There is no such warning."),
    WarningReason.NOT_A_DRAFT: Text(
        "该预警已发布或已放弃，不能再改", "It was published or dropped and is not changed any more."
    ),
    WarningReason.OWN_WORDS: Text(
        "须由另一人批准：最后修改的人不能批准发布",
        "A second person must approve it: whoever wrote it last may not.",
    ),
    WarningReason.EDITED: Text(
        "已被他人修改：请重新核对", "Somebody has edited it meanwhile: look it over again."
    ),
    WarningReason.FOLLOWED: Text(
        "已有一条更新或解除：请先处理该条", "Another message updates or cancels it already."
    ),
    WarningReason.NOT_PUBLISHED: Text(
        "只有已发布的预警可以更新或解除", "Only what was published is updated or cancelled."
    ),
    WarningReason.OVER: Text(
        "该预警已失效或已解除：请另发新预警",
        "That warning is over or was cancelled: write a new one.",
    ),
    WarningReason.MISTAKES: Text("内容有误", "Something in it is wrong."),
}
