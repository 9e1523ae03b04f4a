// No message is missing, empty or in the other language; every kind of fact and every value of the
// core's lists has its words.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { Fact } from "../api/shapes.ts";
import { COUNTERS } from "./counters.ts";
import { en } from "./en.ts";
import { HELP } from "./help.ts";
import { CATALOGUES, LANGUAGES } from "./index.ts";
import type { Language } from "./index.ts";
import { SENDERS } from "./senders.ts";
import { tell } from "./telling.ts";
import type { Known } from "./telling.ts";
import { zh } from "./zh.ts";

const CORE = join(import.meta.dirname, "../../../src/tocsin/core");
const core = (name: string): string => readFileSync(join(CORE, name), "utf8");

/** Every leaf by its path: texts as they are, sentences by their kind. */
function leaves(value: unknown, path = ""): [string, unknown][] {
  if (value === null || typeof value !== "object") return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

/** With the words that are read later. */
const whole = (language: Language): unknown => ({
  ...CATALOGUES[language], help: HELP[language], senders: SENDERS[language],
});
const zhLeaves = new Map(leaves(whole("zh-CN")));
const enLeaves = new Map(leaves(whole("en")));

// What is written the same in both, or names the other language on purpose.
const SHARED = /^\.(strip\.language(Title)?|bar\.keys\.language|help\.(tokens|keys)\.\d+\.0)$/;
const EXAMPLE = /^\.help\.verbs\.\w+\.1$/;

describe("counters", () => {
  it("have words of their own in both languages", () => {
    const { "zh-CN": chinese, en: english } = COUNTERS;
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
    expect(Object.values(english).filter((word) => !word.trim() || /\p{Script=Han}/u.test(word))).toEqual([]);
    expect(Object.values(chinese).filter((word) => !/\p{Script=Han}/u.test(word))).toEqual([]);
  });
});

describe("catalogues", () => {
  it("have the same messages", () => {
    expect([...enLeaves.keys()].sort()).toEqual([...zhLeaves.keys()].sort());
  });

  it.each(LANGUAGES)("%s has no empty message", (language) => {
    for (const [path, leaf] of leaves(whole(language))) {
      expect(typeof leaf === "string" ? leaf.trim() : leaf, path).toBeTruthy();
    }
  });

  it("keep the languages apart", () => {
    for (const [path, leaf] of enLeaves) {
      if (typeof leaf === "string" && !SHARED.test(path)) {
        expect(leaf, path).not.toMatch(/\p{Script=Han}/u);
      }
    }
    for (const [path, leaf] of zhLeaves) {
      if (typeof leaf === "string" && !SHARED.test(path) && !EXAMPLE.test(path)) {
        expect(leaf, path).toMatch(/\p{Script=Han}/u);
      }
    }
  });
});

/** The values of a StrEnum in the core's source. */
function valuesOf(source: string, name: string): string[] {
  const body = new RegExp(`class ${name}\\(StrEnum\\):([\\s\\S]*?)\\n\\n\\n`).exec(source)?.[1];
  return [...(body ?? "").matchAll(/^ {4}[A-Z_0-9]+ = "([^"]+)"/gm)].map((match) => match[1] ?? "");
}

describe("the core's lists", () => {
  it.each([
    ["terms.py", "IncidentType", "types"],
    ["terms.py", "Capability", "capabilities"],
    ["terms.py", "Channel", "channels"],
    ["terms.py", "Disposition", "dispositions"],
    ["terms.py", "Role", "roles"],
    ["incidents/state.py", "IncidentState", "incidentStates"],
    ["incidents/facts.py", "Source", "sources"],
    ["orders.py", "OrderState", "orderStates"],
    ["units.py", "UnitState", "unitStates"],
    ["signals.py", "Effect", "effects"],
  ] as const)("%s %s has words in both languages", (file, name, group) => {
    const values = valuesOf(core(file), name);
    expect(values.length).toBeGreaterThan(1);
    for (const catalogue of [zh, en]) {
      for (const value of values) {
        expect((catalogue[group] as Record<string, string>)[value], value).toBeTruthy();
      }
    }
  });
});

describe("the core's lists about an alarm", () => {
  it.each([
    ["assurance.py", "Assurance", "assurances"],
    ["assurance.py", "Assurance", "assuranceMeans"],
    ["avs.py", "AvsWhy", "avsWhys"],
    ["confirmation.py", "ConfirmRule", "rules"],
    ["confirmation.py", "RaisedBecause", "raised"],
    ["confirmation.py", "CancelOutcome", "outcomes"],
    ["codes/confirming.py", "CancelHow", "cancelHows"],
  ] as const)("%s %s has its %s in both languages", (file, name, group) => {
    const values = valuesOf(core(file), name);
    expect(values.length).toBeGreaterThan(1);
    for (const catalogue of [zh, en]) {
      expect(Object.keys(catalogue.alarms[group]).sort()).toEqual([...values].sort());
    }
  });

  it("says how two incidents are alike", () => {
    const values = valuesOf(core("incidents/duplicates.py"), "Alike");
    for (const { card } of [zh, en]) expect(Object.keys(card.alike).sort()).toEqual([...values].sort());
  });
});

describe("the timeline", () => {
  const kinds = [...core("kinds.py").matchAll(/^ {4}"(\w+\.\w+)": \(/gm)].map(
    (match) => match[1] ?? "",
  );

  it("knows the core's kinds of facts", () => expect(kinds.length).toBeGreaterThan(30));

  it.each(Object.entries(CATALOGUES))("%s has a sentence for each kind", (_, catalogue) => {
    expect(kinds.filter((kind) => !catalogue.facts[kind])).toEqual([]);
  });

  const known = (messages: typeof zh): Known => ({
    messages, incidentNumber: () => 1180, unit: () => undefined, orderSign: () => "E101",
    clock: () => "18:00:00", address: () => "1 Mill Road",
  });
  const fact = (kind: string, data: Record<string, unknown>): Fact => ({
    position: 1, recorded_at: "2026-11-21T10:00:00Z", kind, subject: "s",
    subject_kind: kind.split(".")[0] ?? "", incident: "i", actor: "a", data,
  });

  it("tells what happened", () => {
    const given = fact("order.given", { call_sign: "E101", advised: true });
    expect(tell(given, known(zh))).toBe("派 E101（建议力量）");
    expect(tell(given, known(en))).toBe("E101 sent (recommended)");
    const closed = fact("incident.closed", { disposition: "false_alarm", note: "steam" });
    expect(tell(closed, known(en))).toBe("Closed: false alarm. steam");
  });

  it("says in words why a signal is on an incident", () => {
    const recorded = ["repeat", "test", "nothing_open", "no_answer_needed", "on_test", "blocked", "synthetic"]; // on no incident
    const reasons = valuesOf(core("signals.py"), "VerdictReason").filter(
      (reason) => !recorded.includes(reason),
    );
    expect(reasons.length).toBeGreaterThan(5);
    for (const reason of reasons) {
      const joined = fact("incident.signal_joined", { reason, alarms: true });
      expect(tell(joined, known(zh))).not.toMatch(/[a-z]/);
      expect(tell(joined, known(en))).not.toMatch(/_|\(alarm\)|\(trouble\)/);
    }
  });

  it("shows that a personal text may not be read, and never breaks on odd data", () => {
    expect(tell(fact("incident.noted", {}), known(en))).toBe("Note: ▒▒▒");
    for (const kind of [...kinds, "new.kind"]) {
      for (const data of [{}, { reason: 7, place: "x", signals: null, step: [] }]) {
        for (const messages of [zh, en]) {
          const sentence = tell(fact(kind, data), known(messages));
          expect(sentence, kind).toBeTruthy();
          expect(sentence, kind).not.toMatch(/undefined|null|\[object/);
        }
      }
    }
  });
});
