// How far the screen can be trusted, from the age of the last tick. Pure.

export type Health = "ok" | "slow" | "stale" | "database_lost" | "signed_out" | "starting";

export const SLOW_AFTER_MS = 2_000;
export const STALE_AFTER_MS = 5_000;

export interface Heartbeat {
  /** Local monotonic-enough time of the last tick, ms; null before the first. */
  readonly lastTickAt: number | null;
  readonly startedAt: number;
  readonly database: "ok" | "lost";
  readonly signedOut: boolean;
}

export function ageMs(beat: Heartbeat, now: number): number {
  return Math.max(0, now - (beat.lastTickAt ?? beat.startedAt));
}

export function healthOf(beat: Heartbeat, now: number): Health {
  if (beat.signedOut) return "signed_out";
  const age = ageMs(beat, now);
  if (age > STALE_AFTER_MS) return "stale";
  if (beat.lastTickAt === null) return "starting";
  if (beat.database === "lost") return "database_lost";
  return age > SLOW_AFTER_MS ? "slow" : "ok";
}
