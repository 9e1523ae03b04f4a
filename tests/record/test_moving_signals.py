"""A signal that a person moves, through the record: what its new incident is, in the read tables
and for the clock."""

from datetime import timedelta
from uuid import UUID

from judged_desk import account_of_a_site, judged, signal
from record_desk import Desk

from tocsin.core.commands import MoveSignal
from tocsin.record.judging import judge_pending
from tocsin.record.views import get_row
from tocsin.record.working import sound_due


def test_an_alarm_that_is_moved_into_a_quieter_incident_makes_it_grave(desk: Desk) -> None:
    """In the table that every desk reads, and of which the clock asks what is due."""
    trouble = signal(desk, account_of_a_site(desk), "AT")
    judge_pending(desk.connection, desk.keyring, desk.now)
    desk.later(600)
    fire = signal(desk, account_of_a_site(desk), "FA")
    judge_pending(desk.connection, desk.keyring, desk.now)
    quiet, left = judged(desk, trouble)[1], judged(desk, fire)[1]
    assert quiet is not None
    assert left is not None
    desk.do(MoveSignal(fire, UUID(left), UUID(quiet)))
    by = (desk.now + timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
    for one in (quiet, left):
        row = get_row(desk.connection, "incidents", UUID(one))
        assert row is not None
        assert (row["level"], row["band"], row["due_at"]) == (1, "unassigned", by)
    desk.later(61)
    assert sound_due(desk.connection, desk.keyring, desk.now) == 2
