"""A made-up desk for looking at the console without a server: the synthetic city's stations, units
and map, a queue of incidents, and units that move. For screenshots and layout work only.

    .venv/bin/python web/dev/serve.py [--port 0] [--no-map] [--silent-after SECONDS]
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tocsin.sim.prepare import build_city

CONSOLE = Path(__file__).resolve().parents[2] / "src" / "tocsin" / "site" / "console"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'"
)
TYPES = ["fire", "medical", "rescue", "traffic", "burglary", "public_order", "gas", "panic"]
dice = random.Random(11)


def stamp(seconds_ago=0.0):
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id():
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


class Desk:
    def __init__(self, city):
        self.city = city
        self.position = 1000
        self.facts = []
        self.waiting = []
        self.units, self.incidents, self.orders = {}, {}, {}
        stations = {station.id: station for station in city.stations}
        for unit in city.units:
            station = stations[unit.station]
            self.units[str(unit.id)] = {
                "id": str(unit.id), "call_sign": unit.call_sign, "kind": unit.kind,
                "capabilities": list(unit.capabilities), "state": "in_station",
                "state_since": stamp(dice.randint(200, 30000)), "incident": None, "order": None,
                "station": str(station.id), "station_name_zh": station.name_zh,
                "station_name_en": station.name_en, "district": station.district,
                "agency": city.agency, "out_of_service_reason": None, "due_at": None,
                "overdue": None, "version": 1,
                "position": {"lat": station.lat, "lon": station.lon, "datum": "WGS-84",
                             "at": stamp(), "heading": None},
            }
        for number in range(34):
            self.open_one(1180 + number, dice.choice(city.sites), 34 - number)
        rows = list(self.incidents.values())
        rows[-2]["duplicates"] = [rows[-3]["id"]]
        rows[-2]["place"] = {**rows[-3]["place"], "lat": rows[-3]["place"]["lat"] + 0.0006}
        for index in (2, 5, 9, 14, 20):
            self.work(rows[index], 1 + index % 3)
        free = [unit for unit in self.units.values() if unit["order"] is None]
        for unit in free[5:8]:
            unit.update(state="out_of_service", out_of_service_reason="maintenance")
        for unit in free[10:14]:
            unit.update(state="available")
        free[17].update(state="returning", state_since=stamp(4000), overdue="return")

    def open_one(self, number, site, age):
        kind = dice.choice(TYPES)
        opened = stamp(age * dice.randint(8, 21))
        level = dice.choice([1, 2, 2, 3, 3, 3, 4])
        watch = age in (6, 17, 25)
        identity = new_id()
        place = {"lat": site.lat, "lon": site.lon, "datum": "WGS-84", "source": "site",
                 "address_zh": site.address_zh, "address_en": site.address_en}
        self.incidents[identity] = {
            "id": identity, "number": number, "opened_at": opened,
            "state": "new" if age < 12 else "taken", "type": "technical" if watch else kind,
            "level": 4 if watch else level, "band": "watch" if watch else "unassigned",
            "place": None if age == 17 else place, "title_zh": site.name_zh,
            "title_en": site.name_en, "district": site.district, "agency": self.city.agency,
            "source": "call" if age % 5 == 0 else "signal", "site": new_id(),
            "signals": [], "signal_count": 1, "alarm_count": 1 if age % 4 else 3, "units": [],
            "taken_by": None if age < 12 else "张雨", "taken_at": None if age < 12 else stamp(60),
            "held_until": None, "linked": [], "absorbed": [], "merged_into": None,
            "duplicates": [], "due_at": stamp(dice.randint(-240, 60) - (200 if level > 2 else 0)),
            "overdue": None, "disposition": None, "closed_at": None, "version": 1,
        }
        self.fact("incident.opened", identity, {"number": number, "type": kind, "level": level,
                                                 "source": "signal"})
        if age >= 12:
            self.fact("incident.taken", identity, {"by": "p1", "by_name": "张雨"})

    def work(self, incident, count):
        incident.update(state="taken", band="working", taken_by="张雨", taken_at=stamp(300),
                        due_at=None)
        free = [unit for unit in self.units.values() if unit["order"] is None]
        for index, unit in enumerate(dice.sample(free, count)):
            state = ["under_way", "at_scene", "ordered"][index % 3]
            self.send(incident, unit, state)

    def send(self, incident, unit, state="ordered"):
        order = new_id()
        steps = ["given", "received", "accepted", "under_way", "at_scene"]
        reached = {"ordered": 2, "under_way": 4, "at_scene": 5}[state]
        times = {f"{step}_at": stamp(150 - 25 * at) if at < reached else None
                 for at, step in enumerate(steps)}
        unit.update(state=state, state_since=stamp(40), incident=incident["id"], order=order,
                    version=unit["version"] + 1)
        if state != "ordered":
            place = incident["place"]
            far = 0.012 if state == "under_way" else 0.0003
            unit["position"] = {"lat": place["lat"] + far * 0.6, "lon": place["lon"] - far,
                                "datum": "WGS-84", "at": stamp(), "heading": 90}
        word = "received" if state == "ordered" else state
        self.orders[order] = {
            "id": order, "incident": incident["id"], "unit": unit["id"],
            "call_sign": unit["call_sign"], "state": word,
            "channels": [{"channel": "app", "sent_at": stamp(140), "received_at": stamp(130)}],
            **times, "refused_at": None, "refusal": None, "done_at": None, "recalled_at": None,
            "due_at": stamp(-60), "overdue": "answer" if state == "ordered" else None,
            "district": unit["district"], "agency": unit["agency"], "version": 1,
        }
        incident["units"].append({"unit": unit["id"], "call_sign": unit["call_sign"],
                                  "order": order, "state": word})
        incident.update(band="working", version=incident["version"] + 1)
        self.fact("order.given", order, {"call_sign": unit["call_sign"], "advised": True},
                  incident["id"])
        return order

    def fact(self, kind, subject, data, incident=None):
        self.position += 1
        fact = {"position": self.position, "recorded_at": stamp(), "kind": kind, "version": 1,
                "subject": subject, "subject_kind": kind.split(".")[0],
                "incident": incident or subject, "actor": "p1", "actor_name": "张雨", "data": data}
        self.facts.append(fact)
        return fact

    def snapshot(self):
        named = lambda row: {"code": row.code, "name_zh": row.name_zh, "name_en": row.name_en}
        return {
            "position": self.position, "at": stamp(), "incidents": list(self.incidents.values()),
            "units": list(self.units.values()), "orders": list(self.orders.values()),
            "districts": [named(row) for row in self.city.districts],
            "agencies": [{"code": self.city.agency, "name_zh": self.city.agency_zh,
                          "name_en": self.city.agency_en}],
            "city": {"name_zh": self.city.name_zh, "name_en": self.city.name_en},
            "stations": [{"id": str(row.id), "name_zh": row.name_zh, "name_en": row.name_en,
                          "lat": row.lat, "lon": row.lon, "datum": "WGS-84",
                          "district": row.district, "agency": self.city.agency}
                         for row in self.city.stations],
            "me": {"id": "p1", "name": "张雨", "role": "dispatcher", "districts": [],
                   "agency": self.city.agency, "unit": None, "language": "zh-CN"},
            "lag": self.lag(), "counters": self.counters(),
        }

    def lag(self):
        return {"signals_waiting": 0, "oldest_s": 0, "sequencer_behind": 0, "quarantined": 0}

    def counters(self):
        return {"dc09.bad_crc": 2, "dc09.unknown_account": 1, "dc09.ack": 812}

    def advice(self, incident):
        place = incident["place"] or {"lat": self.city.center[0], "lon": self.city.center[1]}
        wanted = {"fire": ["pump", "pump", "ladder"], "gas": ["pump", "hazmat"],
                  "medical": ["ambulance"], "traffic": ["traffic", "ambulance"],
                  "rescue": ["rescue", "ambulance"]}.get(incident["type"], ["patrol"])
        far = lambda unit: (((unit["position"]["lat"] - place["lat"]) * 111) ** 2
                            + ((unit["position"]["lon"] - place["lon"]) * 96) ** 2) ** 0.5
        free = [u for u in self.units.values()
                if u["order"] is None and u["state"] != "out_of_service"
                and set(u["capabilities"]) & set(wanted)]
        free.sort(key=far)
        need, rows = list(wanted), []
        for unit in free:
            gives = next((name for name in need if name in unit["capabilities"]), None)
            if gives:
                need.remove(gives)
            reasons = ([{"code": "nearest", "text_zh": "行程最短", "text_en": "shortest road time"}]
                       if gives else [])
            rows.append({"unit": unit["id"], "call_sign": unit["call_sign"], "kind": unit["kind"],
                         "km": far(unit) * 1.3, "minutes": far(unit) * 2.1 + 1.2,
                         "recommended": bool(gives), "reasons": reasons})
        return {
            "incident": incident["id"], "at": stamp(), "basis": "road", "degraded": False,
            "requirements": [{"capability": name, "count": wanted.count(name), "attached": 0}
                             for name in dict.fromkeys(wanted)],
            "ranked": sorted(rows, key=lambda row: not row["recommended"])[:8],
            "alternatives": [],
            "shortfalls": [{"capability": name, "missing": 1, "text_zh": "缺少危化处置力量 1",
                            "text_en": "1 hazmat unit missing"} for name in need],
        }

    def command(self, body):
        incident = self.incidents.get(body.get("incident"))
        facts, units = [], []
        if body["type"] == "take_incident":
            incident.update(state="taken", taken_by="张雨", taken_at=stamp())
            facts.append(self.fact("incident.taken", incident["id"], {"by_name": "张雨"}))
        elif body["type"] == "send_units":
            incident.update(state="taken", taken_by="张雨", taken_at=stamp(), due_at=None)
            for identity in body["units"]:
                units.append(self.units[identity])
                self.send(incident, units[-1])
                facts.append(self.facts[-1])
        elif body["type"] == "add_note":
            facts.append(self.fact("incident.noted", incident["id"], {"text": body["text"]}))
        elif body["type"] == "prioritise_incident":
            incident["level"] = body["level"]
            facts.append(self.fact("incident.prioritised", incident["id"], {"level": 1}))
        if incident:
            incident["version"] += 1
        rows = {"incidents": [incident] if incident else [], "units": units,
                "orders": [self.orders[unit["order"]] for unit in units]}
        self.waiting.append({"position": self.position, "facts": facts, "rows": rows})
        return facts

    def drive(self):
        moved = []
        for unit in self.units.values():
            if unit["state"] not in ("under_way", "available", "returning"):
                continue
            spot = unit["position"]
            spot["lat"] += dice.uniform(-2e-4, 2e-4)
            spot["lon"] += dice.uniform(-3e-4, 3e-4)
            spot["at"] = stamp()
            moved.append({"unit": unit["id"], **{k: spot[k] for k in ("lat", "lon", "at")},
                          "heading": 0})
        return moved


class Policy:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def with_policy(message):
            if message["type"] == "http.response.start":
                message["headers"].append((b"content-security-policy", POLICY.encode()))
            await send(message)

        await self.app(scope, receive, with_policy)


def streaming(desk, silent_after):
    begun = time.monotonic()

    def is_silent():
        return bool(silent_after) and time.monotonic() - begun > silent_after

    async def stream(_request):
        async def events():
            elapsed = 0
            while True:
                while desk.waiting:
                    change = desk.waiting.pop(0)
                    yield f"event: change\nid: {change['position']}\ndata: {json.dumps(change)}\n\n"
                if elapsed % 4 == 0 and not is_silent():
                    tick = {"at": stamp(), "position": desk.position, "database": "ok",
                            "lag": desk.lag(), "counters": desk.counters()}
                    yield f"event: tick\ndata: {json.dumps(tick)}\n\n"
                    moved = json.dumps({"positions": desk.drive()})
                    yield f"event: positions\ndata: {moved}\n\n"
                elapsed += 1
                await asyncio.sleep(0.25)

        return StreamingResponse(events(), media_type="text/event-stream")

    return stream


def application(desk, city_map, silent_after):
    stream = streaming(desk, silent_after)

    async def listing(request):
        kind, wanted = request.path_params["kind"], request.query_params.get("incident")
        items = []
        if kind == "facts":
            items = [fact for fact in reversed(desk.facts) if fact["incident"] == wanted]
        if kind == "signals":
            items = [{"id": new_id(), "received_at": stamp(90), "protocol": "dc09",
                      "account": "1234", "token": "SIA-DCS", "code": "FA", "qualifier": "",
                      "zone": "7", "partition": "1", "text": None, "text_zh": "火灾报警 防区 7",
                      "text_en": "Fire alarm, zone 7", "occurred_at": stamp(92), "late": False,
                      "assurance": "authenticated", "effect": "alarm", "verdict": "opened",
                      "incident": wanted}]
        if kind == "sites":
            items = [{"id": new_id(), "name_zh": s.name_zh, "name_en": s.name_en,
                      "address": s.address_zh, "district": s.district, "agency": desk.city.agency,
                      "place": {"lat": s.lat, "lon": s.lon, "datum": "WGS-84", "source": "site",
                                "address_zh": s.address_zh, "address_en": s.address_en}}
                     for s in desk.city.sites]
        return JSONResponse({"items": items, "next": None})

    async def advice(request):
        return JSONResponse(desk.advice(desk.incidents[request.path_params["id"]]))

    async def commands(request):
        return JSONResponse({"facts": desk.command(await request.json())})

    async def map_info(_request):
        south, west, north, east = desk.city.bounds
        return JSONResponse({"available": city_map is not None,
                             "center": [desk.city.center[1], desk.city.center[0]],
                             "bounds": [west, south, east, north]})

    async def index(_request):
        return FileResponse(CONSOLE / "index.html")

    routes = [
        Route("/", index),
        Route("/api/v1/snapshot", lambda _request: JSONResponse(desk.snapshot())),
        Route("/api/v1/stream", stream),
        Route("/api/v1/map", map_info),
        Route("/api/v1/commands", commands, methods=["POST"]),
        Route("/api/v1/incidents/{id}/advice", advice),
        Route("/api/v1/{kind}", listing),
        Mount("/static/console", StaticFiles(directory=CONSOLE)),
    ]
    if city_map:
        routes.append(Route("/map/city.pmtiles", lambda _request: FileResponse(city_map)))
    return Starlette(routes=routes, middleware=[Middleware(Policy)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--no-map", action="store_true")
    parser.add_argument("--silent-after", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "tocsin-web-dev")
    asked = parser.parse_args()
    city = build_city(asked.data, 7)
    found = None if asked.no_map else next(asked.data.rglob("city.pmtiles"), None)
    uvicorn.run(application(Desk(city), found, asked.silent_after), port=asked.port,
                host="127.0.0.1", log_level="info", access_log=False)


if __name__ == "__main__":
    main()
