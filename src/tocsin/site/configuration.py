"""The one configuration file (TOML): every key with its default, bounds and meaning, a reader that
names every mistake with its path, and the commented file of all defaults."""

from __future__ import annotations

import difflib
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import Meta, Struct, field

from tocsin.core.obligations import Obligations
from tocsin.record.retention import HEARD_DAYS, HEARD_DAYS_MAX, HEARD_DAYS_MIN
from tocsin.site.addresses import is_loopback
from tocsin.site.described import File, files, means, metas, port
from tocsin.site.doors import through
from tocsin.site.intakes import Edge
from tocsin.site.language import say
from tocsin.site.probe_settings import Probe
from tocsin.site.public import Public
from tocsin.site.warnings import Warnings


class Web(Struct, forbid_unknown_fields=True, frozen=True):
    host: Annotated[
        str,
        means(
            "Address of the web server. Beyond loopback it needs tls_cert or proxy.",
            "网页服务的监听地址。监听非本机地址时，必须设置 tls_cert 或 proxy。",
            min_length=1,
        ),
    ] = "localhost"
    port: Annotated[int, port("Port of the web server.", "网页服务的端口。")] = 8443
    tls_cert: Annotated[
        File, means("File with the TLS certificate chain (PEM).", "TLS 证书链文件（PEM）。")
    ] = ""
    tls_key: Annotated[File, means("File with its private key (PEM).", "证书私钥文件（PEM）。")] = (
        ""
    )
    proxy: Annotated[
        str,
        means(
            "Address of the reverse proxy that ends TLS in front of us; its X-Forwarded-* are"
            " believed.",
            "在前端终止 TLS 的反向代理地址；信任它的 X-Forwarded-* 请求头。",
        ),
    ] = ""
    names: Annotated[
        tuple[str, ...],
        means(
            "Host names under which browsers reach us, besides host and localhost.",
            "除 host 和 localhost 外，浏览器访问时使用的主机名。",
        ),
    ] = ()


class Database(Struct, forbid_unknown_fields=True, frozen=True):
    shared_buffers_mb: Annotated[
        int,
        means(
            "Page cache of the embedded server, MiB. The settings of this section do not touch an"
            " external server (TOCSIN_DATABASE_URL).",
            "内置数据库的页面缓存，MiB。本节不影响外部数据库（TOCSIN_DATABASE_URL）。",
            ge=16,
            le=65_536,
        ),
    ] = 128
    max_connections: Annotated[
        int,
        means("Connections that it accepts.", "可接受的连接数。", ge=30, le=1_000),
    ] = 100
    max_wal_size_mb: Annotated[
        int,
        means(
            "Write-ahead log between two checkpoints, MiB; more is faster, recovery longer.",
            "两次检查点之间的预写日志量，MiB；越大越快，但崩溃恢复越久。",
            ge=64,
            le=65_536,
        ),
    ] = 2_048


class Health(Struct, forbid_unknown_fields=True, frozen=True):
    host: Annotated[
        str,
        means(
            "Loopback address of /health, /ready and /metrics.",
            "/health、/ready、/metrics 的本机监听地址。",
            min_length=1,
        ),
    ] = "127.0.0.1"
    web: Annotated[int, port("Port of the web process.", "web 进程的端口。")] = 0
    edge: Annotated[int, port("Port of the edge process.", "edge 进程的端口。")] = 0
    clock: Annotated[int, port("Port of the clock process.", "clock 进程的端口。")] = 0
    work: Annotated[int, port("Port of the work process.", "work 进程的端口。")] = 0


class Log(Struct, forbid_unknown_fields=True, frozen=True):
    level: Annotated[
        str,
        means(
            "Least grave entry that is written: debug, info, warning or error.",
            "写入日志的最低级别：debug、info、warning 或 error。",
            pattern="^(debug|info|warning|error)$",
        ),
    ] = "info"
    directory: Annotated[
        str,
        means(
            "Directory for one JSON log per process, 5 x 10 MB each; empty: standard error.",
            "日志目录，每个进程一个 JSON 日志，各保留 5 个 10 MB 文件；为空则写到标准错误。",
        ),
    ] = ""


class Retention(Struct, forbid_unknown_fields=True, frozen=True):
    heard_days: Annotated[
        int,
        means(
            "Days for which what was heard is kept, byte by byte. Then each day goes, unless a"
            " signal of it waits, was set aside, or belongs to an incident that is not over."
            " The record of what was decided stays.",
            "收到的原始报文的保存天数。到期后按天删除；若当天仍有未研判、已搁置的信号，"
            "或其警情尚未结束，则继续保存。研判与处置记录不删除。",
            ge=HEARD_DAYS_MIN,
            le=HEARD_DAYS_MAX,
        ),
    ] = HEARD_DAYS


