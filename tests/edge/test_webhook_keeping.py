"""Webhooks and the record: nothing is answered before it is on disk, and what comes again is
decided on once, hours later and after a restart too."""

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from live_intake import Live, Record, commits_held_up, database_away, eventually, running
from live_webhook import SETTINGS, decisions, rows, with_sources
from msgspec.structs import replace
from signed_requests import Sender, github, sender, standard, stripe

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.webhook import Source
from tocsin.wire.webhook.mapping import Fields


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("webhook") / "keys")


@pytest.fixture(scope="module")
def prepared(urls: Urls, ring: Keyring) -> Urls:
    return with_sources(urls, ring)


@pytest.fixture(scope="module")
def edge(prepared: Urls, ring: Keyring) -> Iterator[Live]:
    with running("webhook", SETTINGS, prepared, ring) as live:
        yield live


@pytest.fixture
def tower(edge: Live) -> Iterator[Sender]:
    with sender(edge.ports["http"]) as one:
        yield one


@pytest.fixture
def record(prepared: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(prepared.owner) as owner:
        yield Record(owner, ring)


# -- what comes again -----------------------------------------------------------------------------


def test_the_same_message_again_gets_the_same_answer_and_no_second_decision(
    tower: Sender, record: Record
) -> None:
    first = tower.send({"code": "FA"}, "/hook/again", name="msg_again")
    second = tower.send({"code": "FA"}, "/hook/again", name="msg_again")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert decisions(record, "again") == 1
    # In doubt it alarms: another name, and the same name with other content.
    tower.send({"code": "FA"}, "/hook/again", name="msg_other")
    tower.send({"code": "BA"}, "/hook/again", name="msg_again")
    assert decisions(record, "again") == 3


def made_older(record: Record, interval: str) -> None:
    record.execute(f"UPDATE heard.message SET received_at = received_at - interval '{interval}'")
    record.connection.commit()


@pytest.mark.parametrize("is_named", [True, False])
def test_hours_later_and_after_a_restart_a_named_message_is_still_the_same(
    prepared: Urls, ring: Keyring, record: Record, is_named: bool
) -> None:
    """One that is signed again is news: the control."""
    account = "restart" if is_named else "stripe"
    body = b'{"code": "FA", "text": "again"}'
    decided = []
    for turn in range(2):
        with (
            running("webhook", SETTINGS, prepared, ring) as live,
            sender(live.ports["http"]) as one,
        ):
            signed_again = stripe(body, at=int(time.time()) + turn)
            headers = standard(body, name="msg_restart") if is_named else signed_again
            assert one.post(f"/hook/{account}", body, headers).status_code == 202
        decided.append(decisions(record, account))
        made_older(record, "5 hours")
    assert decided[1] - decided[0] == (0 if is_named else 1)


@pytest.mark.parametrize("form", [stripe, github])
def test_a_recorded_request_is_a_repeat_whatever_name_it_is_given(
    tower: Sender, record: Record, form: Callable[[bytes], dict[str, str]]
) -> None:
    """To the end of the time in which its signature counts; `github` has none: there it is so for
    the three minutes of any repeat, and an alarm after that."""
    body = b'{"code": "FA", "text": "recorded"}'
    account = form.__name__
    headers = form(body)
    if account == "github":
        headers["x-signature"] = headers.pop("x-hub-signature-256")
    before = decisions(record, account)
    for key in ({}, {"idempotency-key": "first"}, {"idempotency-key": "second"}):
        assert tower.post(f"/hook/{account}", body, headers | key).status_code == 202
        made_older(record, "9 minutes" if account == "stripe" else "1 minute")
    assert decisions(record, account) == before + 1
    if account == "github":
        made_older(record, "4 minutes")
        assert tower.post(f"/hook/{account}", body, headers).status_code == 202
        assert decisions(record, account) == before + 2


@pytest.mark.parametrize("account", ["later", "github"])
def test_what_could_not_be_read_is_read_when_it_is_sent_again(
    prepared: Urls, ring: Keyring, record: Record, account: str
) -> None:
    """The mapping was put right meanwhile; what the sender signed is the same."""
    before, body = decisions(record, account), b'{"code": "FA"}'
    how = {"name": account, "signature": "github" if account == "github" else "standard"}
    for mapping, problem in ((Fields(code="/type"), "unreadable"), (Fields(), None)):
        settings = replace(SETTINGS, sources=(Source(**how, mapping=mapping),))
        with (
            running("webhook", settings, prepared, ring) as live,
            sender(live.ports["http"]) as one,
        ):
            headers = github(body) if account == "github" else standard(body, name="msg_later")
            assert one.post(f"/hook/{account}", body, headers).status_code == 202
        assert rows(record)[-1][0] == problem
        made_older(record, "5 minutes")
    assert decisions(record, account) == before + 2


# -- on disk before the answer --------------------------------------------------------------------


def test_nothing_is_answered_before_the_commit(
    tower: Sender, prepared: Urls, record: Record
) -> None:
    answers: list[httpx.Response] = []
    before = decisions(record, "held")
    record.rollback()
    with commits_held_up(prepared):
        waiting = threading.Thread(
            target=lambda: answers.append(tower.send({"code": "FA"}, "/hook/held"))
        )
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        assert answers == []
    waiting.join(10)
    assert answers[0].status_code == 202
    assert decisions(record, "held") == before + 1


def test_without_the_database_it_says_so_and_resumes(
    tower: Sender, edge: Live, administrator: Connection
) -> None:
    with database_away(administrator):
        assert eventually(lambda: not edge.heard.is_connected)
        answer = tower.send({"code": "FA"})
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_kept")
        assert answer.headers["retry-after"] == "5"
    assert eventually(lambda: edge.heard.is_connected, 10)
    assert tower.send({"code": "FA"}).status_code == 202


def test_an_address_with_too_much_in_flight_is_told_to_wait(prepared: Urls, ring: Keyring) -> None:
    settings = replace(SETTINGS, in_flight_per_address=1)
    with running("webhook", settings, prepared, ring) as live:
        statuses: list[int] = []

        def one() -> None:
            with sender(live.ports["http"]) as own:
                statuses.append(own.send({"code": "FA"}).status_code)

        with commits_held_up(prepared):
            threads = [threading.Thread(target=one) for _ in range(3)]
            for thread in threads:
                thread.start()
            assert eventually(lambda: len(statuses) == 2)
            assert statuses == [429, 429]
        for thread in threads:
            thread.join(10)
        assert sorted(statuses) == [202, 429, 429]
