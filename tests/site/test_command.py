"""The `tocsin` command as a user meets it: help, refusals in words, exit codes, two languages."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tocsin.site import places
from tocsin.site.command import demo, main
from tocsin.site.command.demo import LOGINS, MARK, claim, open_browser, web_url
from tocsin.site.command.options import CommandRefused, listening
from tocsin.site.configuration import Configuration, Web, commented_defaults
from tocsin.site.places import LOCK
from tocsin.site.sockets import why_not

COMMANDS = ["demo", "up", "web", "edge", "work", "clock", "check-config", "admin", "token", "db"]


Ran = subprocess.CompletedProcess[str]


def environment_of(more: dict[str, str]) -> dict[str, str]:
    base = {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")}
    return {**base, "LC_ALL": "C.UTF-8", "COLUMNS": "100", **more}


def tocsin(*arguments: str | Path, **environment: str) -> Ran:
    """The command as a process, as its users run it."""
    return subprocess.run(
        [sys.executable, "-m", "tocsin.site.command", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment_of(environment),
    )


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """The same in this process, which starts no interpreter: for what a table has many rows of.

    What would be a traceback fails the test.
    """

    def run(*arguments: str | Path, **environment: str) -> Ran:
        kept = dict(os.environ)
        words = [*map(str, arguments)]
        wanted = environment_of(environment)
        os.environ.clear()
        os.environ.update(wanted)
        try:
            code = main(words)
        except SystemExit as ended:  # argparse's own refusals and --help
            code = int(ended.code or 0)
        finally:
            os.environ.clear()
            os.environ.update(kept)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run


def test_help_names_every_command_and_the_exit_codes() -> None:
    shown = tocsin("--help")
    assert shown.returncode == 0
    for name in (*COMMANDS, "import", "rebuild"):
        assert f"\n    {name}" in shown.stdout
    assert "Exit codes: 0 done; 1 tried and failed; 2 refused" in shown.stdout
    assert "tocsin demo" in shown.stdout
    assert "\n    city" not in shown.stdout  # the demo's own process


@pytest.mark.parametrize(
    "command",
    [
        *([name] for name in ("demo", "up", "web", "edge", "work", "clock", "check-config")),
        *(["admin", "create"], ["admin", "reset-authenticator"], ["token", "create"]),
        *(["db", "url"], ["db", "migrate"], ["db", "status"], ["import", "sites"], ["rebuild"]),
    ],
    ids=" ".join,
)
def test_every_command_takes_data_and_config_and_explains_itself(
    command: list[str], here: Callable[..., Ran]
) -> None:
    shown = here(*command, "--help")
    assert shown.returncode == 0
    assert "--data DIR" in shown.stdout
    assert "--config FILE" in shown.stdout


def test_it_speaks_chinese_where_the_terminal_does() -> None:
    shown = tocsin("--help", LC_ALL="zh_CN.UTF-8")
    assert "在本机运行全部服务" in shown.stdout
    refused = tocsin("up", "--listen", "x", LC_ALL="zh_CN.UTF-8")
    assert "应写作" in refused.stderr
    assert refused.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["up", "--listen", "web"], 2, "write it as NAME=HOST:PORT"),
        (["up", "--listen", "web=localhost:70000"], 2, "write it as NAME=HOST:PORT"),
        (["up", "--listen", "fax=localhost:1"], 2, "no server named 'fax'"),
        (["up", "--listen", "web=0.0.0.0:8443"], 2, "passwords would cross the network"),
        (["up", "--config", "/nowhere.toml"], 2, "/nowhere.toml: No such file"),
        (["demo", "--speed", "0"], 2, "--speed: 0.1 to 100"),
        (["token", "create", "--role", "king", "--name", "x"], 2, "invalid choice: 'king'"),
        (["db", "url"], 1, "no tocsin runs on"),
        (["rebuild"], 2, "no database in"),
        (["edge"], 2, "TOCSIN_DATABASE_URL is not set"),
        (["import", "sites", "/nowhere.csv"], 2, "/nowhere.csv: No such file"),
        ([], 2, "required"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    arguments: list[str], code: int, says: str, tmp_path: Path, here: Callable[..., Ran]
) -> None:
    ran = here(*arguments, TOCSIN_DATA=str(tmp_path / "data"))
    assert ran.returncode == code
    assert says in ran.stderr
    assert not (tmp_path / "data").exists()


def test_an_external_database_that_is_away_is_a_failure_not_a_traceback(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    ran = tocsin("db", "status", TOCSIN_DATABASE_URL=url, TOCSIN_DATA=str(tmp_path / "data"))
    assert ran.returncode == 1
    assert "the database does not answer" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_check_config_says_what_would_change(tmp_path: Path, here: Callable[..., Ran]) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text("[web]\nport = 9000\n")
    said = here("check-config", file, "--data", tmp_path)
    assert said.returncode == 0
    assert "web.port: 8443 -> 9000" in said.stdout
    file.write_text("[web]\nprot = 9000\n")
    refused = here("check-config", file)
    assert refused.returncode == 2
    assert f'{file}: web.prot: unknown key; did you mean "port"?' in refused.stderr


def test_the_printed_defaults_pass_the_check(tmp_path: Path, here: Callable[..., Ran]) -> None:
    file = tmp_path / "defaults.toml"
    file.write_text(here("check-config", "--print-defaults").stdout)
    assert file.read_text() == commented_defaults()
    assert "same as" in here("check-config", file, "--data", tmp_path).stdout


def test_listen_overrides_one_server_each() -> None:
    chosen = Configuration()
    for text in ("web=localhost:1", "dc09=[::1]:2", "health-work=127.0.0.1:3"):
        chosen = listening(chosen, text)
    assert (chosen.web.host, chosen.web.port) == ("localhost", 1)
    assert (chosen.edge.dc09.host, chosen.edge.dc09.port) == ("::1", 2)
    assert (chosen.health.work, chosen.health.edge) == (3, 0)


# -- the demo's directory -------------------------------------------------------------------------


def test_a_demo_never_touches_a_directory_that_is_not_its_own(tmp_path: Path) -> None:
    precious = tmp_path / "pg" / "PG_VERSION"
    precious.parent.mkdir()
    precious.write_text("18\n")
    ran = tocsin("demo", "--data", tmp_path)
    assert ran.returncode == 2
    assert "was not made by `tocsin demo`" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pg"]
    with pytest.raises(CommandRefused):
        claim(precious, seed=1)


def test_a_demo_directory_is_kept_for_its_seed_and_begun_anew_for_another(tmp_path: Path) -> None:
    data = tmp_path / "new" / "demo"
    claim(data, seed=7).close()
    (data / LOGINS).write_text("{}")
    (data / "pg").mkdir()
    claim(data, seed=7).close()
    assert (data / LOGINS).exists()
    claim(data, seed=8).close()
    assert {path.name for path in data.iterdir()} == {MARK, LOCK}
    assert (data / MARK).read_text() == "seed 8\n"


@pytest.mark.parametrize(
    ("seed", "locale", "words"),
    [("7", "C.UTF-8", f"(process {os.getpid()}) already runs"), ("8", "zh_CN.UTF-8", "正在使用")],
)
def test_a_demo_that_runs_keeps_its_directory_whatever_seed_another_asks_for(
    tmp_path: Path, seed: str, locale: str, words: str
) -> None:
    data = tmp_path / "demo"
    with claim(data, seed=7):
        (data / "pg").mkdir()
        (data / LOGINS).write_text("{}")
        ran = tocsin("demo", "--data", data, "--seed", seed, LC_ALL=locale)
        assert ran.returncode == 2
        assert words in ran.stderr
        assert {path.name for path in data.iterdir()} == {MARK, LOCK, LOGINS, "pg"}
        assert (data / MARK).read_text() == "seed 7\n"
    claim(data, seed=8).close()
    assert {path.name for path in data.iterdir()} == {MARK, LOCK}


def test_a_first_start_that_was_cut_off_before_its_mark_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    claim(tmp_path, seed=7).close()
    assert (tmp_path / MARK).read_text() == "seed 7\n"


def test_what_another_filled_while_the_lock_was_waited_for_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock_directory(data: Path) -> IO[str]:
        (data / "pg").mkdir()
        return places.lock_directory(data)

    monkeypatch.setattr(demo, "lock_directory", lock_directory)
    with pytest.raises(CommandRefused):
        claim(tmp_path, seed=7)
    assert {path.name for path in tmp_path.iterdir()} == {LOCK, "pg"}
    places.lock_directory(tmp_path).close()  # what was refused holds nothing


def test_a_symbolic_link_in_a_demo_directory_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    data = tmp_path / "demo"
    claim(data, seed=1).close()
    (data / "link").symlink_to(outside)
    claim(data, seed=2).close()
    assert (outside / "kept").exists()


def test_the_printed_address_is_one_that_passkeys_accept() -> None:
    assert web_url(Configuration(), 8443) == "http://localhost:8443/"
    assert web_url(Configuration(web=Web(host="127.0.0.1")), 1) == "http://localhost:1/"
    tls = Configuration(web=Web(host="desk.example", tls_cert="x", tls_key="y"))
    assert web_url(tls, 443) == "https://desk.example:443/"


def test_a_browser_is_opened_only_on_a_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    open_browser("http://localhost:1/", lambda url: not opened.append(url))
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    open_browser("http://localhost:1/", lambda url: not opened.append(url))
    assert opened == ["http://localhost:1/"]


def test_an_address_that_cannot_be_had_is_told_apart_from_its_port() -> None:
    taken = OSError(errno.EADDRINUSE, "Address already in use")
    assert why_not("::1", 8443, taken) == "cannot listen on [::1]:8443: Address already in use"
    low = why_not("2001:db8::1", 443, PermissionError(errno.EACCES, "Permission denied"))
    assert low.startswith("cannot listen on [2001:db8::1]:443: ")


@pytest.mark.parametrize("locale", ["C.UTF-8", "zh_CN.UTF-8"])
def test_the_help_names_all_that_may_be_given_an_address(
    locale: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setenv("COLUMNS", "1000")  # no name is divided between two lines
    with pytest.raises(SystemExit):
        main(["up", "--help"])
    said = capsys.readouterr().out
    ways_in = Configuration().edge.__struct_fields__
    health = [f"health-{one}" for one in ("web", "edge", "clock", "work")]
    told = set(re.findall(r"[a-z][a-z0-9_]*(?:-[a-z]+)?", said.split("--listen", 2)[2]))
    for name in ("web", *ways_in, *health):
        listening(Configuration(), f"{name}=127.0.0.1:0")  # there is such a server
        assert name in told, name
    assert "-tls" in said
