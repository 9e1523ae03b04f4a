// How often the signs are drawn.

import type { Mark } from "./layer.ts";

/** The whole world's width at zoom 0. */
export const WORLD_PX = 512;
export const FRAME_MS_MIN = 50;
export const FRAME_MS_MAX = 1_000;

/** How long a frame lasts before the fastest mark has moved by a pixel: between two such frames
 * nothing changes, and each one is a redrawing of the whole map. */
export function frameMs(marks: readonly Mark[], zoom: number, nowS: number): number {
  let fastest = 0;
  for (const { from, to, startS, durationS } of marks) {
    if (durationS <= 0 || nowS > startS + durationS) continue;
    fastest = Math.max(fastest, Math.hypot(to[0] - from[0], to[1] - from[1]) / durationS);
  }
  const pxPerS = fastest * WORLD_PX * 2 ** zoom;
  return Math.min(FRAME_MS_MAX, Math.max(FRAME_MS_MIN, 1_000 / pxPerS));
}
