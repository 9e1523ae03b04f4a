// What is near a place, for a call that is being entered: the district of the nearest station, and
// the open incidents that the caller may be telling of again. Pure; by place only, never by person.

import type { Incident, Station } from "../api/shapes.ts";
import { toWgs84 } from "../map/datum.ts";
import { isQueued } from "./queue.ts";

interface Somewhere {
  lat: number;
  lon: number;
  datum?: string;
}

export interface Near {
  incident: Incident;
  metres: number;
}

/** Beyond this an incident is hardly the one the caller means. */
const NEAR_M = 500;
const METRES_PER_DEGREE = 111_320;

/** Metres between two places a city apart at most; Infinity where a datum is not known. */
export function metresBetween(a: Somewhere, b: Somewhere): number {
  const [from, to] = [toWgs84(a), toWgs84(b)];
  if (!from || !to) return Infinity;
  const narrow = Math.cos((from[1] * Math.PI) / 180);
  return Math.hypot((to[0] - from[0]) * narrow, to[1] - from[1]) * METRES_PER_DEGREE;
}

/** The district of the station nearest to a place: a proposal the call-taker can change. */
export function nearestDistrict(
  place: Somewhere | null,
  stations: Iterable<Station>,
): string | null {
  if (!place) return null;
  let best: { district: string; metres: number } | null = null;
  for (const station of stations) {
    const metres = metresBetween(place, station);
    if (metres < (best?.metres ?? Infinity)) best = { district: station.district, metres };
  }
  return best?.district ?? null;
}

/** Open incidents within 500 m, nearest first. */
export function openNearby(place: Somewhere | null, incidents: Iterable<Incident>): Near[] {
  if (!place) return [];
  return [...incidents]
    .filter(isQueued)
    .flatMap((incident) =>
      incident.place ? { incident, metres: metresBetween(place, incident.place) } : [],
    )
    .filter(({ metres }) => metres <= NEAR_M)
    .sort((a, b) => a.metres - b.metres || a.incident.number - b.incident.number);
}
