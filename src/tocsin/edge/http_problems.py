"""What a machine's HTTP request is told when something is wrong: problem documents (RFC 9457) with
a reason, the place, and a text in the language that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tocsin.edge.http_parts import Response

MEDIA_TYPE: Final = "application/problem+json"
RETRY_S: Final = 5

# reason: status, title and detail in English, title and detail in Chinese.
PROBLEMS: Final[Mapping[str, tuple[int, str, str, str, str]]] = {
    "not_http": (
        *(400, "Not HTTP", "The request cannot be read as HTTP/1.1."),
        *("不是 HTTP 请求", "无法按 HTTP/1.1 读取该请求。"),
    ),
    "head_too_large": (
        *(431, "Head too large", "At most 64 headers and 16 KiB, and 512 characters of path."),
        *("请求头过大", "请求头最多 64 项、16 KiB，路径最多 512 个字符。"),
    ),
    "trailer_too_large": (
        *(431, "Trailer too large", "Trailers and chunk extensions take 16 KiB at most."),
        *("尾部字段过大", "尾部字段与分块扩展合计最多 16 KiB。"),
    ),
    "body_too_large": (
        *(413, "Body too large", "The body is larger than this address takes."),
        *("正文过大", "正文超过此地址允许的大小。"),
    ),
    "too_full": (
        *(503, "Too much arriving at once", "Nothing was kept or confirmed. Send it again."),
        *("待收数据过多", "未保存也未确认任何内容，请重新发送。"),
    ),
    "too_many_at_once": (
        *(429, "Too many requests at once", "Wait for the answers to earlier requests."),
        *("并发请求过多", "请等待先前的请求得到应答。"),
    ),
    "too_slow": (
        *(408, "Too slow", "The request was not complete in time."),
        *("发送过慢", "请求未在规定时间内发送完整。"),
    ),
    "failed": (
        *(500, "Fault", "Something went wrong on our side; nothing was confirmed. Try again."),
        *("系统故障", "我方出现故障，未确认任何内容，请重试。"),
    ),
    "unknown_source": (
        *(404, "No such source", "No source is registered under this address."),
        *("来源不存在", "没有以此地址登记的来源。"),
    ),
    "method_not_allowed": (
        *(405, "Method not allowed", "This address takes POST only."),
        *("方法不允许", "此地址只接受 POST。"),
    ),
    "unsupported_encoding": (
        *(415, "Compressed body", "Send the body as it is, without Content-Encoding."),
        *("正文被压缩", "请勿使用 Content-Encoding，直接发送原文。"),
    ),
    "unsupported_type": (
        *(415, "Unsupported media type", "This address takes {wanted}, in UTF-8."),
        *("不支持的媒体类型", "此地址接受 {wanted}，编码为 UTF-8。"),
    ),
    "signature_missing": (
        *(401, "Not signed", "The headers that sign this request are missing: {wanted}."),
        *("缺少签名", "缺少签名请求头：{wanted}。"),
    ),
    "signature_malformed": (
        *(401, "Signature malformed", "The headers that sign this request cannot be read."),
        *("签名格式错误", "无法读取签名请求头。"),
    ),
    "signature_wrong": (
        *(401, "Signature wrong", "The signature does not fit the body and the secret."),
        *("签名不符", "签名与正文及密钥不符。"),
    ),
    "time_outside_window": (
        *(401, "Signed too long ago", "The signed time is more than 5 minutes off our clock."),
        *("签名时间超限", "签名时间与本机时钟相差超过 5 分钟。"),
    ),
    "not_kept": (
        *(503, "Cannot be kept now", "Nothing was kept or confirmed. Send it again."),
        *("暂时无法保存", "未保存也未确认任何内容，请重新发送。"),
    ),
    "crowded": (
        *(429, "Too much in flight", "Too many requests of this address wait. Send it again."),
        *("等待中的请求过多", "该地址等待中的请求过多，请重新发送。"),
    ),
    "not_utf8": (
        *(400, "Not UTF-8", "The body is not UTF-8 ({where})."),
        *("不是 UTF-8", "正文不是 UTF-8 编码（{where}）。"),
    ),
    "not_json": (
        *(400, "Not JSON", "The body is not JSON ({where})."),
        *("不是 JSON", "正文不是有效的 JSON（{where}）。"),
    ),
    "too_deep": (
        *(400, "Nested too deep", "The JSON nests deeper than 32 levels."),
        *("嵌套过深", "JSON 嵌套超过 32 层。"),
    ),
    "too_many_values": (
        *(400, "Too many values", "The JSON has more than 20,000 values."),
        *("值过多", "JSON 中的值超过 20000 个。"),
    ),
    "duplicate_key": (
        *(400, "Key twice", 'An object has the key "{where}" twice.'),
        *("键重复", "同一对象中键“{where}”重复。"),
    ),
    "not_a_number": (
        *(400, "Not a number", "JSON has no {where}."),
        *("不是数字", "JSON 中不允许 {where}。"),
    ),
    "number_too_large": (
        *(400, "Number too large", "A number is too large or too long ({where})."),
        *("数字过大", "数字过大或过长（{where}）。"),
    ),
}

# What a document has and we cannot read, in an answer that confirms it: English, Chinese.
FINDINGS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is not there", "不存在"),
    "not_a_list": ("is no list of events", "不是事件列表"),
    "no_events": ("is an empty list", "列表为空"),
    "too_many_events": (
        "has more than 64 events; those behind them were not read",
        "超过 64 个事件，其后的未读取",
    ),
    "not_a_code": ("is no text or whole number, which a code is", "不是文本或整数，不能作为代码"),
    "code_unknown": ("stands for no code of this source's list", "在该来源的代码表中没有对应代码"),
    "qualifier_unknown": ("is no qualifier: 1, 3 or 6", "不是限定符：1、3 或 6"),
    "not_a_text": ("is no text", "不是文本"),
    "not_a_time": (
        "is no time in the form that is set for this source",
        "不符合该来源设定的时间格式",
    ),
    "level_unknown": ("is no level from 1 to 4", "不是 1 至 4 的等级"),
    "not_a_number": ("is no number (a text of digits is none)", "不是数字（数字文本不算）"),
    "not_a_place": ("is no latitude or longitude in degrees", "不是有效的经纬度"),
    "datum_unknown": (
        "names no known datum, so the position was left out",
        "坐标系未知，位置未采用",
    ),
    "not_aml": ("is no AML message", "不是 AML 消息"),
    "no_location": ("holds no location", "不含位置"),
    "length_wrong": ("is not as long as it says", "长度与声明不符"),
    "not_hex": ("is no user data in hexadecimal", "不是十六进制的用户数据"),
}


def language_of(accept_language: str) -> str:
    """`zh` or `en`, whichever an Accept-Language header names first; else English, which machines'
    makers read."""
    for part in accept_language.lower().split(",")[:16]:
        code = part.split(";")[0].strip()[:2]
        if code in ("zh", "en"):
            return code
    return "en"


def problem(reason: str, accept_language: str, **fills: str) -> Response:
    """The document for `reason`. `fills`: what stands in its text, `where` among it; with
    `is_kept` the message was kept all the same."""
    status, title_en, detail_en, title_zh, detail_zh = PROBLEMS[reason]
    is_zh = language_of(accept_language) == "zh"
    kept = fills.pop("kept", "")
    detail = (detail_zh if is_zh else detail_en).format_map({"where": "", "wanted": "", **fills})
    if kept:
        detail += (
            "已保存并在接警席显示为无法读取。"
            if is_zh
            else " It was kept and is shown as unreadable."
        )
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": title_zh if is_zh else title_en,
        "status": status,
        "detail": detail,
        "reason": reason,
        "errors": [],
    }
    if where := fills.get("where"):
        document["errors"] = [{"where": where, "reason": reason, "message": detail}]
    headers: tuple[tuple[str, str], ...] = (("Content-Language", "zh-CN" if is_zh else "en"),)
    if status in (429, 503):
        headers += (("Retry-After", str(RETRY_S if status == 503 else 1)),)
    if status == 401:
        headers += (("WWW-Authenticate", "Signature"),)
    if status == 405:
        headers += (("Allow", "POST"),)
    return Response(status, msgspec.json.encode(document), MEDIA_TYPE, headers)


def accepted(
    accept_language: str, findings: Iterable[tuple[str, str]] = (), **more: Any
) -> Response:
    """202: it is on disk. `findings`: what could not be read, as place and reason."""
    is_zh = language_of(accept_language) == "zh"
    errors = [
        {
            "where": where,
            "reason": reason,
            "message": f"{where or '/'} {FINDINGS[reason][1 if is_zh else 0]}",
        }
        for where, reason in findings
    ]
    body = msgspec.json.encode({"kept": True, **more, "errors": errors})
    return Response(202, body, headers=(("Content-Language", "zh-CN" if is_zh else "en"),))
