// Which pictures stand on the map: from rows to marks, with moving units, tidy rows of units at
// their stations, and labels only where there is room.

import type { Id, Incident, Station, Unit } from "../api/shapes.ts";
import { isQueued } from "../desk/queue.ts";
import type { LiveState } from "../live/state.ts";
import { pick } from "../locale/index.ts";
import type { Language } from "../locale/index.ts";
import type { Atlas } from "./atlas.ts";
import { toWgs84 } from "./datum.ts";
import type { Ground, Mark } from "./layer.ts";

const UNIT_PX = 14;
const STATIONED_PX = 10;
const MOVE_S_MAX = 3;
const LABELS_FROM_ZOOM = 11.5;
const STATION_LABELS_FROM_ZOOM = 12.5;

type Point = [number, number];

export interface Motion {
  from: Point;
  to: Point;
  startS: number;
  durationS: number;
}

/** A thing on the map that can be clicked. */
export interface Target {
  what: "incident" | "unit";
  id: Id;
  at: Point;
  dx: number;
  dy: number;
}

export interface Scene {
  live: LiveState;
  language: Language;
  selected: Id | null;
  shownUnit: Id | null;
  picked: { lat: number; lon: number } | null;
  zoom: number;
  /** Screen position of a longitude and latitude, px; for labels. */
  project: (at: Point) => { x: number; y: number };
}

/** Remembers where each unit was, so that it glides to where it is. */
export class Motions {
  private readonly known = new Map<Id, Motion & { lonLat: Point }>();

  follow(id: Id, lonLat: Point, ground: Ground, nowS: number): Motion {
    const old = this.known.get(id);
    if (old?.lonLat[0] === lonLat[0] && old.lonLat[1] === lonLat[1]) return old;
    const to = ground.place(lonLat);
    // Who asks for less motion sees each new position at once.
    const glides = old && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const motion = glides
      ? {
          from: at(old, nowS),
          to,
          startS: nowS,
          durationS: Math.min(MOVE_S_MAX, Math.max(0.5, (nowS - old.startS) * 1.05)),
        }
      : { from: to, to, startS: nowS, durationS: 0 };
    this.known.set(id, { ...motion, lonLat });
    return motion;
  }
}

function at(motion: Motion, nowS: number): Point {
  const done = motion.durationS
    ? Math.min(1, Math.max(0, (nowS - motion.startS) / motion.durationS))
    : 1;
  const { from, to } = motion;
  return [from[0] + (to[0] - from[0]) * done, from[1] + (to[1] - from[1]) * done];
}

const still = (at: Point): Motion => ({ from: at, to: at, startS: 0, durationS: 0 });

/** Screen boxes already taken by labels and signs. */
class Room {
  private readonly taken: [number, number, number, number][] = [];
  claim(x: number, y: number, width: number, height: number, force = false): boolean {
    const box: [number, number, number, number] = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    const free = this.taken.every(
      (other) => box[0] >= other[2] || box[2] <= other[0] || box[1] >= other[3] || box[3] <= other[1],
    );
    if (free || force) this.taken.push(box);
    return free || force;
  }
}

interface Placed {
  unit: Unit;
  lonLat: Point;
  dx: number;
  dy: number;
}

/** Units on the road where they are; units in their station in a row beneath it. */
function placeUnits(live: LiveState): Placed[] {
  const placed: Placed[] = [];
  const rows = new Map<Id, Unit[]>();
  for (const unit of live.units.values()) {
    const home = unit.state === "in_station" || unit.state === "out_of_service";
    if (home && unit.station && live.stations.has(unit.station)) {
      rows.set(unit.station, [...(rows.get(unit.station) ?? []), unit]);
    } else if (unit.position) {
      const lonLat = toWgs84(unit.position);
      if (lonLat) placed.push({ unit, lonLat, dx: 0, dy: 0 });
    }
  }
  for (const [id, units] of rows) {
    const station = live.stations.get(id);
    const lonLat = station && toWgs84(station);
    if (!lonLat) continue;
    units.sort((a, b) => (a.call_sign < b.call_sign ? -1 : 1));
    units.forEach((unit, index) => {
      const dx = (index - (units.length - 1) / 2) * (STATIONED_PX + 4);
      placed.push({ unit, lonLat, dx, dy: 0 });
    });
  }
  return placed;
}