_Seconds = Annotated[int, Meta(ge=0, le=7 * 86_400)]
_ByLevel = tuple[_Seconds, _Seconds, _Seconds, _Seconds]
_CORE: Final = Obligations()


class ObligationTimes(Struct, forbid_unknown_fields=True, frozen=True):
    take_s: Annotated[
        _ByLevel,
        means(
            "Opened until somebody takes it, seconds for P1 to P4. 0 in this section: no deadline.",
            "警情生成到有人受理的秒数，依次为 P1 至 P4。本节中 0 表示不设时限。",
        ),
    ] = _CORE.take_s
    take_watch_s: Annotated[
        _Seconds, means("The same in the watch band.", "观察区警情的受理时限。")
    ] = _CORE.take_watch_s
    assign_s: Annotated[
        _ByLevel,
        means("Taken until a unit is on it, P1 to P4.", "受理到派出力量的时限，P1 至 P4。"),
    ] = _CORE.assign_s
    close_s: Annotated[
        _Seconds,
        means("Last unit gone until it is closed.", "最后一支力量离开到结案的时限。"),
    ] = _CORE.close_s
    receipt_s: Annotated[
        _Seconds,
        means("Order given until a channel reports receipt.", "命令下达到通道回执的时限。"),
    ] = _CORE.receipt_s
    answer_s: Annotated[
        _Seconds,
        means("Order received until accepted or refused.", "收到命令到接受或拒绝的时限。"),
    ] = _CORE.answer_s
    turnout_s: Annotated[
        _Seconds, means("Order accepted until under way.", "接受命令到出动的时限。")
    ] = _CORE.turnout_s
    arrival_s: Annotated[
        _ByLevel, means("Under way until at scene, P1 to P4.", "出动到到场的时限，P1 至 P4。")
    ] = _CORE.arrival_s
    transport_s: Annotated[
        _Seconds, means("Transporting until anything else.", "转运状态的时限。")
    ] = _CORE.transport_s
    return_s: Annotated[
        _Seconds, means("Returning until in station or ordered again.", "返回途中的时限。")
    ] = _CORE.return_s


class Configuration(Struct, forbid_unknown_fields=True, frozen=True):
    name_zh: Annotated[
        str,
        means("Name of the service in Chinese, on its screens.", "单位中文名称，显示在界面上。"),
    ] = "Tocsin 应急指挥"
    name_en: Annotated[
        str, means("Name of the service in English, on its screens.", "单位英文名称。")
    ] = "Tocsin emergency response"
    district: Annotated[
        str,
        means(
            "District of what is heard from an unknown source, and of public reports.",
            "来源未知的报警信号和网上报警所归的辖区代码。",
            min_length=1,
        ),
    ] = "main"
    agency: Annotated[
        str,
        means(
            "Agency of what is heard from an unknown source, and of public reports.",
            "来源未知的报警信号和网上报警所归的机构代码。",
            min_length=1,
        ),
    ] = "main"
    web: Web = field(default_factory=Web)
    edge: Edge = field(default_factory=Edge)
    public: Public = field(default_factory=Public)
    probe: Probe = field(default_factory=Probe)
    database: Database = field(default_factory=Database)
    health: Health = field(default_factory=Health)
    log: Log = field(default_factory=Log)
    retention: Retention = field(default_factory=Retention)
    warnings: Warnings = field(default_factory=Warnings)
    obligations: ObligationTimes = field(default_factory=ObligationTimes)


