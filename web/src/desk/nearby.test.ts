// What is near a place, across datums and with the districts of stations.

import { describe, expect, it } from "vitest";

import type { Incident, Station } from "../api/shapes.ts";
import { metresBetween, nearestDistrict, openNearby } from "./nearby.ts";

const HERE = { lat: 30.25, lon: 120.15, datum: "WGS-84" };

const incident = (number: number, lat: number, state = "new", datum = "WGS-84"): Incident =>
  ({
    id: `i${number}`, number, state, band: "unassigned", place: { ...HERE, lat, datum },
  }) as Incident;
const station = (district: string, lat: number): Station => ({ ...HERE, lat, district }) as Station;

describe("nearby", () => {
  it("measures in metres, and through another datum", () => {
    expect(metresBetween(HERE, { ...HERE, lat: 30.251 })).toBeCloseTo(111, 0);
    expect(metresBetween(HERE, { ...HERE, lon: 120.151 })).toBeCloseTo(96, 0);
    // The same numbers in GCJ-02 are another place, some 500 m away.
    expect(metresBetween(HERE, { ...HERE, datum: "GCJ-02" })).toBeGreaterThan(300);
    expect(metresBetween(HERE, { ...HERE, datum: "ED50" })).toBe(Infinity);
  });

  it("finds open incidents within 500 m, nearest first", () => {
    const rows = [
      incident(1, 30.254), incident(2, 30.251), incident(3, 30.26),
      incident(4, 30.25, "closed"), incident(5, 30.25, "new", "ED50"),
    ];
    expect(openNearby(HERE, rows).map((near) => near.incident.number)).toEqual([2, 1]);
    expect(openNearby(null, rows)).toEqual([]);
  });

  it("proposes the district of the nearest station", () => {
    expect(nearestDistrict(HERE, [station("far", 30.4), station("near", 30.26)])).toBe("near");
    expect(nearestDistrict(null, [station("near", 30.26)])).toBeNull();
  });
});
