// Tab in the command line: whole lines that the last, unfinished word may become. Pure.

import { splitLine } from "./grammar.ts";
import type { World } from "./grammar.ts";
import { DISPOSITION_WORDS, OUT_OF_SERVICE_WORDS, TYPE_WORDS, verbOf } from "./words.ts";
import type { Verb } from "./words.ts";

const UNIT_VERBS: readonly Verb[] = [
  "send", "acknowledge", "under_way", "at_scene", "clear", "transport", "in_station", "recall",
  "out_of_service", "back_in_service",
];

/** Words of a table that suit how the person writes: Chinese after Chinese, else English. */
function wordsOf(table: Record<string, readonly string[]>, chinese: boolean): string[] {
  return Object.values(table).map((words) => (chinese ? words.at(-1) : words[0]) ?? "");
}

export function completions(line: string, world: World, chinese: boolean): string[] {
  if (/[;；]/.test(line)) return [];
  const fresh = /\s$/.test(line) || line === "";
  const words = splitLine(line).words;
  const last = fresh ? "" : (words.at(-1) ?? "");
  const verb = words.map(verbOf).find((found) => found !== null) ?? null;
  const head = line.slice(0, line.length - last.length);
  const candidates: string[] = [];
  if (verb === "close") candidates.push(...wordsOf(DISPOSITION_WORDS, chinese));
  if (verb === "classify") candidates.push(...wordsOf(TYPE_WORDS, chinese));
  if (verb === "out_of_service" && world.units.some((unit) => words.includes(unit.call_sign.toLowerCase()))) {
    candidates.push(...wordsOf(OUT_OF_SERVICE_WORDS, chinese));
  }
  if (verb === null || UNIT_VERBS.includes(verb)) {
    const wanted = world.units.filter((unit) =>
      verb === "send" ? unit.order === null && unit.state !== "out_of_service"
      : verb === "back_in_service" ? unit.state === "out_of_service"
      : verb === "out_of_service" ? unit.state !== "out_of_service"
      : verb === null || unit.order !== null,
    );
    const advice = world.selected && world.adviceOf(world.selected.id);
    const rank = new Map(advice?.ranked.map((row, index) => [row.unit, index]));
    const order = (id: string): number => rank.get(id) ?? 1_000;
    candidates.push(
      ...wanted
        .sort((a, b) => order(a.id) - order(b.id) || (a.call_sign < b.call_sign ? -1 : 1))
        .map((unit) => unit.call_sign),
    );
  }
  if (/^#?\d/.test(last)) {
    candidates.push(
      ...world.incidents
        .filter((incident) => incident.band !== "closed")
        .map((incident) => `${last.startsWith("#") ? "#" : ""}${incident.number}`),
    );
  }
  if (fresh && verb === null) return [];
  return [...new Set(candidates)]
    .filter((word) => word.toLowerCase().startsWith(last) && word.toLowerCase() !== last)
    .slice(0, 8)
    .map((word) => `${head}${word} `);
}
