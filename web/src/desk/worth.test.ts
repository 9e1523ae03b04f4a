// What an alarm is worth: the one thing first that the desk must know, and what it rests on.

import { describe, expect, it } from "vitest";

import type { Incident, Signal } from "../api/shapes.ts";
import { ageOf, oldest, signOf, waitsUntil, zonesOf } from "./worth.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const incident = (more: Partial<Incident>): Incident =>
  ({ cancelled: null, confirmation: null, late: false, ...more }) as Incident;
const waiting = (until: string | null, trip: string | null = null): Incident["confirmation"] =>
  ({ state: "waiting", rule: "two_zones", until, two_trip_until: trip, by: null });
const cancelled = { overtaken: false } as Incident["cancelled"];

describe("the sign of an alarm", () => {
  it("is the one thing that the desk must know first", () => {
    const soon = "2026-11-22T10:05:00Z";
    expect(signOf(incident({}), NOW)).toBeNull();
    expect(signOf(incident({ late: true }), NOW)).toBe("late");
    expect(signOf(incident({ late: true, confirmation: waiting(soon) }), NOW)).toBe("waiting");
    expect(signOf(incident({ cancelled, confirmation: waiting(soon) }), NOW)).toBe("cancelled");
    const overtaken = incident({ cancelled: { overtaken: true } as Incident["cancelled"] });
    expect(signOf(overtaken, NOW)).toBeNull();
  });

  it("says when nothing can confirm it any more, by the later of both ways", () => {
    const [past, soon] = ["2026-11-22T09:59:00Z", "2026-11-22T10:05:00Z"];
    expect(signOf(incident({ confirmation: waiting(past) }), NOW)).toBe("expired");
    expect(signOf(incident({ confirmation: waiting(past, soon) }), NOW)).toBe("waiting");
    expect(waitsUntil(incident({ confirmation: waiting(past, soon) }))).toBe(soon);
    expect(signOf(incident({ confirmation: waiting(null) }), NOW)).toBe("waiting");
  });
});

describe("what it rests on", () => {
  const signal = (id: string, zone: string, more: Partial<Signal> = {}): Signal =>
    ({ id, zone, late: false, occurred_at: null, received_at: "2026-11-22T10:00:00Z", ...more }) as Signal;

  it("names the zones once, in their order", () => {
    const signals = [signal("a", "012"), signal("b", "007"), signal("c", "7"), signal("d", "3"), signal("e", "")];
    expect(zonesOf(["a", "b", "c", "e"], signals)).toEqual(["7", "12"]);
  });

  it("tells how old the oldest late signal was; a clock that is ahead makes none younger", () => {
    const late = (at: string | null): Signal => signal("a", "", { late: true, occurred_at: at });
    expect(oldest([late("2026-11-22T09:00:00Z"), late("2026-11-22T07:00:00Z"), late(null)])).toBe(10_800_000);
    expect(oldest([signal("a", "", { occurred_at: "2026-11-22T07:00:00Z" })])).toBeNull();
    expect(ageOf(late("2026-11-22T10:00:09Z"))).toBe(0);
  });
});
