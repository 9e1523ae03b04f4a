// Possible duplicates of an incident: those that it names, and those that name it. Pure.

import type { Id, Incident, Likeness } from "../api/shapes.ts";
import type { Act } from "./acts.ts";
import { isQueued } from "./queue.ts";

export interface Duplicate {
  other: Incident;
  like: Likeness;
  /** It was there first: this one goes into it. Else it comes into this one. */
  isOlder: boolean;
}

/** The open ones, nearest first. Each pair is offered once, however often it was named. */
export function duplicatesOf(
  incident: Incident, incidents: ReadonlyMap<Id, Incident>,
): Duplicate[] {
  if (!isQueued(incident)) return [];
  const named = incident.likenesses.flatMap((like) => {
    const other = incidents.get(like.incident);
    return other && isQueued(other) ? [{ other, like, isOlder: true }] : [];
  });
  const naming = [...incidents.values()].flatMap((other) => {
    const like = isQueued(other) && other.likenesses.find((one) => one.incident === incident.id);
    return like ? [{ other, like, isOlder: false }] : [];
  });
  const distance = ({ like }: Duplicate): number => like.distance_m;
  return [...named, ...naming.filter(({ other }) => !incident.duplicates.includes(other.id))].sort(
    (a, b) => distance(a) - distance(b) || a.other.number - b.other.number,
  );
}

export const mergeOf = (incident: Incident, { other, isOlder }: Duplicate): Act =>
  isOlder
    ? { act: "merge", incident, into: other }
    : { act: "merge", incident: other, into: incident };
