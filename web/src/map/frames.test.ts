import { describe, expect, it } from "vitest";

import { FRAME_MS_MAX, FRAME_MS_MIN, frameMs, WORLD_PX } from "./frames.ts";
import type { Mark } from "./layer.ts";

const moving = (px: number, durationS = 1, startS = 0): Mark =>
  ({ from: [0, 0], to: [px / WORLD_PX / 2 ** 12, 0], startS, durationS }) as unknown as Mark;

describe("frameMs", () => {
  it("is the time of the fastest mark for one pixel", () => {
    expect(frameMs([moving(2), moving(8), moving(4)], 12, 0)).toBeCloseTo(125);
  });
  it("grows shorter as the map is enlarged", () => {
    expect(frameMs([moving(2)], 13, 0)).toBeCloseTo(250);
  });
  it("has bounds", () => {
    expect(frameMs([moving(1e6)], 12, 0)).toBe(FRAME_MS_MIN);
    expect(frameMs([moving(0.001)], 12, 0)).toBe(FRAME_MS_MAX);
    expect(frameMs([], 12, 0)).toBe(FRAME_MS_MAX);
  });
  it("does not ask for frames of what stands or has arrived", () => {
    expect(frameMs([moving(8, 0), moving(8, 1, 0)], 12, 2)).toBe(FRAME_MS_MAX);
  });
});
