// Steps of action plans: numbered through as the card shows them, ticked by plan and step.

import { describe, expect, it } from "vitest";

import type { Incident, Plan } from "../api/shapes.ts";
import { commandsOf, undoOf } from "./acts.ts";
import { isPlanFirst, isTicked, numbered, progress, stepsOf, tickOf } from "./steps.ts";

const incident = {
  id: "i", plans: [{ plan: "k", count: 2 }, { plan: "s", count: 1 }],
  ticked: [{ plan: "s", step: 1, by_name: "Li" }],
} as Incident;
const words = (plan: string, ...texts: string[]): Plan =>
  ({ plan, steps: texts.map((text) => ({ text_zh: text, text_en: text })) }) as Plan;

describe("steps", () => {
  it("are numbered through all plans", () => {
    expect(stepsOf(incident)).toEqual([
      { plan: "k", step: 1, place: 1 }, { plan: "k", step: 2, place: 2 }, { plan: "s", step: 1, place: 3 },
    ]);
    expect(progress(incident)).toEqual({ done: 1, all: 3 });
  });

  it("are ticked by plan and step, not by their number alone", () => {
    expect(stepsOf(incident).map((step) => isTicked(incident, step))).toEqual([false, false, true]);
    expect(tickOf(incident, { plan: "s", step: 1, place: 3 })?.by_name).toBe("Li");
  });

  it("get their words, and keep their numbers where a plan's words have not come", () => {
    const read = numbered(incident, [words("s", "call")]);
    expect(read.map(({ steps }) => steps.map(({ place, text_en }) => [place, text_en]))).toEqual([
      [[3, "call"]],
    ]);
    expect(numbered(incident, [words("k")])[0]?.steps).toEqual([]);
  });

  it("are taken back by the opposite command", () => {
    const act = { act: "tick", incident, plan: "k", step: 2, place: 2 } as const;
    const body = { incident: "i", plan: "k", step: 2 };
    expect(commandsOf(act, 0)).toEqual([{ type: "tick_step", ...body }]);
    const back = undoOf(act);
    expect(back && commandsOf(back, 0)).toEqual([{ type: "untick_step", ...body }]);
  });

  it("come before duplicates and advice where a life is at risk, and where somebody is sent", () => {
    const first = (row: Partial<Incident>): boolean =>
      isPlanFirst({ level: 2, avs: null, band: "unassigned", state: "taken", ...row } as Incident);
    expect(first({})).toBe(false);
    expect(first({ level: 1 })).toBe(true);
    expect(first({ avs: { level: 4 } as Incident["avs"] })).toBe(true);
    expect(first({ avs: { level: 3 } as Incident["avs"] })).toBe(false);
    expect(first({ band: "working" })).toBe(true);
    expect(first({ state: "held" })).toBe(true);
  });
});
