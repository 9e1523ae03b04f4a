// Intake counters: `dc09.bad_crc` is a name of its intake and what was counted. What we do not know
// counts as trouble: in doubt it is shown.

/** Counted in the ordinary course: what was taken and answered, and who listens. */
const ORDINARY = new Set([
  "poll", "received", "ack", "nak", "duh", "nothing", "repeat", "stream_clients",
  "clock_off", "unchanged", "not_our_area", "expired", "feed_back", "place", "identity_dropped",
  "refused",
  "published", "puback", "pubrec", "connections", "nothing_new", "broker_connected",
]);

/** The name without its intake. */
export const counted = (name: string): string => name.slice(name.indexOf(".") + 1);

/** That a panel speaks a dialect, or that its clock is off, is its nature. */
export const isTrouble = (name: string): boolean =>
  !ORDINARY.has(counted(name)) && !counted(name).startsWith("dialect.");

export function troubles(counters: Record<string, number>): number {
  return Object.entries(counters).reduce(
    (sum, [name, count]) => sum + (isTrouble(name) ? count : 0),
    0,
  );
}
