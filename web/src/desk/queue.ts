// The queue's order: three bands that never interleave; in each, priority, then deadline, then age.
// Pure.

import { BANDS } from "../api/shapes.ts";
import type { Band, Id, Incident } from "../api/shapes.ts";

export interface QueueBand {
  band: Band;
  incidents: Incident[];
}

export interface QueueCounts {
  open: number;
  notTaken: number;
  overdue: number;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** RFC 3339 UTC texts of one form compare like the times they stand for. What is overdue
 * stands first, also while a further alarm's deadline runs; what never had one stands last. */
const deadline = (incident: Incident): string =>
  incident.overdue === null ? (incident.due_at ?? "9999") : "";

export function byUrgency(a: Incident, b: Incident): number {
  return (
    a.level - b.level ||
    compare(deadline(a), deadline(b)) ||
    compare(a.opened_at, b.opened_at) ||
    a.number - b.number
  );
}

export function isQueued(incident: Incident): boolean {
  return incident.state !== "closed" && incident.state !== "merged" && incident.band !== "closed";
}

export function bandsOf(incidents: Iterable<Incident>): QueueBand[] {
  const queued = [...incidents].filter(isQueued);
  return BANDS.map((band) => ({
    band,
    incidents: queued.filter((incident) => incident.band === band).sort(byUrgency),
  }));
}

/** Past its deadline, by the server's word or by the clock on this screen (`now`, ms). */
export function isOverdue(
  row: { overdue: string | null; due_at: string | null },
  now: number,
): boolean {
  return row.overdue !== null || (row.due_at !== null && Date.parse(row.due_at) < now);
}

export function countsOf(bands: readonly QueueBand[], now: number): QueueCounts {
  const all = bands.flatMap((band) => band.incidents);
  return {
    open: all.length,
    notTaken: all.filter((incident) => incident.state === "new").length,
    overdue: all.filter((incident) => isOverdue(incident, now)).length,
  };
}

/** The incident F2 takes next: the most urgent one that nobody has taken, watch band last. */
export function nextToTake(bands: readonly QueueBand[], except: Id | null): Incident | null {
  const all = bands.flatMap((band) => band.incidents);
  const fresh = all.filter((incident) => incident.state === "new");
  const unassigned = all.filter(
    (incident) => incident.band === "unassigned" && incident.state !== "held",
  );
  return fresh[0] ?? unassigned.find((incident) => incident.id !== except) ?? null;
}
