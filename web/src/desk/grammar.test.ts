// The command line against its table of cases, and its words against double meanings.

import { describe, expect, it } from "vitest";

import type { Advice, Incident, Unit } from "../api/shapes.ts";
import type { Act } from "./acts.ts";
import { commandsOf, undoOf } from "./acts.ts";
import { completions } from "./complete.ts";
import table from "./grammar.cases.json";
import { readLine } from "./grammar.ts";
import type { Reading, World } from "./grammar.ts";
import { DISPOSITION_WORDS, lookUp, TYPE_WORDS, VERBS } from "./words.ts";

const units = table.world.units.map(
  (row) =>
    ({
      id: row.call_sign, call_sign: row.call_sign, state: row.state,
      incident: row.incident ?? null, order: row.incident ? `order-${row.call_sign}` : null,
      out_of_service_reason: null,
    }) as unknown as Unit,
);
const incidents = table.world.incidents.map(
  (row) =>
    ({
      district: "", plans: [], ticked: [], ...row, type: "fire", level: 3, band: row.state === "closed" ? "closed" : "unassigned",
      units: row.units.map((sign) => ({
        unit: sign, call_sign: sign, order: `order-${sign}`, state: "at_scene",
      })),
    }) as unknown as Incident,
);
const adviceTable: Record<string, string[]> = table.world.advice;
const world: World = {
  incidents,
  units,
  selected: incidents.find((incident) => incident.id === table.world.selected) ?? null,
  districts: [
    { code: "laocheng", name_zh: "老城区", name_en: "Laocheng District" },
    { code: "donghu", name_zh: "东湖区", name_en: "Donghu District" },
  ],
  adviceOf: (id) =>
    adviceTable[id]
      ? ({ ranked: adviceTable[id].map((unit) => ({ unit, recommended: true })) } as Advice)
      : null,
};

const signs = (list: readonly Unit[]): string => list.map((unit) => unit.call_sign).join(" ");
const noted = (note: string | null): string => (note ? `note=${note}` : "");

function actText(act: Act): string {
  const on = "incident" in act ? `#${act.incident.number}` : "";
  switch (act.act) {
    case "send":
      return [
        "send", on, signs(act.units), act.advised ? "advised" : "",
        act.busy.length ? `busy=${signs(act.busy)}` : "", act.confirmed ? "confirmed" : "",
        noted(act.note),
      ].join(" ");
    case "accept":
      return `accept ${signs(act.units)}`;
    case "report":
      return `report ${signs(act.units)} ${act.state}`;
    case "note":
      return `note ${on} ${act.text}`;
    case "classify":
      return `classify ${on} ${act.to}`;
    case "prioritise":
      return `prioritise ${on} ${act.level}`;
    case "hold":
      return `hold ${on} ${act.minutes} ${act.reason}`;
    case "tick":
    case "untick":
      return `${act.act} ${on} ${act.place}=${act.plan}/${act.step}`;
    case "validate":
      return `validate ${on} ${act.avs} ${act.reason}`;
    case "merge":
      return `merge ${on} into #${act.into.number}`;
    case "link":
      return `link ${on} with #${act.other.number}`;
    case "close":
      return `close ${on} ${act.disposition} ${noted(act.note)}`;
    case "reopen":
      return `reopen ${on} ${act.reason}`;
    case "recall":
      return `recall ${on} ${signs(act.units)} ${noted(act.reason)}`;
    case "out_of_service":
      return `out_of_service ${signs(act.units)} ${act.reason}`;
    case "back_in_service":
      return `back_in_service ${signs(act.units)}`;
    case "show_unit":
      return `show_unit ${act.unit.call_sign}`;
    default:
      return `${act.act} ${on}`;
  }
}

function readingText(reading: Reading): string {
  if (reading.is === "empty") return "empty";
  if (reading.is === "act") {
    const { act } = reading;
    const where = "incident" in act ? act.incident.district : "";
    return `${actText(act)} ${where}`.replace(/\s+/g, " ").trim();
  }
  const { ask } = reading;
  const about =
    "word" in ask ? ask.word
    : "unit" in ask ? ask.unit.call_sign
    : "incident" in ask ? `#${ask.incident.number}`
    : "step" in ask ? String(ask.step)
    : "verbs" in ask ? ask.verbs.join(" ")
    : "verb" in ask ? ask.verb
    : "";
  return `ask ${ask.ask} ${about}`.trim();
}

