"""A repeat of what was muted is judged anew when nothing mutes it any more; a storm of repeats
fills no queue."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from arriving import Arrivals, Stored, message
from judged_desk import account_of_a_site, judged
from record_desk import Desk

from tocsin.core.putting_on_test import EndOnTest, PutOnTest
from tocsin.core.signals import SignalRead
from tocsin.record import once_muted as module
from tocsin.record.arrivals import Sorter
from tocsin.record.judging import judge_pending


class Panel:
    """Its site is on test."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.arrivals = Arrivals(desk.connection, desk.keyring)
        self.account = account_of_a_site(desk)
        row = desk.connection.execute(
            "SELECT id, site FROM ref.device WHERE account = %s", (self.account,)
        ).fetchone()
        assert row is not None
        self.device, self.site = row
        desk.connection.commit()
        self.key = uuid4().bytes
        desk.do(PutOnTest(self.site, "Walk test", desk.now + timedelta(hours=1)))

    def sends(self, count: int = 1, codes: tuple[str, ...] = ("FA",)) -> list[Stored]:
        """The same message again and again, sorted in at once."""
        reads = tuple(
            SignalRead(protocol="dc09", token="SIA-DCS", account=self.account, code=code, zone="7")
            for code in codes
        )
        one = message(
            device=self.device,
            site=self.site,
            received_at=self.desk.later(1),
            signals=reads,
            repeat_key=self.key,
        )
        return self.arrivals.sort(*[one] * count)

    def is_judged(self) -> None:
        while judge_pending(self.desk.connection, self.desk.keyring, self.desk.now):
            pass

    def ends_test(self) -> None:
        found = self.desk.connection.execute(
            "SELECT id FROM view.on_test WHERE open AND site = %s", (self.site,)
        ).fetchone()
        assert found is not None
        self.desk.connection.rollback()
        self.desk.do(EndOnTest(found[0]))
        self.desk.later(1)


@pytest.fixture
def panel(desk: Desk) -> Panel:
    return Panel(desk)


def verdict(panel: Panel, one: UUID) -> str:
    return judged(panel.desk, one)[0]


def test_a_repeat_of_what_was_muted_alarms_when_the_test_is_over(panel: Panel) -> None:
    (first,) = panel.sends()
    panel.is_judged()
    assert verdict(panel, first.id) == "recorded"
    panel.ends_test()
    (again,) = panel.sends()
    assert again.repeat_of == first.id
    panel.is_judged()
    assert verdict(panel, again.id) == "opened"
    panel.sends(3)  # and repeats of that are repeats
    assert panel.arrivals.pending() == set()


def test_while_it_is_muted_few_of_its_repeats_are_judged_and_each_is_a_repeat(
    panel: Panel,
) -> None:
    panel.sends()
    panel.is_judged()
    repeats = panel.sends(500)
    assert panel.arrivals.pending() == {repeats[-1].id}
    panel.is_judged()
    assert verdict(panel, repeats[-1].id) == "recorded"
    panel.ends_test()
    (again,) = panel.sends()
    panel.is_judged()
    assert verdict(panel, again.id) == "opened"


def test_a_repeat_of_what_nothing_muted_waits_for_nobody(panel: Panel) -> None:
    panel.ends_test()
    (first,) = panel.sends()
    panel.is_judged()
    assert verdict(panel, first.id) == "opened"
    panel.sends(3)
    assert panel.arrivals.pending() == set()


def test_any_signal_of_a_message_may_have_been_muted(panel: Panel) -> None:
    panel.sends(codes=("RP", "FA"))
    panel.is_judged()
    panel.ends_test()
    (again,) = panel.sends(codes=("RP", "FA"))
    assert len(panel.arrivals.pending()) == 2
    panel.is_judged()
    assert verdict(panel, UUID(int=again.id.int + 1)) == "opened"


def test_what_is_forgotten_is_judged_once_more_and_joins(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker knows nothing of it; and what is remembered is bounded."""
    monkeypatch.setattr(module, "REMEMBERED_MAX", 1)
    panel.sends()
    panel.is_judged()
    panel.ends_test()
    (again,) = panel.sends()
    panel.is_judged()
    panel.arrivals.sorter = Sorter(panel.desk.keyring, {})
    (once_more,) = panel.sends()
    panel.is_judged()
    assert [verdict(panel, one.id) for one in (again, once_more)] == ["opened", "joined"]
    panel.key, before = uuid4().bytes, panel.arrivals.sorter._once_muted._last.copy()
    panel.desk.do(PutOnTest(panel.site, "Walk test", panel.desk.now + timedelta(hours=1)))
    panel.sends()
    panel.is_judged()
    panel.sends()
    assert len(before) == len(panel.arrivals.sorter._once_muted._last) == 1
    assert before != panel.arrivals.sorter._once_muted._last
