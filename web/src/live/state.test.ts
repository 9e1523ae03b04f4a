// Snapshot + changes = fresh snapshot, from the same files that the server's tests run.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { Change, Incident, OnTest, Order, Signal, Snapshot, Unit } from "../api/shapes.ts";
import {
  applyChange, applyPositions, asSnapshot, CLOSED_KEPT, fromSnapshot, prune, SIGNALS_KEPT,
  SIGNALS_SHOWN,
} from "./state.ts";
import type { LiveState } from "./state.ts";

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

      it(`${title} equals it still when it is pruned all the while`, () => {
        const state = changes.reduce(
          (before, change) => prune(applyChange(before, change), new Set(), at),
          fromSnapshot(snapshot),
        );
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
  position: 10, at: "2026-11-21T10:00:00Z", incidents: [], units: [], orders: [], on_tests: [],
  districts: [],
  agencies: [], stations: [], counters: {},
  me: {
    id: "p", name: "", role: "dispatcher", districts: [], agency: "a", unit: null, language: "en",
  },
  lag: { signals_waiting: 0, oldest_s: 0, sequencer_behind: 0, quarantined: 0 },
};

describe("tests", () => {
  const test = (id: string, version: number, ended: string | null): OnTest =>
    ({ id, version, ended_at: ended }) as OnTest;

  it("are there while they run", () => {
    const first = fromSnapshot({ ...empty, on_tests: [test("a", 1, null)] });
    const begun = applyChange(first, { position: 11, facts: [], rows: { on_tests: [test("b", 1, null)] } });
    expect([...begun.onTests.keys()]).toEqual(["a", "b"]);
    const ended = applyChange(begun, {
      position: 12, facts: [], rows: { on_tests: [test("a", 2, "2026-11-21T10:00:00Z")] },
    });
    expect([...ended.onTests.keys()]).toEqual(["b"]);
  });
});

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

describe("what only grows", () => {
  const NOW = Date.parse("2026-11-21T10:00:00Z");
  const ago = (s: number): string => new Date(NOW - s * 1_000).toISOString();
  const incident = (id: string, more: Partial<Incident> = {}): Incident =>
    ({
      id, version: 1, state: "taken", opened_at: ago(90_000), closed_at: null, merged_into: null,
      absorbed: [], duplicates: [], linked: [], ...more,
    }) as unknown as Incident;
  const closed = (id: string, s: number): Incident =>
    incident(id, { state: "closed", closed_at: ago(s) });
  const state = (incidents: Incident[], signals: Signal[] = []): LiveState =>
    applyChange(fromSnapshot({ ...empty, incidents }), {
      position: 11, facts: [], rows: { signals },
    });
  const signals = (count: number, of: string): Signal[] =>
    Array.from({ length: count }, (_, n) => ({ id: `${of} ${n}`, incident: of }) as Signal);
  const none = new Set<string>();

  it("is left alone up to its limit", () => {
    const full = state(
      [incident("open"), ...Array.from({ length: CLOSED_KEPT }, (_, n) => closed(`c${n}`, n))],
      signals(SIGNALS_KEPT, "open"),
    );
    expect(prune(full, none, NOW)).toBe(full);
  });

  it("loses the incidents that ended first, and never an open one", () => {
    const many = [
      ...Array.from({ length: 900 }, (_, n) => incident(`o${n}`)),
      ...Array.from({ length: CLOSED_KEPT + 1 }, (_, n) => closed(`c${n}`, n)),
    ];
    const { incidents } = prune(state(many), none, NOW);
    expect(incidents.size).toBe(900 + CLOSED_KEPT);
    expect(incidents.has(`c${CLOSED_KEPT}`)).toBe(false);
    expect(incidents.has("c0")).toBe(true);
  });

  it("loses what ended more than an hour ago, as a fresh snapshot does", () => {
    const kept = prune(state([closed("just", 3_600), closed("old", 3_601)]), none, NOW);
    expect([...kept.incidents.keys()]).toEqual(["just"]);
  });

  it("keeps what is on screen, and what that and the open ones name", () => {
    const live = state([
      incident("open", { absorbed: ["part"], linked: ["link"], duplicates: ["twin"] }),
      incident("part", { state: "merged", merged_into: "open" }),
      closed("link", 9_000), closed("twin", 9_000), closed("of a unit", 9_000),
      { ...closed("shown", 9_000), linked: ["of shown"] }, closed("of shown", 9_000),
      { ...closed("gone", 9_000), linked: ["of gone"] }, closed("of gone", 9_000),
    ]);
    const units = new Map([["u1", { ...unit(1, 1, ago(0)), incident: "of a unit" }]]);
    const kept = prune({ ...live, units }, new Set(["shown"]), NOW);
    expect([...kept.incidents.keys()].sort()).toEqual(
      ["link", "of a unit", "of shown", "open", "part", "shown", "twin"],
    );
  });

  it("keeps the newest signals, and those on screen however old", () => {
    const heard = [...signals(SIGNALS_SHOWN + 9, "shown"), ...signals(SIGNALS_KEPT, "other")];
    const kept = [...prune(state([], heard), new Set(["shown"]), NOW).signals.keys()];
    expect(kept.length).toBeLessThanOrEqual(SIGNALS_KEPT);
    expect(kept.filter((id) => id.startsWith("shown"))).toEqual(
      heard.slice(9, SIGNALS_SHOWN + 9).map(({ id }) => id),
    );
    expect(kept.at(-1)).toBe(`other ${SIGNALS_KEPT - 1}`);
  });

  it("stays bounded through a busy day", () => {
    let live = state([]);
    for (let n = 0; n < 1_200; n += 1) {
      const row = closed(`c${n}`, 1_200 - n);
      const change: Change = {
        position: 12 + n, facts: [], rows: { incidents: [row], signals: signals(2, row.id) },
      };
      live = prune(applyChange(live, change), none, NOW);
      expect(live.incidents.size).toBeLessThanOrEqual(CLOSED_KEPT);
      expect(live.signals.size).toBeLessThanOrEqual(SIGNALS_KEPT);
    }
    expect(live.incidents.has("c1199")).toBe(true);
  });
});
