import { describe, expect, it } from "vitest";

import type { Fact } from "../api/shapes.ts";
import { linesOf } from "./lines.ts";

const told = (position: number, kind: string, sentence: string, actor = ""): Fact =>
  ({
    position, kind, actor, recorded_at: `2026-11-21T10:00:${10 + position}Z`, data: { sentence },
  }) as unknown as Fact;
const say = (fact: Fact): string => String(fact.data.sentence);
const lines = (facts: Fact[]): [string, string, number, string, string][] =>
  linesOf(facts, say, (fact) => fact.actor).map(({ fact, sentence, who, count, since }) => [
    sentence, who, count, fact.recorded_at.slice(-3, -1), since.slice(-3, -1),
  ]);

describe("the lines of a timeline", () => {
  it("say once, with a count, what is said again at once", () => {
    const joined = "incident.signal_joined";
    expect(
      lines([
        told(6, joined, "Further signal"), told(5, joined, "Further signal"),
        told(4, "incident.taken", "Taken by Li"), told(3, joined, "Further signal"),
      ]),
    ).toEqual([
      ["Further signal", "", 2, "16", "15"], ["Taken by Li", "", 1, "14", "14"],
      ["Further signal", "", 1, "13", "13"],
    ]);
  });

  it("keep apart what two people did, and what only reads alike", () => {
    expect(
      lines([
        told(4, "a", "Same", "li"), told(3, "a", "Same", "ann"), told(2, "b", "Same", "ann"),
      ]).map(([, who, count]) => [who, count]),
    ).toEqual([["li", 1], ["ann", 1], ["ann", 1]]);
  });
});
