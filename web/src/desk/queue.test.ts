// The queue's order and counts.

import { describe, expect, it } from "vitest";

import type { Incident } from "../api/shapes.ts";
import { bandsOf, countsOf, nextToTake } from "./queue.ts";

const row = (number: number, part: Partial<Incident>): Incident =>
  ({
    id: `i${number}`, number, band: "unassigned", state: "new", level: 3, due_at: null,
    opened_at: "2026-11-21T10:00:00Z", overdue: null, ...part,
  }) as Incident;

const rows = [
  row(1, { band: "working", state: "taken", level: 1 }),
  row(2, { level: 4, due_at: "2026-11-21T09:00:00Z" }),
  row(3, { level: 1, state: "taken" }),
  row(4, { level: 2, due_at: "2026-11-21T10:05:00Z" }),
  row(5, { level: 2, due_at: "2026-11-21T10:01:00Z" }),
  row(6, { level: 2 }),
  row(7, { band: "watch", level: 1 }),
  row(8, { band: "closed", state: "closed", level: 1 }),
  row(9, { state: "merged", level: 1 }),
  row(11, { level: 2, overdue: "take", due_at: null }),
  row(10, { level: 2, opened_at: "2026-11-21T09:59:00Z" }),
];
const numbers = (incidents: Incident[]): number[] => incidents.map((incident) => incident.number);

describe("the queue", () => {
  const bands = bandsOf(rows);
  const now = Date.parse("2026-11-21T10:02:00Z");

  it("sorts by priority, overdue, deadline, age, and never mixes bands", () => {
    expect(bands.map(({ band, incidents }) => [band, numbers(incidents)])).toEqual([
      ["unassigned", [3, 11, 5, 4, 10, 6, 2]],
      ["working", [1]],
      ["watch", [7]],
    ]);
  });
  it("keeps what is overdue first while a further alarm's deadline runs", () => {
    const soon = "2026-11-21T10:03:00Z"; // still to come
    const late = row(2, { overdue: "take", due_at: "2026-11-21T10:04:00Z" });
    const again = bandsOf([row(1, { due_at: soon }), late]);
    expect(again.map(({ incidents }) => numbers(incidents))[0]).toEqual([2, 1]);
    expect(countsOf(again, now).overdue).toBe(1);
  });
  it("shows a fire first and whatever is different, however many exceptions wait", () => {
    // As many cards as wait when a flood is on (core/crowds.py): 10 of one kind, the first of each
    // other kind, then the crowds.
    const watch = Array.from({ length: 19 }, (_, at) =>
      row(at + 1, {
        band: "watch", level: 4, opened_at: `2026-11-21T10:00:${String(at).padStart(2, "0")}Z`,
        due_at: `2026-11-21T11:00:${String(at).padStart(2, "0")}Z`,
      }));
    const fire = row(20, { level: 1, opened_at: "2026-11-21T10:00:30Z" });
    const shown = bandsOf([...watch, fire]).flatMap(({ incidents }) => numbers(incidents));
    expect(shown[0]).toBe(20);
    expect(shown).toHaveLength(20); // 20 rows and three headings are a screen of 1280 x 800
  });
  it("counts what waits and what is late by this clock", () => {
    expect(countsOf(bands, now)).toEqual({ open: 9, notTaken: 7, overdue: 3 });
    expect(countsOf(bandsOf([row(1, { overdue: "take" })]), now).overdue).toBe(1);
  });
  it("takes the most urgent one that nobody has taken, watch last", () => {
    expect(nextToTake(bands, null)?.number).toBe(11);
    expect(nextToTake(bandsOf([row(1, { band: "watch" })]), null)?.number).toBe(1);
  });
  it("goes on to what is still unassigned when all are taken, held ones apart", () => {
    const taken = bandsOf([
      row(1, { state: "taken", level: 1 }), row(2, { state: "taken", level: 2 }),
      row(3, { state: "held", level: 1 }),
    ]);
    expect(nextToTake(taken, null)?.number).toBe(1);
    expect(nextToTake(taken, "i1")?.number).toBe(2);
    expect(nextToTake(bandsOf([row(1, { state: "taken", band: "working" })]), null)).toBeNull();
  });
});
