"""What is remembered of senders is learnt from frames that may be anybody's: it may change how a
device is answered or dated, and can never silence it, nor make its alarm a late one."""

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.wire.dc09.answers import Answer, receive
from tocsin.wire.dc09.clocks import POLLS_NEEDED, Learnt, learn
from tocsin.wire.dc09.dialects import ANSWER_FORMS, NO_TIME, Register
from tocsin.wire.dc09.frames import Form, Frame, decode, encode, seal, write_timestamp
from tocsin.wire.dc09.signals import RIGHT_WITHIN

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = b"0123456789abcdef"
NOISE = bytes(range(16))
ZONES = [timedelta(minutes=15 * quarters) for quarters in range(-48, 57) if quarters]


def frame(sent_at: datetime | None, form: Form = Form.STANDARD) -> Frame:
    stamp = None if sent_at is None else write_timestamp(sent_at)
    built = Frame("SIA-DCS", "0001", None, "0", "1234", b"#1234|Nri1/BA7", timestamp=stamp)
    return decode(encode(built._replace(form=form)))


@pytest.mark.parametrize("ahead", ZONES)
@pytest.mark.parametrize("off_s", [-540, -41, 0, 21, 540])
def test_no_clock_that_was_taught_makes_an_alarm_of_now_a_late_one(
    ahead: timedelta, off_s: int
) -> None:
    """Three spoofed polls teach any zone; the panel's own clock is right, or some minutes off."""
    learnt: Learnt | None = None
    for number in range(POLLS_NEEDED):
        at = NOW - timedelta(minutes=5 - number)
        learnt = learn(learnt, at + ahead, at)
    assert learnt is not None
    assert learnt.is_local_time
    said = receive(
        frame(NOW + timedelta(seconds=off_s)),
        is_known=True,
        key=None,
        now=NOW,
        noise=NOISE,
        learnt_ahead=learnt.ahead,
    )
    assert said.answer is Answer.ACK
    [signal] = said.signals
    assert signal.occurred_at is not None
    assert abs(signal.occurred_at - NOW) < timedelta(minutes=10)


def test_a_panel_that_does_show_local_time_is_still_dated() -> None:
    ahead = timedelta(hours=8)
    said = receive(
        frame(NOW + ahead), is_known=True, key=None, now=NOW, noise=NOISE, learnt_ahead=ahead
    )
    assert said.signals[0].occurred_at == NOW


def occurred(ahead: timedelta, sent_at: datetime | None, said: datetime, **options) -> datetime:
    """When a frame occurred whose time of occurrence (H) says so, where `ahead` was learnt."""
    with_h = frame(sent_at)._replace(xdata=(b"H" + write_timestamp(said).encode(),))
    told = receive(
        decode(encode(with_h)),
        is_known=True,
        key=None,
        now=NOW,
        noise=NOISE,
        learnt_ahead=ahead,
        **options,
    )
    at = told.signals[0].occurred_at
    assert at is not None
    return at


@pytest.mark.parametrize("ahead", ZONES[::4])
@pytest.mark.parametrize("off", [-RIGHT_WITHIN, timedelta(0), RIGHT_WITHIN])
@pytest.mark.parametrize("stamped", [None, timedelta(0), timedelta(minutes=15), "ahead"])
def test_no_clock_that_was_taught_moves_a_time_of_occurrence_that_is_right(
    ahead: timedelta, off: timedelta, stamped: timedelta | str | None
) -> None:
    """Whatever the frame's own stamp is: none, right, wrong, or as it was taught."""
    by = ahead if stamped == "ahead" else stamped
    sent_at = None if by is None else NOW + by
    assert occurred(ahead, sent_at, NOW + off) == NOW + off


def test_what_was_learnt_dates_no_frame_without_a_stamp() -> None:
    early = NOW - timedelta(minutes=30)
    assert occurred(timedelta(hours=2), None, early) == early


def test_a_time_of_occurrence_in_local_time_is_still_dated() -> None:
    """Just beyond what is about right; and what the register says holds for any time."""
    ahead, beyond = timedelta(hours=2), RIGHT_WITHIN + timedelta(seconds=1)
    assert occurred(ahead, NOW + ahead, NOW + ahead) == NOW
    assert occurred(ahead, NOW + ahead, NOW + beyond) == NOW + beyond - ahead
    local = Register(clock_ahead=ahead)
    assert occurred(NO_TIME, NOW + ahead, NOW, register=local) == NOW - ahead


@pytest.mark.parametrize("ahead", ZONES[::8])
def test_what_was_taught_in_clear_moves_no_window_of_encrypted_frames(ahead: timedelta) -> None:
    sealed = decode(encode(seal(frame(NOW), KEY, NOISE)))
    said = receive(sealed, is_known=True, key=KEY, now=NOW, noise=NOISE, learnt_ahead=ahead)
    assert said.answer is Answer.ACK
    assert said.signals[0].occurred_at == NOW


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("turn", range(4))
def test_whatever_form_of_answer_was_taught_the_frame_is_kept_and_answered(
    form: Form, turn: int
) -> None:
    """The worst that a spoofed resending does: the true one is answered in the other form once, and
    sent again. It was kept the first time."""
    first = receive(frame(NOW, form), is_known=True, key=None, now=NOW, noise=NOISE)
    said = receive(frame(NOW, form), is_known=True, key=None, now=NOW, noise=NOISE, turn=turn)
    assert said.answer is Answer.ACK
    assert said.data
    assert (said.signals, said.repeat_key) == (first.signals, first.repeat_key)
    assert turn < 1 or len(ANSWER_FORMS[form]) > 1 or said.data == first.data
