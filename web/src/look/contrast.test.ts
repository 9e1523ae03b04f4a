// Text is readable in both themes: 4.5:1 on every ground it may stand on, 3:1 for shapes.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

const css = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");

function tokensOf(theme: string): Map<string, string> {
  const block = new RegExp(`data-theme="${theme}"\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1] ?? "", m[2] ?? ""]));
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ["surface", "raised", "selected", "ground"];
const TEXTS = [
  "text", "muted", "select", "overdue", "warn", "ok", "level-1", "level-2", "level-3", "level-4",
  "unit-in-station", "unit-available", "unit-ordered", "unit-under-way", "unit-at-scene",
  "unit-transporting", "unit-returning", "unit-out-of-service",
];

describe.each(["dark", "light"])("%s", (theme) => {
  const tokens = tokensOf(theme);
  const ratio = (a: string, b: string): number =>
    contrast(tokens.get(a) ?? "missing", tokens.get(b) ?? "missing");

  it.each(TEXTS)("%s is readable on every ground", (text) => {
    for (const ground of GROUNDS) expect(ratio(text, ground), ground).toBeGreaterThanOrEqual(4.5);
  });
  it("keeps its other pairs readable", () => {
    for (const [text, ground] of [
      ["text", "field"], ["muted", "field"], ["accent-text", "accent"], ["alarm-text", "alarm-ground"],
      ["map-label", "map-halo"],
    ] as const) {
      expect(ratio(text, ground), text).toBeGreaterThanOrEqual(4.5);
    }
  });
  it("sets map signs off from their rim", () => {
    for (const text of TEXTS.filter((name) => /level|unit/.test(name))) {
      expect(ratio(text, "rim"), text).toBeGreaterThanOrEqual(3);
    }
  });
});
