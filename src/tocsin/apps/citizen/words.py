"""Every text of the public pages, in both languages: short words, no terms of the trade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tocsin.core.reports import Hurt, ReportKind
from tocsin.core.texts.text import Text

WORDS: Final[Mapping[str, Text]] = {
    # -- every page
    "skip": Text("跳到正文", "Skip to content"),
    "danger": Text("正处于危险中？请立即拨打电话：", "In danger now? Call:"),
    "danger_hint": Text(
        "打电话最快。电话打不通或不便通话时，请使用本页。",
        "Calling is fastest. Use this page if you cannot call or cannot speak.",
    ),
    "number_police": Text("公安", "Police"),
    "number_fire": Text("消防", "Fire"),
    "number_medical": Text("急救", "Ambulance"),
    "number_traffic": Text("交通事故", "Traffic accident"),
    "number_any": Text("手机紧急呼叫", "Any emergency"),
    "numbers": Text("紧急电话", "Emergency numbers"),
    "call": Text("拨打", "Call"),
    "other_language": Text("English", "简体中文"),
    "languages": Text("语言", "Language"),
    "nav_report": Text("网上报警", "Report"),
    "nav_follow": Text("查询进展", "Follow a report"),
    "nav": Text("页面", "Pages"),
    # -- the report page
    "report_title": Text("网上报警", "Report an emergency"),
    "report_lead": Text(
        "提交后，值班人员会立即看到。只有前两项必填。",
        "Staff on duty see it as soon as you send it. Only the first two questions must be"
        " answered.",
    ),
    "kind": Text("发生了什么？", "What is happening?"),
    "where": Text("在哪里？", "Where is it?"),
    "where_hint": Text(
        "地址、小区、路口、楼层，或附近看得见的标志。",
        "Address, building, floor, junction, or what you can see nearby.",
    ),
    "position": Text("坐标（选填）", "Coordinates (optional)"),
    "position_more": Text("有坐标？（选填）", "Do you have coordinates? (optional)"),
    "position_hint": Text(
        "纬度, 经度，例如 30.2501, 113.4302", "Latitude, longitude: 30.2501, 113.4302"
    ),
    "datum": Text("坐标来自", "Taken from"),
    "datum_wgs": Text("手机定位或 GPS", "Phone or GPS"),
    "datum_gcj": Text("高德地图、腾讯地图", "Amap or Tencent map"),
    "datum_bd": Text("百度地图", "Baidu map"),
    "use_position": Text("我就在现场：使用我的位置", "I am there: use my position"),
    "position_found": Text(
        "已填入您的位置，误差约 {metres} 米。", "Position filled in, to about {metres} m."
    ),
    "position_failed": Text(
        "无法取得您的位置，请用文字说明地点。",
        "Your position could not be found. Please describe the place in words.",
    ),
    "position_asking": Text("正在取得位置…", "Finding your position…"),
    "text": Text("具体情况（选填）", "What can you see or hear? (optional)"),
    "text_hint": Text(
        "例如：烟从哪里冒出、有几个人被困。请勿填写与此事无关的他人信息。",
        "For example: where the smoke comes from, how many people are trapped. Leave out what you"
        " know about people who have nothing to do with it.",
    ),
    "hurt": Text("有人受伤或生病吗？", "Is anybody hurt or ill?"),
    "phone": Text("回拨电话（选填）", "Phone number to call you back (optional)"),
    "phone_hint": Text(
        "仅供处理此事的人员使用，不能用来搜索。",
        "Only for the people who deal with this report. Nobody can search for it.",
    ),
    "send": Text("提交报警", "Send the report"),
    "notice_title": Text("我们保存什么，保存多久", "What is kept, and for how long"),
    "notice_1": Text(
        "您填写的内容、时间和坐标（精确到约 10 米）作为警情记录保存，用于处置和依法查验。"
        "地点描述、具体情况和电话号码加密保存，只有处理此事的人员和督察员可以阅读。",
        "What you fill in, when, and coordinates to about 10 metres become part of the incident's"
        " record, to answer it and to account for the answer. Your description, the place in your"
        " words and your phone number are encrypted; only those who deal with it, and inspectors,"
        " can read them.",
    ),
    "notice_2": Text(
        "内容按警情的法定期限保存；期满销毁密钥，任何人都无法再阅读。查询码在结案 30 天后失效。",
        "They are kept as long as the law asks for the incident's record; then the key is destroyed"
        " and nobody can read them again. The follow-up code ends 30 days after closing.",
    ),
    "notice_3": Text(
        "不使用 Cookie，不需要账号。您的网络地址不进入记录，仅以加密摘要用于防止滥用。",
        "No cookies, no account. Your network address does not enter the record; only a keyed"
        " digest of it is used, against abuse.",
    ),
    "notice_4": Text(
        "故意谎报警情依法承担责任。",
        "Making a false report on purpose is an offence.",
    ),
    # -- problems with what was filled in
    "problem_title": Text("还不能提交，请先修改：", "Not sent yet. Please correct this first:"),
    "problem_kind": Text("请选择发生了什么。", "Choose what is happening."),
    "problem_where": Text("请说明在哪里。", "Say where it is."),
    "problem_where_long": Text(
        "地点最多 {most} 个字，现有 {now} 个。",
        "The place may have {most} characters; it has {now}.",
    ),
    "problem_text_long": Text(
        "具体情况最多 {most} 个字，现有 {now} 个。",
        "The description may have {most} characters; it has {now}.",
    ),
    "problem_text": Text("请写下要补充的内容。", "Write what you want to add."),
    "problem_phone": Text(
        "电话号码应为 5 至 20 位数字，也可以不填。",
        "A phone number has 5 to 20 digits. You may also leave it out.",
    ),
    "problem_position": Text(
        "坐标应为“纬度, 经度”，例如 30.2501, 113.4302；也可以不填。",
        "Coordinates are latitude, longitude, such as 30.2501, 113.4302. You may also leave them"
        " out.",
    ),
    "problem_token": Text(
        "页面打开的时间太长了。您填写的内容都还在，请再提交一次。",
        "This page was open for too long. Everything you filled in is still here: send it again.",
    ),
    "problem_origin": Text(
        "此表单来自其他网站，没有提交。请核对内容后在本页提交。",
        "This form came from another site and was not accepted. Check it and send it from here.",
    ),
    # -- not received
    "lost_title": Text("没有收到您的报警", "Your report was NOT received"),
    "lost_text": Text(
        "系统暂时无法保存。请立即拨打上面的电话。您填写的内容还在下面，也可以稍后再提交一次。",
        "It cannot be stored at the moment. Call one of the numbers above. What you filled in is"
        " still here below; you can also try to send it again.",
    ),
    "unsure_title": Text("无法确认是否收到", "We cannot tell whether it was received"),
    "unsure_text": Text(
        "请立即拨打上面的电话，或再提交一次：同一份报警只会登记一次。",
        "Call one of the numbers above, or send it again: the same report is never counted twice.",
    ),
    "crowded_title": Text("没有收到您的报警", "Your report was NOT received"),
    "crowded_text": Text(
        "短时间内的报警太多，无法全部保存。请立即拨打上面的电话。您填写的内容还在下面。",
        "More reports are coming in than can be kept. Call one of the numbers above."
        " What you filled in is still here below.",
    ),
    "off_title": Text("此处不受理网上报警", "Reports are not taken here"),
    "off_text": Text("请拨打上面的电话。", "Call one of the numbers above."),
    "away_title": Text("暂时无法查询", "This cannot be shown at the moment"),
    "away_text": Text(
        "系统暂时无法访问，没有保存任何内容。情况紧急请拨打上面的电话，或稍后再试。",
        "The service cannot be reached, and nothing was stored. If it is urgent, call one of the"
        " numbers above; else try again in a moment.",
    ),
    "refused_title": Text("没有收到", "NOT received"),
    "refused_text": Text(
        "系统现在无法处理此请求，没有保存任何内容。请拨打上面的电话。按浏览器的“返回”可回到您填写的内容。",
        "The service cannot take this now, and nothing was stored. Call one of the numbers above."
        " Your browser's Back leads to what you filled in.",
    ),
    # -- received, followed
    "received_title": Text("已收到您的报警", "Your report was received"),
    "received_code": Text("您的查询码", "Your follow-up code"),
    "received_keep": Text(
        "请记下或截屏保存。凭此码可查看进展、补充情况。我们无法找回查询码。",
        "Write it down or take a screenshot. With it you can see what happens and add to your"
        " report. We cannot give it to you again.",
    ),
    "received_next": Text("接下来", "What happens next"),
    "received_next_1": Text(
        "值班人员正在查看新报警，并决定派出什么力量。",
        "Staff on duty look at new reports and decide who to send.",
    ),
    "received_next_2": Text(
        "如果您留了电话，可能会有人回拨。",
        "If you left a phone number, somebody may call you back.",
    ),
    "received_next_3": Text(
        "情况恶化请立即拨打上面的电话，不要等待。",
        "If it gets worse, call one of the numbers above. Do not wait.",
    ),
    "collected_title": Text(
        "已收到，但可能不会马上看到", "Received, but it may not be looked at at once"
    ),
    "collected_text": Text(
        "现在报警很多，您的报警与其他报警放在一起处理。情况紧急请立即拨打上面的电话。",
        "Very many reports are coming in, and yours was put together with others. If it is urgent,"
        " call one of the numbers above.",
    ),
    "again_title": Text("这份报警已经收到过", "This report was received before"),
    "again_text": Text(
        "再次提交的内容与第一次不同，没有记录。如需更正，请在下面补充。",
        "What you sent this time is different and was not recorded. To correct it, add it below.",
    ),
    "follow_title": Text("报警进展", "Your report"),
    "follow_code": Text("查询码", "Code"),
    "follow_steps": Text("进展", "What has happened"),
    "follow_refresh": Text("刷新", "Look again"),
    "stage_received": Text("已收到", "Received"),
    "stage_looked_at": Text("有人正在处理", "Somebody is looking at it"),
    "stage_on_the_way": Text("已派人前往", "Help is on its way"),
    "stage_at_work": Text("现场处置中", "It is being dealt with"),
    "stage_closed": Text("已结束", "Closed"),
    "now_received": Text("等待查看", "Waiting to be looked at"),
    "ended_handled": Text("已处置。", "It was dealt with."),
    "ended_no_emergency": Text(
        "已核查，未发现需要处置的情况。", "It was checked; there was nothing to deal with."
    ),
    "ended_no_response_needed": Text(
        "已核查，不需要派人。", "It was checked; nobody had to be sent."
    ),
    "ended_transferred": Text(
        "已转交负责的部门。", "It was passed on to those who are responsible."
    ),
    "ended_duplicate": Text("同一情况已在处理。", "The same event is dealt with already."),
    "ended_again": Text(
        "如果情况仍在或再次发生，请拨打上面的电话。",
        "If it goes on or starts again, call one of the numbers above.",
    ),
    "add_title": Text("补充情况", "Add to your report"),
    "add_text": Text("还有什么要告诉我们？", "What else should we know?"),
    "add_hint": Text("还可以补充 {left} 次。", "You can add {left} more times."),
    "add_send": Text("补充", "Add"),
    "add_none_left": Text(
        "补充次数已用完。还有情况请拨打上面的电话。",
        "You have added as often as you can. If there is more, call one of the numbers above.",
    ),
    "added": Text("已补充，值班人员会看到。", "Added. Staff on duty will see it."),
    "closed_meanwhile": Text(
        "没有补充：此事刚刚结束。仍需帮助请拨打上面的电话，或重新报警。",
        "Not added: it has just been closed. If you still need help, call one of the numbers above"
        " or send a new report.",
    ),
    "withdraw_title": Text("不再需要帮助？", "No longer needed?"),
    "withdraw_hint": Text(
        "值班人员会看到，但仍可能来人核实。",
        "Staff on duty will see it. Somebody may still come to make sure.",
    ),
    "withdraw_send": Text("不再需要帮助", "Help is no longer needed"),
    "withdrawn": Text(
        "您已于 {time} 告知不再需要帮助。", "You said at {time} that help is no longer needed."
    ),
    "ask_title": Text("查询报警进展", "Follow a report"),
    "ask_code": Text("查询码（16 位）", "Follow-up code (16 characters)"),
    "ask_hint": Text("大小写、空格和连字符都可以。", "Capitals, spaces and hyphens do not matter."),
    "ask_send": Text("查询", "Show"),
    "unknown_title": Text("没有此查询码的报警", "There is no report with this code"),
    "unknown_text": Text(
        "请逐个核对字符。查询码在结案 30 天后失效。",
        "Check each character. A code ends 30 days after the report was closed.",
    ),
    "guesses_title": Text("查询次数过多", "Too many codes were tried"),
    "guesses_text": Text(
        "请几分钟后再试。情况紧急请拨打上面的电话。",
        "Try again in a few minutes. If it is urgent, call one of the numbers above.",
    ),
    "new_report": Text("重新报警", "Send a new report"),
}

KINDS: Final[Mapping[ReportKind, tuple[Text, Text]]] = {
    # What it is, and what belongs to it.
    ReportKind.FIRE: (Text("着火、冒烟", "Fire or smoke"), Text("", "")),
    ReportKind.MEDICAL: (Text("有人受伤或发病", "Somebody is hurt or ill"), Text("", "")),
    ReportKind.CRIME: (
        Text("违法犯罪正在发生", "Crime happening now"),
        Text("打架、闯入、抢劫、威胁", "Fight, break-in, robbery, threat"),
    ),
    ReportKind.TRAFFIC: (Text("交通事故", "Traffic accident"), Text("", "")),
    ReportKind.GAS: (Text("闻到燃气味", "Smell of gas"), Text("", "")),
    ReportKind.TECHNICAL: (
        Text("水、电、电梯等故障", "Water, power or lift"),
        Text("爆管、漏电、有人被困电梯", "Burst pipe, live wire, somebody stuck in a lift"),
    ),
    ReportKind.OTHER: (Text("其他情况", "Something else"), Text("", "")),
}

HURT: Final[Mapping[Hurt, Text]] = {
    Hurt.YES: Text("有", "Yes"),
    Hurt.NO: Text("没有", "No"),
    Hurt.UNKNOWN: Text("不清楚", "Not sure"),
}


def in_language(language: str) -> dict[str, str]:
    """All texts in one language, `zh` or `en`."""
    return {name: text.of(language) for name, text in WORDS.items()}
