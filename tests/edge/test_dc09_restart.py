"""What the receiver has learnt of a panel holds for the first frame after a restart, and stands in
nobody's way: on real sockets, with an edge that is ended and begun again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from dc09_asking import asks
from live_edge import KEY, Edge, Panel, Record, eventually, frame, register, running, sealed

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.devices import CHANNEL
from tocsin.record.keys import Keyring
from tocsin.record.learnt import forget
from tocsin.wire.dc09.frames import Form, decode, encode, shows_right_table, write_timestamp
from tocsin.wire.dc09.misprint import misprinted_crc

EIGHT = timedelta(hours=8)
_accounts = count(0xE00)

Start = Callable[[], AbstractContextManager[Edge]]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("restart") / "keys")


@pytest.fixture(scope="module")
def owner(urls: Urls) -> Iterator[Connection]:
    with connect(urls.owner) as opened:
        yield opened


@pytest.fixture
def record(owner: Connection, ring: Keyring) -> Record:
    return Record(owner, ring)


@pytest.fixture
def start(urls: Urls, ring: Keyring) -> Start:
    return lambda: running(urls, ring)


@pytest.fixture
def account(owner: Connection, ring: Keyring) -> str:
    name = f"{next(_accounts):X}"
    register(owner, ring, name)
    return name


def in_form(form: Form, data: str, account: str) -> bytes:
    return encode(decode(frame(data, account))._replace(form=form))


def stamped(data: str, account: str, ahead: timedelta = EIGHT, **fields: Any) -> bytes:
    stamp = write_timestamp(datetime.now(UTC) + ahead)
    return frame(data, account, timestamp=stamp, **fields)


def polls(panel: Panel, account: str, ahead: timedelta = EIGHT, times: int = 3) -> None:
    for second in range(times):
        off = ahead + timedelta(seconds=second)
        assert asks(panel, stamped("", account, off, token="NULL")).token == "ACK"


def occurred(record: Record) -> datetime:
    row = record.execute(
        "SELECT convert_from(read, 'utf8')::json->>'occurred_at' FROM heard.message"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    record.rollback()
    return datetime.fromisoformat(row[0])


def learnt(owner: Connection, account: str) -> tuple[Any, ...] | None:
    owner.rollback()
    row = owner.execute(
        "SELECT l.dialects, l.turn, l.clock_ahead_s FROM ref.learnt l"
        " JOIN ref.device d ON d.id = l.device AND d.panel = l.panel WHERE d.account = %s",
        (account,),
    ).fetchone()
    owner.rollback()
    return row


def test_eldes_panel_is_answered_in_its_form_at_the_first_frame(start, owner, account) -> None:
    with start() as edge, edge.connect() as panel:
        first = in_form(Form.CRC_WITH_CR, "NBA1", account)
        forms = [asks(panel, first).form for _ in range(2)]
        assert forms == [Form.STANDARD, Form.CRC_WITH_CR]
    assert learnt(owner, account) == ("eldes", 1, None)
    with start() as edge, edge.connect() as panel:
        frames = [in_form(Form.CRC_WITH_CR, f"NBA{number}", account) for number in (2, 3)]
        assert [asks(panel, raw).form for raw in frames] == [Form.CRC_WITH_CR] * 2


def test_panel_with_the_misprinted_table_is_answered_by_it_at_any_frame(
    start, owner, account
) -> None:
    def of_panel(is_spoilt: bool) -> bytes:
        frames = (in_form(Form.MISPRINTED_CRC, f"NFA{n}", account) for n in count(1))
        return next(raw for raw in frames if (decode(raw).form is not Form.STANDARD) is is_spoilt)

    with start() as edge, edge.connect() as panel:
        spoilt = of_panel(True)
        for _ in range(2):
            panel.send(spoilt)
            panel.receive_raw()
    assert learnt(owner, account) == ("misprinted_crc", 1, None)
    with start() as edge, edge.connect() as panel:
        panel.send(of_panel(False))  # shows nothing, and is checked by the table all the same
        told = panel.receive_raw()
        assert int(told[1:5], 16) == misprinted_crc(told[9:-1])


def test_a_frame_that_the_misprinted_table_would_have_spoilt_forgets_it(
    start, owner, account
) -> None:
    """What taught us of it was not this panel: anybody may send in its name."""
    of_anybody = next(
        raw
        for raw in (in_form(Form.MISPRINTED_CRC, f"NFA{n}", account) for n in count(1))
        if decode(raw).form is Form.MISPRINTED_CRC
    )
    with start() as edge, edge.connect() as panel:
        for _ in range(2):
            panel.send(of_anybody)
            panel.receive_raw()
    assert learnt(owner, account) == ("misprinted_crc", 1, None)
    frames = [frame(f"NBA{n}", account) for n in range(60)]
    telling = next(raw for raw in frames if shows_right_table(raw))
    silent = next(raw for raw in frames if not shows_right_table(raw))
    with start() as edge, edge.connect() as panel:
        panel.send(silent)
        told = panel.receive_raw()
        assert int(told[1:5], 16) == misprinted_crc(told[9:-1])
        assert asks(panel, telling).form is Form.STANDARD
        for number in range(60, 120):
            assert asks(panel, frame(f"NBA{number}", account)).form is Form.STANDARD
    assert learnt(owner, account) is None


def test_first_alarm_of_a_panel_in_local_time_is_dated_right(start, owner, record, account) -> None:
    with start() as edge, edge.connect() as panel:
        polls(panel, account)
    assert learnt(owner, account) == ("", 0, EIGHT.total_seconds())
    with start() as edge, edge.connect() as panel:
        assert asks(panel, stamped("NBA9", account)).token == "ACK"
        assert abs(occurred(record) - datetime.now(UTC)) < timedelta(seconds=60)


def test_clock_that_polls_show_right_is_forgotten_for_good(start, owner, record, account) -> None:
    with start() as edge, edge.connect() as panel:
        polls(panel, account)
        assert eventually(lambda: learnt(owner, account) is not None)
        polls(panel, account, timedelta(0), times=1)
        assert eventually(lambda: learnt(owner, account) is None)
    with start() as edge, edge.connect() as panel:
        before = datetime.now(UTC).replace(microsecond=0)
        assert asks(panel, stamped("NBA9", account)).token == "ACK"
        assert occurred(record) >= before + EIGHT


def test_clock_that_spoofed_polls_taught_is_undone_by_the_panels_own_alarm(
    start, owner, record, account
) -> None:
    """Whose polls carry no time, so that they never say how late it is."""
    with start() as edge, edge.connect() as panel:
        polls(panel, account, -EIGHT)
    assert learnt(owner, account) == ("", 0, -EIGHT.total_seconds())
    with start() as edge, edge.connect() as panel:
        assert asks(panel, frame("", account, token="NULL")).token == "ACK"
        assert asks(panel, stamped("NFA1", account, timedelta(0))).token == "ACK"
        assert abs(occurred(record) - datetime.now(UTC)) < timedelta(seconds=60)
        assert eventually(lambda: learnt(owner, account) is None)


def test_nothing_is_learnt_from_what_comes_in_clear_in_the_name_of_a_device_with_a_key(
    start, owner, record, ring, account
) -> None:
    name, nul = f"{next(_accounts):X}", "dc09.dialect.nul_after_cr"
    before = record.counted(nul)
    register(owner, ring, name, KEY)
    with start() as edge, edge.connect() as panel:
        polls(panel, name)
        again = in_form(Form.CRC_WITH_CR, "NBA1", name)
        forms = [asks(panel, again).form for _ in range(2)]
        assert forms == [Form.STANDARD, Form.CRC_WITH_CR]  # who sends it is answered all the same
        panel.send(frame("NBA2", name) + b"\x00" + frame("NBA3", name))
        assert [panel.receive().token for _ in range(2)] == ["ACK", "ACK"]
        assert eventually(lambda: record.counted(nul) == before + 1)
        its_own = decode(sealed("NBA4", account=name))._replace(form=Form.CRC_WITH_CR)
        polls(panel, account)
    assert learnt(owner, account) is not None
    assert learnt(owner, name) is None
    with start() as edge, edge.connect() as panel:
        assert asks(panel, encode(its_own)).form is Form.STANDARD
    assert learnt(owner, name) == ("eldes", 0, None)


def test_nul_behind_a_cr_is_of_the_panel_whose_connection_it_is(start, owner, account) -> None:
    with start() as edge, edge.connect() as panel:
        panel.send(frame("NBA2", account) + b"\x00")
        assert panel.receive().token == "ACK"
        assert eventually(lambda: learnt(owner, account) == ("nul_after_cr", 0, None))


def test_what_cannot_be_written_holds_up_no_answer(start, urls, owner, account) -> None:
    with start() as edge, edge.connect() as panel, connect(urls.owner) as other:
        other.execute("LOCK TABLE ref.learnt IN EXCLUSIVE MODE")
        raw = in_form(Form.CRC_WITH_CR, "NBA1", account)
        for _ in range(20):
            assert asks(panel, raw).token == "ACK"
            polls(panel, account, times=1)
        assert learnt(owner, account) is None
        other.rollback()
        assert eventually(lambda: learnt(owner, account) is not None)


def test_what_a_person_has_forgotten_is_found_out_anew(start, owner, account) -> None:
    with start() as edge, edge.connect() as panel:
        raw = in_form(Form.CRC_WITH_CR, "NBA1", account)
        for _ in range(2):
            asks(panel, raw)
        assert eventually(lambda: learnt(owner, account) == ("eldes", 1, None))
        [device] = owner.execute(
            "SELECT id FROM ref.device WHERE account = %s", (account,)
        ).fetchone()
        forget(owner, device)
        owner.execute(f"NOTIFY {CHANNEL}".encode())
        owner.commit()
        numbers = count(2)

        def is_forgotten() -> bool:
            data = f"NBA{next(numbers)}"
            return asks(panel, in_form(Form.CRC_WITH_CR, data, account)).form is Form.STANDARD

        assert eventually(is_forgotten)
    assert learnt(owner, account) == ("eldes", 0, None)
