"""Doors: an account enters what lies below a closed directory, and gets no right beyond that."""

from __future__ import annotations

import logging
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.record.keys import Keyring
from tocsin.site import privilege
from tocsin.site.configuration import Configuration, Log
from tocsin.site.doors import Doors, interpreter, through
from tocsin.site.launch import as_ourselves, settle
from tocsin.site.logs import start_logging
from tocsin.site.privilege import Account, Accounts, NoAccount, accounts_for, drop_to

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root to change accounts")


def nobody() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@pytest.fixture
def doors() -> Iterator[Doors]:
    opened = Doors(nobody())
    yield opened
    opened.close()


def cat(doors: Doors, path: Path) -> str | None:
    """What the account reads in `path`, None when it may not."""
    ran = subprocess.run(
        ["cat", str(path)], capture_output=True, text=True, check=False, **doors.options()
    )
    return ran.stdout if ran.returncode == 0 else None


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A readable directory below a closed one, with one file for all and one for root."""
    place = tmp_path / "closed" / "open"
    place.mkdir(parents=True)
    place.chmod(0o755)
    (place / "for_all").write_text("all")
    (place / "for_root").write_text("root")
    (place / "for_root").chmod(0o600)
    place.parent.chmod(0o700)
    return place


@ROOT_ONLY
def test_a_door_leads_past_what_is_closed_above(doors: Doors, closed: Path) -> None:
    assert cat(doors, closed / "for_all") is None
    doors.open(closed)
    assert cat(doors, closed / "for_all") is None, "the path itself stays closed"
    assert cat(doors, doors.through(closed / "for_all")) == "all"


@ROOT_ONLY
def test_a_door_is_no_right_to_what_is_closed_behind_it(doors: Doors, closed: Path) -> None:
    doors.open(closed)
    assert cat(doors, doors.through(closed / "for_root")) is None
    assert cat(doors, doors.through(closed) / ".." / "open" / "for_all") is None
    with pytest.raises(NoAccount, match="may not read"):
        doors.open(closed.parent)


@ROOT_ONLY
def test_what_is_open_needs_no_door(doors: Doors) -> None:
    doors.open(Path("/usr"))
    assert doors.ways == {}
    assert doors.through(Path("/usr/bin")) == Path("/usr/bin")


@ROOT_ONLY
def test_the_way_is_known_to_the_child(
    doors: Doors, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.open(closed)
    for name, value in doors.environment().items():
        monkeypatch.setenv(name, value)
    assert through(closed / "for_all") == doors.through(closed / "for_all") != closed / "for_all"
    assert through(Path("/elsewhere")) == Path("/elsewhere")


@ROOT_ONLY
def test_this_installation_runs_under_an_account_that_owns_nothing(doors: Doors) -> None:
    python, environment = interpreter(doors)
    asked = (
        "import os, tocsin.site.command, django, psycopg, numpy, uvloop;"
        " s = open('/proc/self/status').read();"
        " print(os.getresuid(), os.getgroups(), 'NoNewPrivs:\\t1' in s,"
        " 'CapEff:\\t' + '0' * 16 in s)"
    )
    ran = subprocess.run(
        [python, "-c", asked],
        env={**environment, **doors.environment()},
        preexec_fn=privilege.dies_with_us(privilege.signal.SIGTERM),
        capture_output=True,
        text=True,
        check=False,
        **doors.options(),
    )
    uid = nobody().uid
    assert ran.stdout.strip() == f"({uid}, {uid}, {uid}) [] True True", ran.stderr


def test_an_ordinary_user_starts_its_own_interpreter() -> None:
    launch = as_ourselves({"A": "1"})
    assert launch.command("edge") == [sys.executable, "-m", "tocsin.site.command", "edge"]
    assert (launch.environment["A"], launch.options) == ("1", {})


def test_no_module_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('planted')")
    command = as_ourselves(os.environ).command("--help")
    for launch, planted in ((as_ourselves(os.environ).environment, False), (os.environ, True)):
        ran = subprocess.run(
            command, cwd=tmp_path, env=launch, capture_output=True, text=True, check=False
        )
        assert ("planted" in ran.stderr) is planted


@ROOT_ONLY
def test_an_account_that_cannot_be_made_is_refused_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(privilege, "PRODUCT", "tocsin-not-there")
    monkeypatch.setattr(privilege.shutil, "which", lambda *_, **__: None)
    with pytest.raises(NoAccount, match=r"no useradd.*useradd --system.*tocsin-not-there"):
        accounts_for(tmp_path / "pg")


@ROOT_ONLY
def test_root_gives_each_its_own_account_and_leaves_an_ordinary_users_data_to_them(
    tmp_path: Path,
) -> None:
    two = accounts_for(tmp_path / "pg")
    assert two.are_two
    assert 0 not in (two.server.uid, two.product.uid)
    assert [pwd.getpwuid(one.uid).pw_shell for one in (two.server, two.product)] == [
        "/usr/sbin/nologin"
    ] * 2
    (tmp_path / "pg").mkdir()
    daemon = pwd.getpwnam("daemon")
    os.chown(tmp_path / "pg", daemon.pw_uid, daemon.pw_gid)
    assert accounts_for(tmp_path / "pg").product.name == "daemon"
    assert not accounts_for(tmp_path / "pg").are_two


@ROOT_ONLY
def test_a_key_that_root_makes_belongs_to_whom_the_keys_belong(tmp_path: Path) -> None:
    from uuid import uuid4

    from tocsin.apps.secrets import web_secret

    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    os.chown(keys, *nobody().owner)
    keyring = Keyring(keys)
    keyring.device()
    keyring.incident(uuid4(), create=True)
    web_secret(keys)
    made = [*keys.rglob("*")]
    assert len(made) == 5
    assert {path.stat().st_uid for path in made} == {nobody().uid}
    ours = Keyring(tmp_path / "ours")
    ours.device()
    assert (tmp_path / "ours" / "device.key").stat().st_uid == 0


@ROOT_ONLY
def test_a_log_follows_no_link_that_an_account_has_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(nobody(), accounts_for(tmp_path / "pg").product)
    log = Log(directory=str(tmp_path / "data" / "log"))
    settle(tmp_path / "data", accounts, Configuration(log=log), shared=False)
    place = tmp_path / "data" / "log"
    assert place.stat().st_mode & 0o7777 == 0o1770
    assert place.stat().st_gid == accounts.product.gid
    root = logging.getLogger()
    before = root.handlers
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    try:
        start_logging("supervisor", log)
        root.handlers[0].close()
        (place / "supervisor.jsonl").unlink()
        victim = tmp_path / "victim"
        victim.write_text("")
        (place / "supervisor.jsonl").symlink_to(victim)
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            start_logging("supervisor", log)
    finally:
        root.handlers = before


@ROOT_ONLY
def test_a_log_directory_of_somebody_else_is_not_taken_over(tmp_path: Path) -> None:
    accounts = accounts_for(tmp_path / "pg")
    place = tmp_path / "everybodys"
    place.mkdir(mode=0o755)
    chosen = Configuration(log=Log(directory=str(place)))
    with pytest.raises(NoAccount, match="may not write logs"):
        settle(tmp_path / "data", accounts, chosen, shared=False)
    assert (place.stat().st_uid, place.stat().st_mode & 0o7777) == (0, 0o755)
    os.chown(place, 0, accounts.product.gid)
    place.chmod(0o1770)
    settle(tmp_path / "data", accounts, chosen, shared=False)


@ROOT_ONLY
def test_a_directory_that_all_may_enter_is_not_closed_to_them(tmp_path: Path) -> None:
    accounts = accounts_for(tmp_path / "pg")
    tmp_path.chmod(0o755)
    settle(tmp_path, accounts, Configuration(), shared=False)
    assert tmp_path.stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "keys").stat().st_uid == accounts.product.uid


@ROOT_ONLY
def test_a_demo_that_root_ran_alone_is_handed_over(tmp_path: Path) -> None:
    accounts = accounts_for(tmp_path / "pg")
    data = tmp_path / "data"
    (data / "city").mkdir(parents=True)
    (data / "city" / "city.json").write_text("{}")
    (data / "demo-logins.json").write_text("{}")
    (data / ".tocsin-demo").write_text("seed 7\n")
    settle(data, accounts, Configuration(), shared=True)
    for name in ("city", "city/city.json", "demo-logins.json"):
        assert (data / name).stat().st_uid == accounts.product.uid
    assert (data / ".tocsin-demo").stat().st_uid == 0
    made = subprocess.run(
        ["sh", "-c", "echo x > new && ! mv run run2 && ! rm -f .tocsin-demo"],
        capture_output=True,
        check=False,
        cwd=data,
        **drop_to(accounts.product),
    )
    assert (made.returncode, (data / "new").read_text()) == (0, "x\n")
    assert (data / "run").is_dir()
    assert (data / ".tocsin-demo").is_file()
