"""`tocsin up` started by root: every process under an unprivileged account, PostgreSQL and our own
apart from each other. The controls show that each attempt that fails can succeed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest
from as_nobody import as_nobody
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from test_up import Up, wait_ready

from tocsin.site.doors import Doors, interpreter
from tocsin.site.launch import LENT, take_back
from tocsin.site.places import running_urls
from tocsin.site.privilege import Account, Accounts, accounts_for, drop_to, own_account
from tocsin.site.sockets import listen

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root to change accounts")
OURS = {"edge", "web", "work", "clock"}

CONNECT = """
import sys, psycopg
try:
    with psycopg.connect(sys.argv[1], connect_timeout=5) as connection:
        print(connection.execute("SELECT current_user").fetchone()[0])
except psycopg.OperationalError as error:
    print("refused" if "Peer authentication failed" in str(error) else error)
"""


def certificate(folder: Path) -> None:
    """A self-signed one for localhost, key and all readable for root alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = (
        made.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(mode=0o700)
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    for path in folder.iterdir():
        path.chmod(0o600)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("accounts")
    certificate(place / "tls")
    (place / "tocsin.toml").write_text(
        f'[web]\ntls_cert = "{place}/tls/cert.pem"\ntls_key = "{place}/tls/key.pem"\n'
        f'[log]\ndirectory = "{place}/data/log"\n'
    )
    (place / "data").mkdir(mode=0o700)
    (place / "data" / LENT).mkdir(parents=True)  # as one leaves it that was killed
    (place / "data" / LENT / ".tls_key.12345678").write_text("half a key")
    return place / "data"


@pytest.fixture(scope="module")
def up(data: Path) -> Iterator[Up]:
    options = ("--port", "0", "--listen", "dc09=127.0.0.1:0")
    running = Up(data, data.parent / "said", *options, "--config", str(data.parent / "tocsin.toml"))
    try:
        yield running
        assert running.end() == 0
    finally:
        running.kill()


@pytest.fixture(scope="module")
def addresses(up: Up) -> dict[str, tuple[str, int]]:
    found = up.listening()
    wait_ready(found)
    return found


@pytest.fixture
def accounts(data: Path, addresses: dict[str, tuple[str, int]]) -> Accounts:
    assert addresses
    return accounts_for(data / "pg")


LISTEN = """
from tocsin.site.sockets import PortTaken, listen
try:
    print(listen("127.0.0.1", 1011))
except PortTaken as error:
    print(error)
"""


def role_of(account: Account, url: str) -> str:
    """The role that a process of `account` gets by `url`, or `refused`."""
    return run_as(account, CONNECT, url)


def run_as(account: Account, code: str, *words: str) -> str:
    """What a Python of this installation says as `account`."""
    doors = Doors(account)
    python, environment = interpreter(doors)
    try:
        return subprocess.run(
            [python, "-c", code, *words],
            env={**environment, **doors.environment()},
            capture_output=True,
            text=True,
            check=True,
            **doors.options(),
        ).stdout.strip()
    finally:
        doors.close()


def reads(account: Account, path: Path) -> bool:
    """Whether a process of `account` reads the file or directory, in whose parent it stands."""
    ran = subprocess.run(
        ["sh", "-c", 'ls "$0" && { [ -d "$0" ] || cat "$0"; }', path.name],
        cwd=path.parent,
        capture_output=True,
        check=False,
        **drop_to(account),
    )
    return ran.returncode == 0


@ROOT_ONLY
def test_no_child_of_the_supervisor_is_root(up: Up, accounts: Accounts) -> None:
    supervisor = psutil.Process(up.process.pid)
    named: dict[str, psutil.Process] = {}
    servers = []
    for child in supervisor.children(recursive=True):
        try:
            name = next((one for one in child.cmdline() if one in OURS), None)
        except psutil.NoSuchProcess:  # the database's workers come and go
            continue
        if name is None:
            servers.append(child)
        else:
            named[name] = child
    assert supervisor.uids().real == 0
    assert named.keys() == OURS
    assert len(servers) > 5
    for processes, account in ((named.values(), accounts.product), (servers, accounts.server)):
        for process in processes:
            try:
                uids, gids = process.uids(), process.gids()
                status = Path(f"/proc/{process.pid}/status").read_text()
            except (psutil.NoSuchProcess, FileNotFoundError):
                continue
            assert set(uids) == {account.uid}
            assert set(gids) == {account.gid}
            assert f"CapEff:\t{'0' * 16}\n" in status
            assert "NoNewPrivs:\t1\n" in status


@ROOT_ONLY
def test_our_processes_get_the_applications_role_and_no_other(
    data: Path, accounts: Accounts
) -> None:
    urls = running_urls(data)
    assert urls is not None
    assert role_of(accounts.product, urls["application"]) == "tocsin_app"
    assert role_of(accounts.product, urls["owner"]) == "refused"
    assert role_of(accounts.product, urls["administrator"]) == "refused"
    for account in (accounts.server, own_account()):  # the control: others may, by the same URLs
        assert role_of(account, urls["owner"]) == "tocsin_owner"
        assert role_of(account, urls["administrator"]) == "postgres"


@ROOT_ONLY
def test_an_account_without_part_in_it_does_not_reach_the_socket(
    data: Path, accounts: Accounts
) -> None:
    urls = running_urls(data)
    assert urls is not None
    entry = pwd.getpwnam("nobody")
    stranger = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    assert "Permission denied" in role_of(stranger, urls["application"])


@ROOT_ONLY
def test_neither_account_reads_what_is_the_others(data: Path, accounts: Accounts) -> None:
    server, product = accounts.server, accounts.product
    secret, cluster = data / "keys" / "web_secret", data / "pg" / "PG_VERSION"
    for account, may, may_not in ((product, secret, cluster), (server, cluster, secret)):
        assert reads(account, may)
        assert not reads(account, may_not)
        assert not reads(account, may_not.parent)
    assert not reads(server, data)
    assert not reads(server, data / "log")
    assert not reads(server, data / LENT)


@ROOT_ONLY
def test_a_certificate_that_only_root_reads_serves(
    data: Path, accounts: Accounts, addresses: dict[str, tuple[str, int]]
) -> None:
    assert not reads(accounts.product, data.parent / "tls" / "key.pem")
    url = f"https://localhost:{addresses['web'][1]}/health"
    assert httpx.get(url, verify=False).status_code == 200


@ROOT_ONLY
def test_the_copies_of_its_files_are_the_accounts_alone(data: Path, accounts: Accounts) -> None:
    folder = (data / LENT).stat()
    assert (folder.st_uid, folder.st_gid) == (0, accounts.product.gid)
    assert folder.st_mode & 0o777 == 0o710
    found = {path.name: path.stat() for path in (data / LENT).iterdir()}
    assert found.keys() == {"web.tls_cert", "web.tls_key"}  # and nothing that an earlier run left
    for one in found.values():
        assert (one.st_uid, one.st_mode & 0o777) == (accounts.product.uid, 0o600)


@ROOT_ONLY
def test_each_writes_a_log_of_its_own(data: Path, accounts: Accounts) -> None:
    owners = {path.stem: path.stat().st_uid for path in (data / "log").iterdir()}
    assert owners == {"supervisor": 0, **dict.fromkeys(OURS, accounts.product.uid)}


@ROOT_ONLY
def test_a_port_below_1024_is_refused_with_what_to_do(tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if limit < 1024:
        pytest.skip("not run: this machine lets everybody listen below port 1024")
    for opened in listen("127.0.0.1", 1011):  # the control: root may
        opened.close()
    said = run_as(accounts_for(tmp_path / "pg").product, LISTEN)
    assert "sysctl net.ipv4.ip_unprivileged_port_start" in said


@ROOT_ONLY
def test_what_was_lent_is_gone_after_a_clean_stop(up: Up, data: Path, accounts: Accounts) -> None:
    assert reads(accounts.product, data / LENT / "web.tls_key")
    assert up.end() == 0
    assert not (data / LENT).exists()


@ROOT_ONLY
def test_nothing_is_removed_by_way_of_a_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept" / LENT.name
    kept.mkdir(parents=True)
    for name in ("by run", "by tls"):
        (tmp_path / name).mkdir()
    (tmp_path / "by run" / "run").symlink_to(kept.parent)
    (tmp_path / "by tls" / "run").mkdir()
    (tmp_path / "by tls" / LENT).symlink_to(kept)
    take_back(tmp_path / "by run")
    with contextlib.suppress(OSError):
        take_back(tmp_path / "by tls")
    assert kept.is_dir()


def test_an_ordinary_user_runs_everything_itself() -> None:
    place = Path("/tmp") / f"tocsin-ordinary-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(place, "nobody")
    command = as_nobody([sys.executable])
    process = subprocess.Popen(
        [
            *(*command, "-m", "tocsin.site.command", "up", "--data", str(place / "data")),
            *("--port", "0", "--listen", "dc09=127.0.0.1:0"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            while not next(lines).startswith("listening web"):
                pass
            family = [psutil.Process(process.pid)]
            family += family[0].children(recursive=True)
            assert {one.uids().real for one in family} == {place.stat().st_uid}
            assert len(family) > 1 + len(OURS)
            assert (place / "data" / "keys").stat().st_mode & 0o777 == 0o700
            process.send_signal(signal.SIGHUP)  # its terminal is closed
            assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(place)
