// Possible duplicates are offered on the cards of both, each pair once, the newer into the older.

import { describe, expect, it } from "vitest";

import type { Incident, Likeness } from "../api/shapes.ts";
import { duplicatesOf, mergeOf } from "./duplicates.ts";

const like = (incident: string, distance_m: number): Likeness =>
  ({ incident, alike: "same_type", distance_m, apart_s: 60 });
const row = (id: string, likenesses: Likeness[] = [], state = "new"): Incident =>
  ({
    id, number: Number(id), state, band: "unassigned", likenesses,
    duplicates: likenesses.map((one) => one.incident),
  }) as Incident;
const all = (...rows: Incident[]): Map<string, Incident> => new Map(rows.map((one) => [one.id, one]));

describe("duplicates", () => {
  const [old, far, fresh] = [row("1"), row("2"), row("3", [like("2", 200), like("1", 40)])];
  const rows = all(old, far, fresh);

  it("are named nearest first, on both cards", () => {
    expect(duplicatesOf(fresh, rows).map(({ other }) => other.id)).toEqual(["1", "2"]);
    expect(duplicatesOf(old, rows).map(({ other, like: why }) => [other.id, why.distance_m])).toEqual([
      ["3", 40],
    ]);
  });

  it("merge the newer into the older, from either card", () => {
    const [here] = duplicatesOf(fresh, rows);
    const [there] = duplicatesOf(old, rows);
    const wanted = { act: "merge", incident: fresh, into: old };
    expect(here && mergeOf(fresh, here)).toEqual(wanted);
    expect(there && mergeOf(old, there)).toEqual(wanted);
  });

  it("leave out what is closed or merged, and offer nothing on such a card", () => {
    const ended = all(row("1", [], "closed"), row("2", [], "merged"), fresh);
    expect(duplicatesOf(fresh, ended)).toEqual([]);
    expect(duplicatesOf(row("1", [], "merged"), rows)).toEqual([]);
  });

  it("offer a pair once that names each other", () => {
    const both = all(row("1", [like("3", 40)]), fresh);
    expect(duplicatesOf(fresh, both)).toHaveLength(1);
  });
});
