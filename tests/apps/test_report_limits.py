"""Abuse of the report page: nobody is turned away silently, a flood becomes one card, and neither
uses up what others may send or ask."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType

import pytest

from apps.reporting import Person, calm, code_in, incidents, newest
from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.record.reports import CARDS_MAX
from web_site import Site

FLOOD, OTHER = "127.0.7.1", "127.0.7.2"
WINDOW = timedelta(minutes=10)


@pytest.fixture
def limits(site: Site) -> ModuleType:
    """Only once Django has been started."""
    from tocsin.apps.citizen import limits

    return limits


@pytest.fixture(autouse=True)
def nothing_counted(site: Site) -> Iterator[None]:
    calm(site)
    yield
    calm(site)


def cards(site: Site) -> list[tuple[str, int]]:
    """Open collecting cards: why, and with how many reports."""
    with connect(site.urls.application) as connection:
        rows = connection.execute(
            "SELECT id, source_key FROM view.incident WHERE open"
            " AND starts_with(source_key, 'report/') ORDER BY opened_at, id"
        ).fetchall()
    counts = {one["id"]: one["report_count"] for one in incidents(site)}
    return [(key, counts[str(incident)]) for incident, key in rows]


def counter(site: Site, name: str) -> int:
    with connect(site.urls.application) as connection:
        row = connection.execute(
            "SELECT value FROM ref.intake_counter WHERE name = %s", (f"report.{name}",)
        ).fetchone()
    return 0 if row is None else int(row[0])


def test_one_networks_flood_is_one_card_and_every_report_is_kept(
    site: Site, limits: ModuleType
) -> None:
    person, most = Person(site, FLOOD), limits.OWN_PER_NETWORK[0]
    before, collected = len(incidents(site)), counter(site, "collected")
    for number in range(most):
        answer = person.send(where=f"own {number}")
        assert "put together with others" not in person.client.get(answer.headers["location"]).text
    assert len(incidents(site)) == before + most
    assert cards(site) == []
    codes = []
    for number in range(3):
        answer = person.send(where=f"flood {number}", kind="other", hurt="no")
        codes.append(code_in(answer))
        page = person.client.get(answer.headers["location"]).text
        assert "put together with others" in page
        assert "call one of the numbers above" in page
    assert len(incidents(site)) == before + most + 1
    [(key, count)] = cards(site)
    assert (key.split("/")[1], count) == ("network", 3)
    assert counter(site, "collected") == collected + 3
    row = newest(site)
    assert (row["band"], row["type"], row["title_en"]) == (
        "watch", "unknown", "Public reports, one network",
    )  # fmt: skip
    # A graver one makes the one card louder, and is read on it like all others.
    person.report(where="a real fire", kind="fire")
    assert (newest(site)["level"], newest(site)["report_count"]) == (1, 4)
    site.number_facts()
    with site.client(Role.DISPATCHER) as desk:
        told = desk.get("/api/v1/facts", params={"incident": row["id"]}).text
    for said in ("flood 0", "flood 1", "flood 2", "a real fire"):
        assert said in told
    # Each has a code of its own.
    assert len(set(codes)) == 3
    assert "Received" in person.follow(codes[0]).text


def test_a_flood_from_one_network_leaves_others_what_they_may_send(
    site: Site, limits: ModuleType
) -> None:
    flood = Person(site, FLOOD)
    for _ in range(limits.OWN_PER_NETWORK[0] + 2):
        flood.report(kind="other")
    before = len(incidents(site))
    Person(site, OTHER).report()
    assert len(incidents(site)) == before + 1
    assert newest(site)["band"] == "unassigned"


def test_over_what_all_may_send_reports_are_collected_by_area_and_kind(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OWN_OF_ALL", (1, WINDOW))
    people = [Person(site, f"127.0.7.{number}") for number in range(1, 8)]
    people[0].report()
    assert cards(site) == []
    here, near, far = "31.2501, 121.4701", "31.2502, 121.4702", "31.5, 121.9"
    people[1].report(position=here)
    people[2].report(position=near)
    people[3].report(position=far)
    people[4].report(position=here, kind="traffic")
    people[5].report()
    people[6].report()
    assert [(key.split("/", 2)[2], count) for key, count in cards(site)] == [
        ("1563,6074/fire", 2),
        ("1575,6095/fire", 1),
        ("1563,6074/traffic", 1),
        ("unplaced/fire", 2),
    ]
    row = next(one for one in incidents(site) if one["title_en"] == "Public reports, one area")
    assert (row["type"], row["level"], row["band"]) == ("fire", 1, "watch")
    assert row["place"] is not None


def test_cards_are_not_opened_without_end(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OWN_OF_ALL", (0, WINDOW))
    monkeypatch.setattr(limits, "OWN_PER_NETWORK", (1_000, WINDOW))
    person = Person(site)
    for number in range(CARDS_MAX + 2):
        person.report(position=f"{number}, 10")
    found = cards(site)
    assert len(found) == CARDS_MAX + 1
    assert found[-1] == ("report/rest", 2)
    # A card that is open already is still joined.
    person.report(position="0, 10")
    assert cards(site)[0][1] == 2


def test_many_at_once_open_one_card(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OWN_OF_ALL", (0, WINDOW))
    people = [Person(site, f"127.0.8.{number}") for number in range(1, 9)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda one: one.send(), people))
    assert {answer.status_code for answer in answers} == {302}
    assert cards(site) == [("report/area/unplaced/fire", 8)]


def test_a_closed_card_is_followed_by_a_new_one(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OWN_OF_ALL", (0, WINDOW))
    person = Person(site)
    first = person.report()
    from little_city import command

    with site.client(Role.DISPATCHER) as desk:
        for type_, more in (
            ("take_incident", {}),
            ("close_incident", {"disposition": "unfounded"}),
        ):
            answer = command(desk, type_, incident=newest(site)["id"], **more)
            assert answer.status_code == 200
    second = person.report()
    assert [count for _, count in cards(site)] == [1]
    assert "Closed" in person.follow(first).text
    assert "Waiting to be looked at" in person.follow(second).text


@pytest.mark.parametrize("which", ["KEPT_PER_NETWORK", "KEPT_OF_ALL"])
def test_what_cannot_be_kept_is_said_counted_and_not_lost(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr(limits, which, (2, WINDOW))
    person = Person(site, FLOOD)
    turned_away = counter(site, "turned_away")
    person.report()
    person.report()
    before = len(incidents(site))
    answer = person.send(text="keep this")
    assert answer.status_code == 429
    assert "NOT received" in answer.text
    assert "keep this</textarea>" in answer.text
    assert len(incidents(site)) == before
    assert counter(site, "turned_away") == turned_away + 1
    site.number_facts()
    with site.client(Role.SUPERVISOR) as desk:
        counters = desk.get("/api/v1/snapshot").json()["counters"]
    assert counters["report.turned_away"] == turned_away + 1
    zh = Person(site, FLOOD, "zh-CN").send()
    assert "没有收到您的报警" in zh.text


def test_sending_again_is_charged_once(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KEPT_PER_NETWORK", (2, WINDOW))
    person = Person(site, FLOOD)
    token = person.token()
    for _ in range(5):
        assert person.send(token=token).status_code == 302
    assert person.send().status_code == 302


def test_guesses_are_bounded_for_each_network(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = Person(site, OTHER).report()
    monkeypatch.setattr(limits, "GUESSES_PER_NETWORK", (3, WINDOW))
    guesser = Person(site, FLOOD)
    wrong = ["2222-2222-2222-2222", "rubbish", "A" * 16]
    assert [guesser.follow(one).status_code for one in wrong] == [404, 404, 404]
    # Not even a right one is looked up now.
    assert guesser.follow(code).status_code == 429
    assert guesser.client.get("/follow", params={"code": "x"}).status_code == 429
    assert Person(site, OTHER).follow(code).status_code == 200


def test_guesses_of_many_stop_strangers_and_nobody_who_has_reported(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Person(site, OTHER)
    code = reporter.report()
    monkeypatch.setattr(limits, "GUESSES_OF_ALL", (2, WINDOW))
    for number in (3, 4):
        assert Person(site, f"127.0.7.{number}").follow("X").status_code == 404
    assert Person(site, "127.0.7.5").follow(code).status_code == 429
    assert [reporter.follow(code).status_code for _ in range(4)] == [200] * 4


def test_a_right_code_is_no_guess(
    site: Site, limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = Person(site, OTHER).report()
    monkeypatch.setattr(limits, "GUESSES_PER_NETWORK", (2, WINDOW))
    monkeypatch.setattr(limits, "GUESSES_OF_ALL", (2, WINDOW))
    stranger = Person(site, FLOOD)
    assert [stranger.follow(code).status_code for _ in range(5)] == [200] * 5
