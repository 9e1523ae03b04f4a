import { describe, expect, it } from "vitest";

import type { Signal, Site } from "../api/shapes.ts";
import { matching, sendersOf } from "./senders.ts";

const heard = (id: string, at: number, more: Partial<Signal>): Signal =>
  ({
    id, received_at: `2026-11-21T10:00:0${at}Z`, incident: "crowd", protocol: "dc09", site: null,
    account: "1", code: "AT", text_zh: "交流电源断电", text_en: "AC power lost", ...more,
  }) as Signal;

describe("the senders of a crowd", () => {
  it("are sites, and unknown sources by protocol and account; who spoke last comes first", () => {
    const found = sendersOf(
      [
        heard("a", 1, { site: "s1", account: "1" }),
        heard("b", 2, { account: "7" }),
        heard("c", 3, { site: "s1", account: "2" }), // another device of the same site
        heard("d", 4, { account: "7", protocol: "mqtt" }),
      ],
      "crowd",
    );
    expect(found.map(({ key, signals }) => [key, signals.map(({ id }) => id)])).toEqual([
      ["mqtt/7", ["d"]], ["site/s1", ["c", "a"]], ["dc09/7", ["b"]],
    ]);
  });

  it("count a signal once, and drop what has left since it was read", () => {
    const read = [heard("a", 1, {}), heard("b", 2, { account: "2" }), heard("a", 1, {})];
    const streamed = [heard("b", 2, { account: "2", incident: "own" })];
    const found = sendersOf([...read, ...streamed], "crowd");
    expect(found.map(({ key, signals }) => [key, signals.length])).toEqual([["dc09/1", 1]]);
  });

  it("are found by every word that is asked for", () => {
    const senders = sendersOf(
      [heard("a", 1, { site: "s1", account: "10" }), heard("b", 2, { account: "20" })], "crowd",
    );
    const sites = new Map([["s1", { id: "s1", code: "C1", name_zh: "医院", name_en: "Hospital" } as Site]]);
    const keys = (wanted: string): string[] => matching(senders, sites, wanted).map(({ key }) => key);
    expect(keys("hospital power")).toEqual(["site/s1"]);
    expect(keys("医院")).toEqual(["site/s1"]);
    expect(keys("20")).toEqual(["dc09/20"]);
    expect(keys("hospital 20")).toEqual([]);
    expect(keys("  ")).toHaveLength(2);
  });
});
