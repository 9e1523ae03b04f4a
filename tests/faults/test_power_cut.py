"""Power cut: every process is frozen, the disk is copied below the page cache, and Tocsin starts
on the copy. With synchronous_commit=off the same test must lose something, or it is blind."""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from disks import copy_below_the_page_cache, mounted, need_loop_devices, new_disk
from panels import Panel, Panels
from prepared import Prepared
from record_of import Found, compare, unsorted
from site_under_test import SiteUnderTest, until

from tocsin.record.arrivals import Sorter
from tocsin.record.database import connect
from tocsin.record.keys import Keyring
from tocsin.site.postgres import Postgres
from tocsin.site.tasks import READERS

CUTS = 3
CUTS_LONG = 100


def freeze(site: SiteUnderTest) -> None:
    """Stop every process where it stands; the intake first, so that nothing is acknowledged by
    one that is still running."""
    processes = site.processes()
    processes["edge"].suspend()
    for process in site.everything():
        try:
            process.suspend()
        except psutil.NoSuchProcess:
            continue


def cut_power(
    prepared: Prepared, place: Path, cuts: int, *, seed: int, is_durable: bool = True
) -> tuple[int, Found]:
    """`cuts` cuts under load, each on the disk that the one before left behind: how many alarms
    were acknowledged in all, and what the record says of them after the last."""
    dice = random.Random(seed)
    everyone = [Panel(account) for account in prepared.accounts]
    image = new_disk(place / "disk0.img")
    with mounted(image, place / "at0") as at:
        prepared.copy_to(at / "data")
    for number in range(cuts):
        after = place / f"disk{number + 1}.img"
        with mounted(image, place / f"at{number}") as at, SiteUnderTest(at / "data") as site:
            if not is_durable:
                forget_durability(site)
            panels = Panels(everyone, site.addresses["dc09"], pause_s=0.05, seed=seed)
            panels.start()
            enough = panels.acknowledged() + 200
            until(lambda: panels.acknowledged() > enough, seconds=30, what="acknowledgements")  # noqa: B023
            time.sleep(dice.uniform(0.3, 1.0))
            freeze(site)
            panels.stop(at_once=True)
            copy_below_the_page_cache(image, after)
            site.kill()
        image.unlink()
        image = after
    acknowledged = panels.acknowledged_set()
    with mounted(image, place / "last") as at:
        found = read_record(at / "data", acknowledged, whole=is_durable)
    image.unlink()
    return len(acknowledged), found


def read_record(data: Path, acknowledged: set[tuple[str, int]], *, whole: bool) -> Found:
    """What is left of the record in `data`: with the `whole` site run on it, or its database."""
    if whole:
        with SiteUnderTest(data) as site:
            until(lambda: unsorted(site) == 0, seconds=30, what="everything sorted in")
            found = compare(site, acknowledged)
            assert site.stop() == 0
        return found
    with Postgres(data) as postgres:
        with connect(postgres.urls().application) as connection:
            Sorter(Keyring(data / "keys"), READERS).sort(connection)
        site = SiteUnderTest(data)
        try:
            return compare(site, acknowledged)
        finally:
            site.kill()


def forget_durability(site: SiteUnderTest) -> None:
    """What a careless administrator would do: the negative control."""
    with psycopg.connect(site.administrator_url(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_commit = off")
        connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        connection.execute("SELECT pg_reload_conf()")


def run_cuts(prepared: Prepared, tmp_path: Path, cuts: int) -> None:
    need_loop_devices(tmp_path)
    count, found = cut_power(prepared, tmp_path, cuts, seed=1)
    print(f"{cuts} power cuts: {count} acknowledged, {len(found.lost)} lost")
    assert found.lost == set()
    assert found.twice == set()


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_power_cut_loses_nothing_that_was_acknowledged(
    prepared: Prepared, tmp_path: Path
) -> None:
    run_cuts(prepared, tmp_path, CUTS)


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(5_400)
def test_a_hundred_power_cuts_lose_nothing_that_was_acknowledged(
    prepared: Prepared, tmp_path: Path
) -> None:
    run_cuts(prepared, tmp_path, CUTS_LONG)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_without_durable_commits_the_same_cut_loses_something(
    prepared: Prepared, tmp_path: Path
) -> None:
    """One cut may fall right behind a flush of the server's own; of three, one does not."""
    need_loop_devices(tmp_path)
    lost = 0
    for seed in (9, 10, 11):
        place = tmp_path / str(seed)
        place.mkdir()
        count, found = cut_power(prepared, place, 1, seed=seed, is_durable=False)
        print(f"negative control: {len(found.lost)} of {count} acknowledged were lost")
        lost += len(found.lost)
        if lost:
            break
    assert lost