describe("the command line", () => {
  it.each(table.cases as [string, string][])("reads %j", (line, wanted) => {
    expect(readingText(readLine(line, world))).toBe(wanted);
  });

  it("asks for the incident when none is selected", () => {
    const idle = { ...world, selected: null };
    for (const line of ["d E101", "d *", ";x", "p2", "m 1235", "."]) {
      expect(readingText(readLine(line, idle)), line).toBe("ask which_incident");
    }
    expect(readingText(readLine("d E101 1235", idle))).toBe("send #1235 E101");
  });

  it("means the selected one of several with its number", () => {
    const selected = incidents.find((incident) => incident.id === "i8d") ?? null;
    expect(readingText(readLine("d E101 8", { ...world, selected }))).toBe("send #8 E101 donghu");
  });

  it("never raises, whatever is typed", () => {
    const pieces = ["d", "派", "*", "!", ";", "；", "#", "1234", "E101", "p2", " ", "x", "h", "30"];
    let state = 7;
    for (let line = 0; line < 3_000; line += 1) {
      let text = "";
      for (let piece = 0; piece < 6; piece += 1) {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        text += pieces[state % pieces.length] ?? "";
      }
      expect(() => readLine(text, world), text).not.toThrow();
    }
  });
});

describe("words", () => {
  it("gives each verb word one meaning", () => {
    const all = Object.values(VERBS).flat();
    expect(all.length).toBe(new Set(all).size);
  });

  it.each([["types", TYPE_WORDS], ["dispositions", DISPOSITION_WORDS]] as const)(
    "gives each word of %s one meaning",
    (_, words) => {
      const all = Object.values(words).flat();
      expect(all.length).toBe(new Set(all).size);
    },
  );

  it("takes an unambiguous beginning of an English word only", () => {
    expect(lookUp(TYPE_WORDS, "med")).toBe("medical");
    expect(lookUp(DISPOSITION_WORDS, "t")).toBeNull();
    expect(lookUp(TYPE_WORDS, "xy")).toBeNull();
  });
});

describe("acts", () => {
  const actOf = (line: string): Act => {
    const reading = readLine(line, world);
    if (reading.is !== "act") throw new Error(`${line} is no act`);
    return reading.act;
  };

  it("makes one command a unit for a state, one for a send", () => {
    expect(commandsOf(actOf("cd J101 J102"), 0)).toEqual([
      { type: "report_status", unit: "J101", state: "under_way" },
      { type: "report_status", unit: "J102", state: "under_way" },
    ]);
    expect(commandsOf(actOf("d J101 ! ;now"), 0)).toEqual([
      {
        type: "send_units", incident: "i1234", units: ["J101"], note: "now", confirm_divert: true,
      },
    ]);
  });

  it("counts a hold from the server's now", () => {
    expect(commandsOf(actOf("h 30 ;x"), Date.UTC(2026, 0, 1))).toEqual([
      { type: "hold_incident", incident: "i1234", until: "2026-01-01T00:30:00.000Z", reason: "x" },
    ]);
  });

  it("takes back what can be taken back", () => {
    const back = (line: string): string | null => {
      const undo = undoOf(actOf(line));
      return undo && actText(undo).trim();
    };
    expect(back("d E101")).toBe("recall #1234 E101");
    expect(back("d J101 !")).toBeNull();
    expect(back("m 1235")).toBe("split #1234");
    expect(back("h 30 ;x")).toBe("release #1234");
    expect(back("p1")).toBe("prioritise #1234 3");
    expect(back("n ;x")).toBeNull();
    expect(back("k 1235")).toBeNull();
  });
});

describe("completion", () => {
  it("offers free units to a send, recommended ones first", () => {
    expect(completions("d ", world, false)).toEqual(["d E101 ", "d L101 "]);
    expect(completions("d l", world, false)).toEqual(["d L101 "]);
  });
  it("offers what the verb takes, in the script that is typed", () => {
    expect(completions("z fa", world, false)).toEqual(["z false "]);
    expect(completions("结 误", world, true)).toEqual(["结 误报 "]);
    expect(completions("s ", world, false)).toEqual(["s R201 "]);
  });
  it("leaves text and an empty line alone", () => {
    expect(completions("n ;E1", world, false)).toEqual([]);
    expect(completions("", world, false)).toEqual([]);
  });
});