export function composeSigns(
  scene: Scene, ground: Ground, atlas: Atlas, motions: Motions, nowS: number,
): { marks: Mark[]; targets: Target[] } {
  const { live, selected, shownUnit, zoom } = scene;
  const marks: Mark[] = [];
  const labels: Mark[] = [];
  const targets: Target[] = [];
  const room = new Room();

  const label = (
    text: string, motion: Motion, lonLat: Point, dx: number, dy: number, strong: boolean,
  ): void => {
    const sprite = atlas.label(text, strong);
    if (!sprite) return;
    const { x, y } = scene.project(lonLat);
    // What matters most tries the places around it; the rest waits for room.
    const beside = sprite.width / 2 + 12;
    const tries = strong
      ? [[dx, dy], [dx + beside, 0], [dx - beside, 0], [dx, dy + 14], [dx, dy + 28]]
      : [[dx, dy]];
    for (const [right = 0, down = 0] of tries) {
      if (room.claim(x + right, y + down, sprite.width, sprite.height - 3)) {
        labels.push({ sprite, ...motion, dx: right, dy: down });
        return;
      }
    }
  };
  const occupy = (lonLat: Point, dx: number, dy: number, size: number): void => {
    const { x, y } = scene.project(lonLat);
    room.claim(x + dx, y + dy, size, size, true);
  };

  const chosen = selected === null ? undefined : live.incidents.get(selected);
  const incidents: { incident: Incident; lonLat: Point }[] = [];
  for (const incident of live.incidents.values()) {
    if (!incident.place || (!isQueued(incident) && incident.id !== selected)) continue;
    const lonLat = toWgs84(incident.place);
    if (lonLat) incidents.push({ incident, lonLat });
  }
  incidents.sort((a, b) =>
    a.incident.id === selected ? 1 : b.incident.id === selected ? -1
    : b.incident.level - a.incident.level,
  );

  const units = placeUnits(live);
  for (const { unit, lonLat, dx, dy } of units) {
    const stationed = unit.state === "in_station" || unit.state === "out_of_service";
    const on = unit.id === shownUnit;
    const sprite = atlas.unit(unit.kind, unit.state, stationed ? STATIONED_PX : UNIT_PX, on);
    const motion = stationed
      ? still(ground.place(lonLat))
      : motions.follow(unit.id, lonLat, ground, nowS);
    if (sprite) marks.push({ sprite, ...motion, dx, dy });
    occupy(lonLat, dx, dy, stationed ? STATIONED_PX : UNIT_PX);
    targets.push({ what: "unit", id: unit.id, at: lonLat, dx, dy });
  }
  for (const { incident, lonLat } of incidents) {
    const on = incident.id === selected;
    const sprite = atlas.incident(incident.level, incident.band !== "unassigned", on);
    const dy = on ? -18 : -15;
    if (sprite) marks.push({ sprite, ...still(ground.place(lonLat)), dx: 0, dy });
    occupy(lonLat, 0, dy, on ? 30 : 24);
    targets.push({ what: "incident", id: incident.id, at: lonLat, dx: 0, dy });
  }

  // Labels in order of need: what is chosen, who is at work, incidents, stations, the rest.
  if (chosen) {
    const found = incidents.find(({ incident }) => incident.id === selected);
    if (found) {
      label(`#${chosen.number}`, still(ground.place(found.lonLat)), found.lonLat, 0, 12, true);
    }
  }
  const ranked = units
    .map((placed) => ({
      placed,
      rank:
        placed.unit.id === shownUnit ? 0
        : placed.unit.order && placed.unit.incident === selected ? 1
        : placed.unit.order ? 2
        : 3,
    }))
    .filter(({ placed, rank }) =>
      rank < 2 || (placed.unit.state !== "in_station" && placed.unit.state !== "out_of_service"),
    )
    .sort((a, b) => a.rank - b.rank);
  for (const { placed, rank } of ranked) {
    if (rank > 1 && zoom < LABELS_FROM_ZOOM) break;
    const { unit, lonLat, dx, dy } = placed;
    const stationed = unit.state === "in_station" || unit.state === "out_of_service";
    const motion = stationed
      ? still(ground.place(lonLat))
      : motions.follow(unit.id, lonLat, ground, nowS);
    label(unit.call_sign, motion, lonLat, dx, dy + 16, rank < 2);
  }
  if (zoom >= STATION_LABELS_FROM_ZOOM) {
    for (const station of live.stations.values()) labelStation(station);
  }
  function labelStation(station: Station): void {
    const lonLat = toWgs84(station);
    if (!lonLat) return;
    const name = pick(scene.language, station.name_zh, station.name_en);
    label(name, still(ground.place(lonLat)), lonLat, 0, 16, false);
  }
  if (scene.picked) {
    const sprite = atlas.cross();
    const place = ground.place([scene.picked.lon, scene.picked.lat]);
    if (sprite) marks.push({ sprite, ...still(place), dx: 0, dy: 0 });
  }
  return { marks: [...labels, ...marks], targets };
}
