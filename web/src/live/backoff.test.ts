import { describe, expect, it } from "vitest";

import { resetBackoff } from "./backoff.ts";

describe("beginning again after a reset", () => {
  it("is at once the first time, then waits longer and longer, up to a bound", () => {
    let now = 0;
    const wait = resetBackoff(
      () => now,
      () => 1,
    );
    const waits = Array.from({ length: 8 }, () => {
      const one = wait();
      now += one;
      return one;
    });
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it("spreads the windows of a city", () => {
    const draws = [0, 0.5, 1].map((drawn) => {
      const wait = resetBackoff(
        () => 0,
        () => drawn,
      );
      wait();
      return wait();
    });
    expect(draws).toEqual([500, 750, 1_000]);
  });

  it("starts over after a quiet minute", () => {
    let now = 0;
    const wait = resetBackoff(
      () => now,
      () => 1,
    );
    wait();
    wait();
    now += 62_000;
    expect(wait()).toBe(0);
  });
});
