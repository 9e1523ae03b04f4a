// The feed pill: when a screen stops being trustworthy.

import { describe, expect, it } from "vitest";

import { healthOf } from "./health.ts";
import type { Heartbeat } from "./health.ts";

const beat: Heartbeat = { lastTickAt: 1_000, startedAt: 0, database: "ok", signedOut: false };

describe("health", () => {
  it.each([
    [0, "ok"], [2_000, "ok"], [2_001, "slow"], [5_000, "slow"], [5_001, "stale"],
    [90_000, "stale"],
  ])("%d ms after a tick is %s", (age, wanted) => {
    expect(healthOf(beat, 1_000 + age)).toBe(wanted);
  });
  it("says that the database is lost, and stale before that", () => {
    expect(healthOf({ ...beat, database: "lost" }, 1_500)).toBe("database_lost");
    expect(healthOf({ ...beat, database: "lost" }, 9_000)).toBe("stale");
  });
  it("is starting before the first tick, but not for ever", () => {
    expect(healthOf({ ...beat, lastTickAt: null }, 3_000)).toBe("starting");
    expect(healthOf({ ...beat, lastTickAt: null }, 6_000)).toBe("stale");
  });
  it("puts a lost session above everything", () => {
    expect(healthOf({ ...beat, signedOut: true }, 90_000)).toBe("signed_out");
  });
});
