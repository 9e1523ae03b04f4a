"""What callers say and what installers wrote into panels. Invented people, names of no one."""

from __future__ import annotations

from typing import Final, NamedTuple


class CallKind(NamedTuple):
    """`seen_by_many`: the share of such events that a second person also reports."""

    incident_type: str
    level: int
    weight: int
    seen_by_many: float
    notes: tuple[str, ...]


CALLS: Final = (
    CallKind(
        "medical",
        1,
        34,
        0.02,
        (
            "男，62岁，胸痛伴出汗，意识清楚 / Male 62, chest pain, sweating, conscious",
            "女，71岁，突发言语不清、右侧无力 / Female 71, slurred speech, right-sided weakness",
            "男，45岁，呼吸困难，有哮喘史 / Male 45, short of breath, known asthma",
            "幼儿抽搐约2分钟 / Small child, seizure for about two minutes",
        ),
    ),
    CallKind(
        "medical",
        2,
        26,
        0.02,
        (
            "老人跌倒，髋部疼痛，不能站立 / Elderly fall, hip pain, cannot stand",
            "孕妇阵痛，间隔5分钟 / In labour, contractions five minutes apart",
            "腹痛剧烈伴呕吐 / Severe abdominal pain with vomiting",
        ),
    ),
    CallKind(
        "fire",
        1,
        12,
        0.35,
        (
            "居民楼五层窗口冒黑烟 / Black smoke from a fifth-floor window of a residential block",
            "厨房起火，已撤离，火势扩大 / Kitchen fire, people out, fire growing",
            "电动自行车充电处起火 / Fire at an e-bike charging point",
        ),
    ),
    CallKind(
        "rescue",
        2,
        8,
        0.05,
        (
            "电梯困人，三人，情况稳定 / Three people stuck in a lift, stable",
            "儿童反锁家中，灶上有火 / Child locked in at home, stove on",
            "工地人员被困基坑 / Worker trapped in an excavation",
        ),
    ),
    CallKind(
        "traffic",
        2,
        18,
        0.4,
        (
            "两车相撞，一人受伤，占用两车道 / Two cars collided, one hurt, two lanes blocked",
            "电动车与出租车相撞 / E-bike hit by a taxi",
            "货车侧翻，无人被困 / Lorry on its side, nobody trapped",
        ),
    ),
    CallKind(
        "public_order",
        3,
        20,
        0.1,
        (
            "餐馆内醉酒争吵 / Drunken quarrel in a restaurant",
            "邻里纠纷，声音很大 / Loud dispute between neighbours",
            "车辆堵住消防通道 / Car blocks a fire lane",
        ),
    ),
    CallKind(
        "gas",
        1,
        4,
        0.1,
        (
            "楼道有浓烈燃气味 / Strong smell of gas in the stairwell",
            "施工挖断燃气管 / Gas main hit during digging",
        ),
    ),
    CallKind(
        "technical",
        4,
        6,
        0.0,
        ("井盖缺失，已有路人看守 / Manhole cover missing, a passer-by is standing there",),
    ),
)

CALLER_NAMES: Final = (
    "陈女士",
    "李先生",
    "王女士",
    "赵先生",
    "周女士",
    "孙先生",
    "物业值班室",
    "保安亭",
    "Ms Lin",
    "Mr Carter",
)

ZONES: Final = {
    "fire": ("SMOKE LOBBY", "HEAT KITCHEN", "SMOKE FLOOR 3", "MCP STAIR B", "SMOKE SERVER ROOM"),
    "burglary": ("PIR OFFICE", "DOOR REAR", "GLASS FRONT", "PIR STORE"),
    "holdup": ("COUNTER 2", "TILL"),
    "panic": ("RECEPTION", "DUTY ROOM", "GATE"),
    "medical": ("ROOM 207", "ROOM 114", "PENDANT"),
    "gas": ("BOILER ROOM", "KITCHEN GAS", "METER ROOM"),
}

# SIA code, Contact ID code, qualifier: reports that ask for nobody.
NOISE: Final = (("RP", "602", "1"), ("OP", "401", "1"), ("CL", "401", "3"), ("RX", "601", "1"))

REFUSALS: Final = ("vehicle_defect", "crew_incomplete", "equipment_missing")
OUT_OF_SERVICE: Final = ("decontamination", "refuelling_or_restocking")
