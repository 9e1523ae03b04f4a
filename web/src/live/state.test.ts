// Snapshot + changes = fresh snapshot, from the same files that the server's tests run.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { Change, Order, Snapshot, Unit } from "../api/shapes.ts";
import { applyChange, applyPositions, asSnapshot, fromSnapshot } from "./state.ts";

interface Case {
  name?: string;
  snapshot: Snapshot;
  changes: Change[];
  expected: Snapshot;
}

const FOLDER = join(import.meta.dirname, "../../../tests/live");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

const casesOf = (name: string): Case[] => {
  const read = JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Case | Case[];
  return Array.isArray(read) ? read : [read];
};

describe("snapshot and changes", () => {
  it("has cases", () => expect(files.length).toBeGreaterThan(0));

  for (const file of files) {
    for (const [index, { name, snapshot, changes, expected }] of casesOf(file).entries()) {
      const title = `${file} ${name ?? index}`;
      const at = Date.parse(expected.at);
      const fresh = asSnapshot(fromSnapshot(expected), at);

      it(`${title} equals a fresh snapshot`, () => {
        const state = changes.reduce(applyChange, fromSnapshot(snapshot));
        expect(asSnapshot(state, at)).toEqual(fresh);
      });

      it(`${title} is not changed by hearing everything twice`, () => {
        const twice = [...changes, ...changes].reduce(applyChange, fromSnapshot(snapshot));
        expect(asSnapshot(twice, at)).toEqual(fresh);
      });

      it(`${title} needs its changes`, () => {
        expect(changes.length).toBeGreaterThan(0);
        expect(asSnapshot(fromSnapshot(snapshot), at)).not.toEqual(fresh);
      });
    }
  }
});

const unit = (version: number, lat: number, at: string): Unit =>
  ({
    id: "u1", call_sign: "E101", version,
    position: { lat, lon: 1, datum: "WGS-84", at, heading: null },
  }) as Unit;

const empty: Snapshot = {
  position: 10, at: "2026-11-21T10:00:00Z", incidents: [], units: [], orders: [], districts: [],
  agencies: [], stations: [], counters: {},
  me: {
    id: "p", name: "", role: "dispatcher", districts: [], agency: "a", unit: null, language: "en",
  },
  lag: { signals_waiting: 0, oldest_s: 0, sequencer_behind: 0, quarantined: 0 },
};

describe("rows", () => {
  it("keeps the row with the higher version, whatever comes later", () => {
    const first = fromSnapshot({ ...empty, units: [unit(5, 1, "2026-11-21T10:00:00Z")] });
    const older = applyChange(first, {
      position: 11, facts: [], rows: { units: [unit(4, 9, "2026-11-21T10:00:09Z")] },
    });
    expect(older.units.get("u1")?.version).toBe(5);
    expect(older.position).toBe(11);
  });

  it("drops a change that the snapshot already has", () => {
    const state = fromSnapshot(empty);
    const same = applyChange(state, {
      position: 10, facts: [], rows: { units: [unit(1, 1, "2026-11-21T10:00:00Z")] },
    });
    expect(same).toBe(state);
  });

  it("lets a unit glide on when its row comes with an older position", () => {
    let state = fromSnapshot({ ...empty, units: [unit(1, 1, "2026-11-21T10:00:00Z")] });
    state = applyPositions(state, [
      { unit: "u1", lat: 2, lon: 1, heading: 90, at: "2026-11-21T10:00:05Z" },
      { unit: "unknown", lat: 2, lon: 1, heading: 90, at: "2026-11-21T10:00:05Z" },
    ]);
    state = applyPositions(state, [
      { unit: "u1", lat: 7, lon: 1, heading: 90, at: "2026-11-21T10:00:04Z" },
    ]);
    state = applyChange(state, {
      position: 11, facts: [], rows: { units: [unit(2, 1, "2026-11-21T10:00:00Z")] },
    });
    expect(state.units.get("u1")?.version).toBe(2);
    expect(state.units.get("u1")?.position?.lat).toBe(2);
    expect(state.units.size).toBe(1);
  });

  it("forgets an order that has ended", () => {
    const order = { id: "o1", state: "given", version: 1 } as Order;
    const state = applyChange(fromSnapshot({ ...empty, orders: [order] }), {
      position: 11, facts: [], rows: { orders: [{ ...order, state: "done", version: 2 }] },
    });
    expect(state.orders.size).toBe(0);
  });
});
