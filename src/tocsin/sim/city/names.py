"""Names of the synthetic city in Chinese and English: streets, sites, callers' words.

Every name is invented; English names are the pinyin, as on Chinese street signs.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple


class Name(NamedTuple):
    zh: str
    en: str


def _pairs(text: str) -> tuple[Name, ...]:
    """Characters with their pinyin, written together: 永Yong."""
    return tuple(Name(word[0], word[1:]) for word in text.split())


FIRST: Final = _pairs(
    "永Yong 长Chang 兴Xing 安An 福Fu 瑞Rui 德De 文Wen 明Ming 华Hua 春Chun 桂Gui 梅Mei 松Song 竹Zhu "
    "柳Liu 荷He 凤Feng 玉Yu 金Jin 清Qing 望Wang 石Shi 青Qing 白Bai 翠Cui 景Jing 祥Xiang 仁Ren 思Si"
)
SECOND: Final = _pairs(
    "泰Tai 宁Ning 和He 平Ping 昌Chang 康Kang 乐Le 源Yuan 山Shan 溪Xi 湖Hu 台Tai 桥Qiao 津Jin "
    "江Jiang 阳Yang 林Lin 峰Feng 泉Quan 波Bo 远Yuan 城Cheng 门Men 塘Tang"
)
NUMERALS: Final = "一二三四五六七八九十"

# The streets that every visitor asks for; the rest is drawn.
ARTERIALS: Final = {
    "ring1": Name("环城路", "Huancheng Road"),
    "ring2": Name("中环路", "Zhonghuan Road"),
    "ring3": Name("绕城快速路", "Raocheng Expressway"),
    "cross_ns": Name("鼓楼街", "Gulou Street"),
    "cross_ew": Name("解放路", "Jiefang Road"),
    "bank_north": Name("滨江北路", "Binjiang North Road"),
    "bank_south": Name("滨江南路", "Binjiang South Road"),
    "lake": Name("环湖路", "Huanhu Road"),
    "hill": Name("云山路", "Yunshan Road"),
}
SPOKES: Final = (
    Name("迎宾大道", "Yingbin Avenue"),
    Name("湖东大道", "Hudong Avenue"),
    Name("江北大道", "Jiangbei Avenue"),
    Name("云山大道", "Yunshan Avenue"),
    Name("西津大道", "Xijin Avenue"),
    Name("南浦大道", "Nanpu Avenue"),
    Name("建设大道", "Jianshe Avenue"),
    Name("人民大道", "Renmin Avenue"),
    Name("科技大道", "Keji Avenue"),
    Name("港口大道", "Gangkou Avenue"),
)
AVENUES: Final = (
    Name("星海路", "Xinghai Road"),
    Name("云台路", "Yuntai Road"),
    Name("会展路", "Huizhan Road"),
    Name("创新路", "Chuangxin Road"),
    Name("体育路", "Tiyu Road"),
    Name("学府路", "Xuefu Road"),
)


class StreetNames:
    """Draws street names, none twice in either language; lanes are named after their street."""

    def __init__(self, dice: random.Random) -> None:
        taken = {name.en.split()[0] for name in (*ARTERIALS.values(), *SPOKES, *AVENUES)}
        pool: dict[str, str] = {}
        for first in FIRST:
            for second in SECOND:
                en = first.en + second.en.lower()
                if first.en != second.en and en not in taken:
                    pool.setdefault(en, first.zh + second.zh)
        words = [(zh, en) for en, zh in pool.items()]
        dice.shuffle(words)
        self._names = [Name(zh + "路", en + " Road") for zh, en in words]
        self._names += [Name(zh + "街", en + " Street") for zh, en in words]
        self._names.reverse()
        self._lanes: dict[Name, int] = {}

    def street(self) -> Name:
        return self._names.pop()

    def lane(self, parent: Name) -> Name:
        number = self._lanes.get(parent, 0) + 1
        self._lanes[parent] = number
        return Name(f"{parent.zh}{chinese_number(number)}巷", f"{parent.en} Lane {number}")


def chinese_number(number: int) -> str:
    """1 to 99 as on a street sign."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return NUMERALS[ones - 1]
    head = "" if tens == 1 else NUMERALS[tens - 1]
    return head + "十" + (NUMERALS[ones - 1] if ones else "")


AGENCY: Final = "yunjiang"
CENTRE: Final = "laocheng"  # the district of what nobody can place
DISTRICTS: Final = {
    "laocheng": Name("老城区", "Laocheng District"),
    "jiangbei": Name("江北区", "Jiangbei District"),
    "donghu": Name("东湖区", "Donghu District"),
    "xishan": Name("西山区", "Xishan District"),
    "jiangnan": Name("江南区", "Jiangnan District"),
}


class SiteKind(NamedTuple):
    """A kind of protected site: how it is named, how common it is, and what its panels watch."""

    zh: str
    en: str
    weight: int
    watches: tuple[str, ...]  # of fire, burglary, holdup, panic, medical, gas


SITE_KINDS: Final = {
    "school": SiteKind("小学", "Primary School", 30, ("fire", "panic")),
    "college": SiteKind("中学", "Middle School", 20, ("fire", "panic")),
    "mall": SiteKind("购物中心", "Shopping Centre", 28, ("fire", "burglary")),
    "market": SiteKind("农贸市场", "Market", 16, ("fire", "gas")),
    "factory": SiteKind("机械厂", "Machine Works", 26, ("fire", "gas")),
    "chemical": SiteKind("化工仓库", "Chemical Store", 8, ("fire", "gas")),
    "warehouse": SiteKind("物流仓库", "Logistics Depot", 26, ("fire", "burglary")),
    "bank": SiteKind("银行支行", "Bank Branch", 34, ("burglary", "holdup")),
    "jeweller": SiteKind("金店", "Jeweller", 20, ("burglary", "holdup")),
    "hotel": SiteKind("酒店", "Hotel", 30, ("fire", "panic")),
    "office": SiteKind("大厦", "Tower", 44, ("fire", "burglary")),
    "homes": SiteKind("小区", "Residences", 52, ("fire", "gas", "medical")),
    "care": SiteKind("养老院", "Care Home", 16, ("fire", "medical")),
    "clinic": SiteKind("社区卫生中心", "Community Clinic", 14, ("fire", "panic")),
    "museum": SiteKind("博物馆", "Museum", 6, ("fire", "burglary")),
    "library": SiteKind("图书馆", "Library", 6, ("fire",)),
    "metro": SiteKind("地铁站", "Metro Station", 18, ("fire", "panic")),
    "fuel": SiteKind("加油站", "Filling Station", 16, ("fire", "holdup")),
}

HOSPITALS: Final = (
    Name("云江市第一人民医院", "Yunjiang First People's Hospital"),
    Name("东湖医院", "Donghu Hospital"),
    Name("江北中心医院", "Jiangbei Central Hospital"),
    Name("江南医院", "Jiangnan Hospital"),
    Name("西山区人民医院", "Xishan People's Hospital"),
)
