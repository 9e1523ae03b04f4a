"""How often one network may be wrong, with the minute and the room that is for it at their ends."""

from tocsin.edge import attempts as module
from tocsin.edge.attempts import WINDOW_S, Attempts


def test_failures_at_their_limit_and_after_the_minute() -> None:
    attempts = Attempts(2)
    for at in (0.0, 1.0):
        assert attempts.may_try("192.0.2.1", "a", at)
        attempts.failed("192.0.2.1", "a", at)
    assert not attempts.may_try("192.0.2.1", "a", WINDOW_S)
    assert attempts.may_try("192.0.2.1", "b", 2.0)
    assert attempts.may_try("192.0.2.2", "a", 2.0)
    assert attempts.may_try("192.0.2.1", "a", WINDOW_S + 0.1)


def test_a_network_of_ipv6_is_one_sender() -> None:
    attempts = Attempts(1)
    attempts.failed("2001:db8:0:1::1", "a", 0.0)
    assert not attempts.may_try("2001:db8:0:1:ffff::2", "a", 1.0)
    assert attempts.may_try("2001:db8:0:2::1", "a", 1.0)


def test_the_oldest_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(module, "PLACES_MAX", 2)
    attempts = Attempts(1)
    for account in "abc":
        attempts.failed("192.0.2.1", account, 0.0)
    assert [attempts.may_try("192.0.2.1", account, 1.0) for account in "abc"] == [
        True,
        False,
        False,
    ]
