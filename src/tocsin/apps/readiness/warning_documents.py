"""A public warning as its CAP 1.2 document: both languages in one alert, which refers to what it
updates or cancels, signed where the installation has a key."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tocsin.core.warnings import Content, Kind, Words
from tocsin.record.warnings import Warned
from tocsin.wire.cap.alert import Alert, Info, Reference
from tocsin.wire.cap.areas import Area, Circle
from tocsin.wire.cap.signing import Signer
from tocsin.wire.cap.writing import encode


def alert_of(one: Warned, before: list[Warned], sent: datetime, sender: str) -> Alert:
    """The alert of a warning that is sent at `sent`. `before`: what it refers to."""
    return Alert(
        identifier=str(one.id),
        sender=sender,
        sent=sent,
        status="Actual",
        msg_type=one.kind.value,
        scope="Public",
        references=tuple(
            Reference(sender, str(each.id), each.sent_at)
            for each in reversed(before)
            if each.sent_at is not None
        ),
        infos=(
            _info(one.content, one.content.zh, "zh-CN", settings.SITE_NAME_ZH, one.kind, sent),
            _info(one.content, one.content.en, "en", settings.SITE_NAME_EN, one.kind, sent),
        ),
    )


def _info(
    content: Content, words: Words, language: str, name: str, kind: Kind, sent: datetime
) -> Info:
    return Info(
        language=language,
        categories=(content.category.value,),
        event=words.event,
        response_types=("AllClear",) if kind is Kind.CANCEL else (),
        urgency=content.urgency.value,
        severity=content.severity.value,
        certainty=content.certainty.value,
        effective=sent,
        expires=sent + timedelta(minutes=content.valid_min),
        sender_name=name,
        headline=words.headline,
        description=words.description,
        instruction=words.instruction,
        areas=(
            Area(
                description=words.area,
                polygons=(content.polygon,) if content.polygon else (),
                circles=(Circle(content.circle[:2], content.circle[2]),) if content.circle else (),
                geocodes=content.geocodes,
            ),
        ),
    )


def document_of(one: Warned, before: list[Warned], sent: datetime) -> bytes:
    """The document, signed where there is a key. Raises `CannotWrite`, `BadKey`, OSError."""
    told = settings.WARNINGS
    signer = signer_of(told["key"], told["certificate"]) if told.get("key") else None
    return encode(alert_of(one, before, sent, told["sender"]), signer)


def previewed(one: Warned, before: list[Warned], now: datetime) -> str:
    """The document as it would be now, without a signature. Raises `CannotWrite`."""
    sender = settings.WARNINGS.get("sender") or "unset.invalid"
    at = now.replace(microsecond=0)
    return encode(alert_of(one, before, at, sender)).decode()


@lru_cache(maxsize=1)
def signer_of(key: str, certificate: str) -> Signer:
    """The signer with these files. Raises `BadKey`, OSError."""
    return Signer(Path(key).read_bytes(), Path(certificate).read_bytes())
