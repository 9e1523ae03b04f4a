"""What happens in the city: repeatable, in order, and with the rhythm of a day."""

from __future__ import annotations

import itertools
from collections import Counter

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level
from tocsin.sim.city.model import City
from tocsin.sim.events import Event, PanelSpeaks, Rhythm, SomebodyCalls, load

HOURS = 24


def day(city: City, seed: int) -> list[Event]:
    return list(itertools.takewhile(lambda e: e.at < HOURS * 3600, Rhythm(city, seed)))


def test_the_same_seed_tells_the_same_day(city: City) -> None:
    assert day(city, 3) == day(city, 3)
    assert day(city, 3) != day(city, 4)


def test_events_come_in_order_and_the_first_alarm_within_two_seconds(city: City) -> None:
    events = day(city, 7)
    assert [e.at for e in events] == sorted(e.at for e in events)
    first = events[0]
    assert first.at < 2
    assert isinstance(first.what, PanelSpeaks)
    assert first.what.sia == "FA"
    kinds = {type(e.what) for e in events if e.at < 30}
    assert kinds == {PanelSpeaks, SomebodyCalls}


def test_the_day_has_its_rhythm(city: City) -> None:
    hours = Counter(int(e.at // 3600) for e in day(city, 7) if isinstance(e.what, SomebodyCalls))
    afternoon = sum(hours[h] for h in range(6, 10))  # 14 to 18 o'clock
    night = sum(hours[h] for h in range(18, 22))  # 2 to 6 o'clock
    assert afternoon > 1.7 * night
    assert sum(hours.values()) / HOURS > 10
    assert (
        min(load(h * 3600) for h in range(24)) < 0.5 < 1.5 < max(load(h * 3600) for h in range(24))
    )


def test_every_alarm_is_restored_and_every_code_is_known(city: City) -> None:
    waiting: Counter[tuple[str, str]] = Counter()
    effects: Counter[Effect] = Counter()
    for event in day(city, 7):
        if not isinstance(event.what, PanelSpeaks):
            continue
        says = event.what
        read = SignalRead("dc09", "SIA-DCS", says.panel.account, code=says.sia)
        contact_id = SignalRead(
            "dc09", "ADM-CID", says.panel.account, code=says.cid, qualifier=says.qualifier
        )
        sia, cid = meaning(read), meaning(contact_id)
        assert sia.effect is cid.effect, (says.sia, says.cid, sia, cid)
        assert sia.effect is not Effect.UNKNOWN
        effects[sia.effect] += 1
        if sia.effect is Effect.ALARM:
            assert sia.type is cid.type
            waiting[says.panel.account, sia.type] += 1
        elif sia.effect is Effect.RESTORE and says.qualifier == "3":
            waiting[says.panel.account, sia.type] -= 1
    assert min(effects[e] for e in (Effect.ALARM, Effect.RESTORE, Effect.TROUBLE)) > 50
    assert effects[Effect.TEST] > 0
    still = sum(count for count in waiting.values() if count > 0)
    assert still < 0.25 * effects[Effect.ALARM]


def test_some_emergencies_are_told_twice(city: City) -> None:
    calls = [e.what for e in day(city, 7) if isinstance(e.what, SomebodyCalls)]
    places = Counter((c.corner.address_en, c.incident_type) for c in calls)
    assert sum(count > 1 for count in places.values()) > 10
    for call in calls:
        assert call.incident_type in set(IncidentType)
        assert call.level in set(Level)
        assert " / " in call.note
