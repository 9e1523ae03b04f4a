// What an alarm is worth, from its incident's row: what the queue says of it in a word, on which
// signals its level rests, how old what came late is. Pure.

import type { Incident, Signal } from "../api/shapes.ts";

export type Sign = "cancelled" | "waiting" | "expired" | "late";

/** The one thing of these that the desk must know first; null where there is none. `now` in ms. */
export function signOf(incident: Incident, now: number): Sign | null {
  const { cancelled, confirmation, late } = incident;
  if (cancelled && !cancelled.overtaken) return "cancelled";
  if (confirmation?.state === "waiting") return isExpired(incident, now) ? "expired" : "waiting";
  return late ? "late" : null;
}

/** Until when anything can still confirm it by itself: the later of the two ways. */
export function waitsUntil({ confirmation }: Incident): string | null {
  const times = [confirmation?.until, confirmation?.two_trip_until].filter((time) => time != null);
  return times.sort().at(-1) ?? null;
}

function isExpired(incident: Incident, now: number): boolean {
  const until = waitsUntil(incident);
  return until !== null && Date.parse(until) <= now;
}

/** A zone as people say it: 3, where the panel sends 003. */
export const unnumbered = (zone: string): string => zone.replace(/^0+(?=\d)/, "");

/** The zones of the signals that the level rests on, as far as those have been read. */
export function zonesOf(evidence: readonly string[], signals: Iterable<Signal>): string[] {
  const zones = [...signals]
    .filter((signal) => evidence.includes(signal.id) && signal.zone)
    .map(({ zone }) => unnumbered(zone));
  return [...new Set(zones)].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** How long before it was heard a signal occurred, ms; null where the device did not say. */
export const ageOf = ({ occurred_at: at, received_at: heard }: Signal): number | null =>
  at === null ? null : Math.max(0, Date.parse(heard) - Date.parse(at));

/** The same for the oldest of an incident's late signals. */
export function oldest(signals: Iterable<Signal>): number | null {
  const ages = [...signals].flatMap((signal) => (signal.late ? (ageOf(signal) ?? []) : []));
  return ages.length ? Math.max(...ages) : null;
}