class ConfigurationRefused(Exception):
    """The configuration cannot be used; `problems` has one line per mistake, with its path."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path | None) -> Configuration:
    """Read and check the file; None gives the defaults. Raises `ConfigurationRefused`."""
    if path is None:
        return Configuration()
    try:
        text = through(path).read_text(encoding="utf-8")
        table = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigurationRefused([f"{path}: {error.strerror}"]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise ConfigurationRefused([f"{path}: {error}"]) from None
    problems = list(_problems(Configuration, table, ""))
    if not problems:
        configuration = msgspec.convert(table, Configuration)
        problems = list(_contradictions(configuration))
        if not problems:
            return configuration
    raise ConfigurationRefused([f"{path}: {problem}" for problem in problems])


def checked(configuration: Configuration) -> Configuration:
    """The same, after overrides: raises `ConfigurationRefused` where keys contradict each other."""
    problems = list(_contradictions(configuration))
    if problems:
        raise ConfigurationRefused(problems)
    return configuration


def _is_missing(file: Path) -> bool:
    try:
        return not stat.S_ISREG(file.stat().st_mode)
    except PermissionError:
        return False  # for whoever reads it: that it may not is said there
    except OSError:
        return True


def _problems(shape: type[Struct], table: Mapping[str, Any], path: str) -> Iterator[str]:
    kinds = get_type_hints(shape, include_extras=True)
    for key, value in table.items():
        at = f"{path}{key}"
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, 1)
            hint = say(f'; did you mean "{near[0]}"?', f"；是否想写“{near[0]}”？") if near else ""
            yield say(f"{at}: unknown key{hint}", f"{at}：未知的配置项{hint}")
        elif isinstance(kinds[key], type) and issubclass(kinds[key], Struct):
            if isinstance(value, dict):
                yield from _problems(kinds[key], value, f"{at}.")
            else:
                yield say(f"{at}: must be a section", f"{at}：必须是一个配置节")
        else:
            try:
                msgspec.convert(value, kinds[key])
            except msgspec.ValidationError as error:
                yield f"{at}: {error}"


def _contradictions(configuration: Configuration) -> Iterator[str]:
    web = configuration.web
    if bool(web.tls_cert) != bool(web.tls_key):
        yield say(
            "web.tls_cert and web.tls_key: give both or neither",
            "web.tls_cert 与 web.tls_key：必须同时设置或同时不设",
        )
    for key, file in files(configuration):
        if _is_missing(through(Path(file))):
            yield say(f"{key}: no such file: {file}", f"{key}：文件不存在：{file}")
    for name in configuration.edge.__struct_fields__:
        yield from getattr(configuration.edge, name).contradictions(f"edge.{name}")
    yield from configuration.public.contradictions("public")
    yield from configuration.warnings.contradictions("warnings")
    yield from configuration.probe.contradictions("probe")
    if not is_loopback(web.host) and not (web.tls_cert or web.proxy):
        yield say(
            f"web.host: {web.host} is reachable from other machines, so passwords would cross the"
            " network in clear; set web.tls_cert and web.tls_key, or web.proxy",
            f"web.host：{web.host} 可被其他机器访问，口令会在网络上明文传输；"
            "请设置 web.tls_cert 和 web.tls_key，或设置 web.proxy",
        )
    if not is_loopback(configuration.health.host):
        yield say(
            "health.host: must be a loopback address; metrics are not for the network",
            "health.host：必须是本机地址，指标不应暴露到网络",
        )


def commented_defaults() -> str:
    """A complete configuration file: every key at its default, after its meaning."""
    opening = say(
        "# Configuration of Tocsin. Every key is optional; these are the defaults.\n"
        "# Secrets do not belong here: they come from files or the environment.\n",
        "# Tocsin 配置。所有配置项均可省略，以下为默认值。\n"
        "# 密钥和口令不写在这里，只来自文件或环境变量。\n",
    )
    return opening + "\n".join(_described(Configuration(), "")) + "\n"


def _described(section: Struct, path: str) -> Iterator[str]:
    hints = get_type_hints(type(section), include_extras=True)
    later: list[tuple[str, Struct]] = []
    for name, kind in hints.items():
        value = getattr(section, name)
        if isinstance(value, Struct):
            later.append((f"{path}{name}", value))
            continue
        meta = next(one for one in metas(kind) if one.description)
        yield ""
        yield f"# {say(str(meta.description), (meta.extra or {})['zh'])}"
        yield f"{name} = {_toml(value)}"
    for at, value in later:
        if any(not isinstance(getattr(value, name), Struct) for name in value.__struct_fields__):
            yield f"\n[{at}]"
        yield from _described(value, f"{at}.")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()  # a JSON string is a TOML basic string
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, Struct):  # one of a list of tables: what differs from its defaults
        fields = msgspec.structs.fields(value)
        told = {one.name: getattr(value, one.name) for one in fields}
        value = {one.name: told[one.name] for one in fields if told[one.name] != one.default}
        value = {key: item for key, item in value.items() if item not in ({}, ())}
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())}}}"
    return str(value)


def changes(old: Configuration, new: Configuration) -> list[str]:
    """One line per key that differs: `web.port: 8443 -> 9000`."""
    before, after = dict(_flat(old, "")), dict(_flat(new, ""))
    return [
        f"{key}: {_toml(before[key])} -> {_toml(after[key])}"
        for key in after
        if before[key] != after[key]
    ]


def _flat(section: Struct, path: str) -> Iterator[tuple[str, object]]:
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Struct):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
