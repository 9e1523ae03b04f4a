"""POST /cap: partners push an alert with their token or client certificate, and hear 200 once it is
on disk. Nobody else is listened to."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec

from tocsin.core.signals import SignalRead
from tocsin.edge.cap_taking import Source, Taking
from tocsin.edge.http_parts import Request, Response
from tocsin.edge.http_problems import MEDIA_TYPE, language_of, problem
from tocsin.edge.intake import Crowded
from tocsin.edge.probe_target import HEADER
from tocsin.record.database import DatabaseAway
from tocsin.record.heard import NotKept
from tocsin.wire.cap.document import Reason

PATH: Final = "/cap"

_XML: Final = re.compile(r"(?:application|text)/(?:[a-z0-9.-]+\+)?xml", re.IGNORECASE)
_BEARER: Final = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]{16,256})", re.IGNORECASE)

# reason: title and detail in English, in Chinese. All 422: kept, shown, and not readable.
UNREADABLE: Final[Mapping[Reason, tuple[str, str, str, str]]] = {
    Reason.TOO_LARGE: (
        *("Too large", "The document is larger than is read."),
        *("文档过大", "文档超过可读取的大小。"),
    ),
    Reason.UNKNOWN_CHARSET: (
        *("Unknown encoding", "The declared character encoding is not known here."),
        *("字符编码未知", "不支持文档声明的字符编码。"),
    ),
    Reason.WRONG_CHARSET: (
        *("Wrong encoding", "The document is not in the character encoding that it declares."),
        *("字符编码不符", "文档内容与其声明的字符编码不符。"),
    ),
    Reason.DOCTYPE: (
        *("Document type declaration", "A document with a DOCTYPE is not read."),
        *("含文档类型声明", "不读取含 DOCTYPE 的文档。"),
    ),
    Reason.NOT_XML: (
        *("Not well-formed", "The document is not well-formed XML."),
        *("XML 格式错误", "文档不是格式良好的 XML。"),
    ),
    Reason.TOO_MANY_ELEMENTS: (
        *("Too many elements", "The document has more elements than are read."),
        *("元素过多", "文档中的元素超过上限。"),
    ),
    Reason.TOO_DEEP: (
        *("Nested too deep", "The document nests deeper than is read."),
        *("嵌套过深", "文档嵌套层数超过上限。"),
    ),
    Reason.NOT_CAP: (
        *("Not CAP", "The document is no CAP alert."),
        *("不是 CAP", "文档不是 CAP 预警消息。"),
    ),
    Reason.EARLIER_CAP: (
        *("Earlier version", "CAP 1.2 is read; this is an earlier version."),
        *("版本过旧", "仅支持 CAP 1.2，该文档为早期版本。"),
    ),
    Reason.NOT_SCHEMA: (
        *("Breaks the schema", "The alert breaks the schema of CAP 1.2."),
        *("不符合模式", "预警消息不符合 CAP 1.2 模式。"),
    ),
    Reason.UNREADABLE: (
        *("Unreadable", "The document could not be read here."),
        *("无法读取", "本系统无法读取该文档。"),
    ),
    Reason.NOT_FEED: (
        *("Not an alert", "One alert is taken, not a feed."),
        *("不是预警消息", "此处接收单条预警消息，不接收订阅源。"),
    ),
}
_UNAUTHORIZED: Final = (
    *("Not authorised", "Send the token that this centre gave you, as Authorization: Bearer."),
    *("未授权", "请在 Authorization: Bearer 中发送本中心提供的令牌。"),
)


@dataclass(frozen=True, slots=True)
class Partner:
    """Who may push: `token` is the SHA-256 of its secret."""

    source: Source
    token: bytes


class Inbox:
    """What is answered to a request. `certified`: whom the client certificate of the TLS port
    vouches for, None where none is asked for."""

    def __init__(
        self, taking: Taking, partners: Sequence[Partner], certified: Source | None
    ) -> None:
        self._taking = taking
        self._intake = taking.intake
        self._partners = partners
        self._certified = certified

    def door(self, request: Request) -> tuple[str, Response] | None:
        """Who may send nothing: no body of theirs is read."""
        for reason, is_so in (
            ("unknown_source", request.path != PATH),
            ("method_not_allowed", request.method != "POST"),
        ):
            if is_so:
                return reason, problem(reason, request.language)
        if self._source(request) is None and self._probe(request) is None:
            words = _document(401, "unauthorized", _UNAUTHORIZED, request.language)
            return "unauthorized", words
        return None

    async def answer(self, request: Request) -> Response:
        probe = self._probe(request)
        if probe is not None:
            return await self._test(request, probe)
        source = self._source(request)
        if source is None:  # the door has said so
            return self._refuse(request, "unknown_source")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return self._refuse(request, "unsupported_encoding")
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if not _XML.fullmatch(kind):
            return self._refuse(request, "unsupported_type", wanted="application/cap+xml")
        return await self._heard(request, source)

    def _probe(self, request: Request) -> SignalRead | None:
        return self._intake.probe(request.headers.get(HEADER, ""))

    async def _test(self, request: Request, probe: SignalRead) -> Response:
        """Our own test alert is read like any other, and nothing that it says is kept."""
        taken = await self._taking.look(request.body, Source(name="probe", languages=()))
        try:
            await self._intake.keep(
                source=request.address,
                body=b"",
                answer="received" if taken.bad is None else "unreadable",
                signals=(probe,),
                transport="https" if request.is_tls else "http",
            )
        except NotKept:
            return problem("not_kept", request.language)
        return Response(200 if taken.bad is None else 422, b"{}")

    def _source(self, request: Request) -> Source | None:
        """Who sends: told by the token; else by the certificate, which the TLS port has checked.
        Each token is compared, so that the time says nothing."""
        found = None
        given = _BEARER.fullmatch(request.headers.get("authorization", ""))
        if given is not None:
            digest = sha256(given[1].encode()).digest()
            for partner in self._partners:
                if hmac.compare_digest(digest, partner.token):
                    found = partner.source
            return found
        return self._certified if request.is_tls else None

    async def _heard(self, request: Request, source: Source) -> Response:
        over = "https" if request.is_tls else "http"
        refuse = partial(problem, accept_language=request.language)
        try:
            if not self._taking.is_loaded(source.name):
                await self._taking.load(source.name)
            taken = await self._taking.look(request.body, source)
            await self._taking.store(taken, request.body, source, request.address, over)
        except Crowded:
            return refuse("crowded")
        except (NotKept, DatabaseAway):
            return refuse("not_kept")
        if taken.bad is not None:
            words = UNREADABLE[taken.bad.reason]
            return _document(422, taken.bad.reason, words, request.language, where=taken.bad.detail)
        said = {"kept": True, "assurance": taken.alert.assurance, "problem": taken.problem}
        return Response(200, msgspec.json.encode(said))

    def _refuse(self, request: Request, reason: str, wanted: str = "") -> Response:
        self._intake.counts.refused(reason, request.address)
        return problem(reason, request.language, wanted=wanted)


def _document(
    status: int, reason: str, words: tuple[str, str, str, str], language: str, where: str = ""
) -> Response:
    """A problem document (RFC 9457) of our own reasons."""
    is_zh = language_of(language) == "zh"
    title, detail = words[2:] if is_zh else words[:2]
    if status == 422:
        detail += (
            "已保存并在接警席显示为无法读取。"
            if is_zh
            else " It was kept, and is shown as unreadable."
        )
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "reason": reason,
        "errors": [{"where": where, "reason": reason, "message": detail}] if where else [],
    }
    headers: tuple[tuple[str, str], ...] = (("Content-Language", "zh-CN" if is_zh else "en"),)
    if status == 401:
        headers += (("WWW-Authenticate", "Bearer"),)
    return Response(status, msgspec.json.encode(body), MEDIA_TYPE, headers)
