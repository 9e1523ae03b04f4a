// The command line's grammar: a verb and typed tokens in any order, `;` before free text. Pure and
// language-free; a reading is told in the person's language by locale/. Cases: grammar.cases.json.

import type { Advice, Avs, Id, Incident, Level, Named, Unit } from "../api/shapes.ts";
import type { Act } from "./acts.ts";
import { isTicked, stepAt, stepsOf } from "./steps.ts";
import {
  DISPOSITION_WORDS, lookUp, OUT_OF_SERVICE_WORDS, REPORTS, TYPE_WORDS, VERBS, verbOf,
} from "./words.ts";
import type { Verb } from "./words.ts";

export interface World {
  incidents: readonly Incident[];
  units: readonly Unit[];
  selected: Incident | null;
  districts: readonly Named[];
  /** The advice of an incident, null while it is not known. */
  adviceOf: (incident: Id) => Advice | null;
}

export type Ask =
  | { ask: "unknown_word"; word: string }
  | { ask: "what_to_do" }
  | { ask: "which_incident" }
  | { ask: "which_other" }
  | { ask: "which_unit" }
  | { ask: "no_such_number"; word: string }
  | { ask: "many_numbers"; word: string; incidents: Incident[] }
  | { ask: "advice_unknown" }
  | { ask: "nobody_advised" }
  | { ask: "text_needed"; verb: Verb }
  | { ask: "disposition_needed" }
  | { ask: "type_needed" }
  | { ask: "out_reason_needed" }
  | { ask: "no_text_here" }
  | { ask: "minutes_needed" }
  | { ask: "one_verb"; verbs: [Verb, Verb] }
  | { ask: "already_here"; unit: Unit }
  | { ask: "unit_out"; unit: Unit }
  | { ask: "unit_idle"; unit: Unit }
  | { ask: "unit_elsewhere"; unit: Unit; incident: Incident }
  | { ask: "still_attached"; incident: Incident }
  | { ask: "already_taken"; incident: Incident }
  | { ask: "is_closed"; incident: Incident }
  | { ask: "not_closed"; incident: Incident }
  | { ask: "not_merged"; incident: Incident }
  | { ask: "not_held"; incident: Incident }
  | { ask: "same_incident" }
  | { ask: "no_plan"; incident: Incident }
  | { ask: "no_such_step"; step: number; count: number }
  | { ask: "all_ticked" }
  | { ask: "step_ticked"; step: number }
  | { ask: "step_not_ticked"; step: number }
  | { ask: "avs_needed" };

export type Reading =
  | { is: "empty" }
  | { is: "act"; act: Act }
  | { is: "ask"; ask: Ask; verb: Verb | null };

interface Tokens {
  verbs: Verb[];
  incidents: Incident[];
  units: Unit[];
  level: Level | null;
  minutes: number | null;
  /** A step of the plan, negative to take its tick back; an AVS level. */
  place: number | null;
  recommended: boolean;
  confirmed: boolean;
  words: string[];
  note: string | null;
}

const CHINESE_WORDS = [
  ...Object.values(VERBS),
  ...Object.values(TYPE_WORDS),
  ...Object.values(DISPOSITION_WORDS),
  ...Object.values(OUT_OF_SERVICE_WORDS),
]
  .flat()
  .filter((word) => /^\p{Script=Han}+$/u.test(word))
  .sort((a, b) => b.length - a.length);

const CHINESE_VERBS = CHINESE_WORDS.filter((word) => verbOf(word) !== null);

/** Full-width forms that a Chinese input method leaves behind mean the same. */
function plain(text: string): string {
  return text.normalize("NFKC").replaceAll("。", ".").replace(/[,、]/g, " ");
}

/** Split off a Chinese verb written without a space: `派F437`, `结误报`. */
function unglue(word: string): string[] {
  if (CHINESE_WORDS.includes(word)) return [word];
  const verb = CHINESE_VERBS.find((candidate) => word.startsWith(candidate));
  return verb ? [verb, word.slice(verb.length)] : [word];
}

export function splitLine(line: string): { words: string[]; note: string | null } {
  const cut = line.search(/[;；]/);
  const note = cut < 0 ? null : line.slice(cut + 1).trim();
  const words = plain(cut < 0 ? line : line.slice(0, cut))
    .toLowerCase()
    .replace(/[*!]/g, " $& ")
    .split(/\s+/)
    .filter(Boolean)
    .flatMap(unglue);
  return { words, note };
}

const isOpen = (incident: Incident): boolean =>
  incident.state !== "closed" && incident.state !== "merged";

const DISTRICT_CHARS_MIN = 2;
/** Fewer digits than these name an incident only if they are its whole number. */
const LAST_DIGITS_MIN = 3;

/** The incident that a number or its last digits name; an open one before a closed one. */
export function incidentOf(
  digits: string,
  incidents: readonly Incident[],
): Incident | { ask: "no_such_number" | "many_numbers"; incidents: Incident[] } {
  const exact = incidents.filter((incident) => String(incident.number) === digits);
  const ending = incidents.filter(
    (incident) =>
      digits.length >= LAST_DIGITS_MIN && String(incident.number).endsWith(digits),
  );
  for (const found of [exact.filter(isOpen), exact, ending.filter(isOpen), ending]) {
    if (found.length === 1 && found[0]) return found[0];
    if (found.length > 1) {
      return { ask: "many_numbers", incidents: found };
    }
  }
  return { ask: "no_such_number", incidents: [] };
}

class Asked extends Error {
  readonly ask: Ask;
  constructor(ask: Ask) {
    super(ask.ask);
    this.ask = ask;
  }
}

function readTokens(line: string, world: World): Tokens {
  const { words, note } = splitLine(line);
  const tokens: Tokens = {
    verbs: [], incidents: [], units: [], level: null, minutes: null, place: null,
    recommended: false, confirmed: false, words: [], note,
  };
  const bySign = new Map(world.units.map((unit) => [unit.call_sign.toLowerCase(), unit]));
  const holds = words.some((word) => verbOf(word) === "hold");
  const counts = words.some((word) => ["tick", "validate"].includes(verbOf(word) ?? ""));
  const closes = words.some((word) => verbOf(word) === "close");
  for (const word of words) {
    const unit = bySign.get(word);
    const verb = verbOf(word);
    const duration = /^(\d{1,4})(m|min|分|分钟|h|时|小时)?$/.exec(word);
    if (word === "*") tokens.recommended = true;
    else if (word === "!") tokens.confirmed = true;
    else if (word === ".") {
      if (!world.selected) throw new Asked({ ask: "which_incident" });
      tokens.incidents.push(world.selected);
    } else if (unit) {
      if (!tokens.units.includes(unit)) tokens.units.push(unit);
    } else if (duration && holds && tokens.minutes === null) {
      tokens.minutes = Number(duration[1]) * (/^(h|时|小时)$/.test(duration[2] ?? "") ? 60 : 1);
    } else if (counts && tokens.place === null && /^-?\d{1,3}$/.test(word)) {
      tokens.place = Number(word);
    } else if (/^#?\d+$/.test(word)) {
      tokens.incidents.push(numbered(word, words, world));
    } else if (closes && verb === "split" && word === "cf") {
      tokens.words.push(word); // `cf` is 重复 after 结案 and 拆分 anywhere else
    } else if (verb !== null) {
      tokens.verbs.push(verb);
      if (verb === "priority") tokens.level = Number(word[1]) as Level;
    } else tokens.words.push(word);
  }
  const told = words.filter((word) => /^#?\d+$/.test(word)).length > 0;
  if (told) tokens.words = tokens.words.filter((word) => !districtOf(word, world));
  return tokens;
}

/** The district that a word begins: `东湖`, `donghu`, `dongh`. */
function districtOf(word: string, world: World): Named | undefined {
  if (word.length < DISTRICT_CHARS_MIN) return undefined;
  return world.districts.find(
    ({ code, name_zh, name_en }) =>
      name_zh.startsWith(word) || code.startsWith(word) || name_en.toLowerCase().startsWith(word),
  );
}

/** Where a number fits several incidents, the selected one is meant, else the one of the district
 * that is named beside it. */
function numbered(word: string, words: readonly string[], world: World): Incident {
  const digits = word.replace("#", "");
  const found = incidentOf(digits, world.incidents);
  if (!("ask" in found)) return found;
  const district = words.map((other) => districtOf(other, world)).find(Boolean);
  if (found.ask === "many_numbers") {
    const { selected } = world;
    const here = district
      ? found.incidents.filter((incident) => incident.district === district.code)
      : found.incidents.filter((incident) => incident.id === selected?.id);
    if (here.length === 1 && here[0]) return here[0];
  }
  throw new Asked({ ...found, word: digits });
}

function subject(tokens: Tokens, world: World): Incident {
  const incident = tokens.incidents[0] ?? world.selected;
  if (!incident) throw new Asked({ ask: "which_incident" });
  return incident;
}

function openSubject(tokens: Tokens, world: World): Incident {
  const incident = subject(tokens, world);
  if (!isOpen(incident)) throw new Asked({ ask: "is_closed", incident });
  return incident;
}

/** `m 110` joins the selected incident to 110; `m 111 110` joins 111 to 110. */
function pair(tokens: Tokens, world: World): [Incident, Incident] {
  const [first, second] = tokens.incidents;
  if (!first) throw new Asked({ ask: "which_other" });
  const pairOf: [Incident, Incident] = second ? [first, second] : [subjectOrAsk(world), first];
  if (pairOf[0].id === pairOf[1].id) throw new Asked({ ask: "same_incident" });
  return pairOf;
}

function subjectOrAsk(world: World): Incident {
  if (!world.selected) throw new Asked({ ask: "which_incident" });
  return world.selected;
}

function text(tokens: Tokens, verb: Verb): string {
  if (!tokens.note) throw new Asked({ ask: "text_needed", verb });
  return tokens.note;
}

/** The units named; else the only unit on the selected incident. */
function named(tokens: Tokens, world: World): Unit[] {
  if (tokens.units.length) return tokens.units;
  const attached = (tokens.incidents[0] ?? world.selected)?.units ?? [];
  const only = attached.length === 1 ? attached[0] : undefined;
  const unit = only && world.units.find((candidate) => candidate.id === only.unit);
  if (!unit) throw new Asked({ ask: "which_unit" });
  return [unit];
}

function advisedUnits(incident: Incident, world: World): Unit[] {
  const advice = world.adviceOf(incident.id);
  if (!advice) throw new Asked({ ask: "advice_unknown" });
  const wanted = advice.ranked.filter((row) => row.recommended).map((row) => row.unit);
  const units = wanted
    .map((id) => world.units.find((unit) => unit.id === id))
    .filter((unit) => unit !== undefined);
  if (!units.length) throw new Asked({ ask: "nobody_advised" });
  return units;
}

function send(tokens: Tokens, world: World): Act {
  const incident = openSubject(tokens, world);
  const advised = tokens.recommended ? advisedUnits(incident, world) : [];
  const units = [...new Set([...advised, ...tokens.units])];
  if (!units.length) throw new Asked({ ask: "which_unit" });
  for (const unit of units) {
    if (unit.state === "out_of_service") throw new Asked({ ask: "unit_out", unit });
    if (unit.order && unit.incident === incident.id) throw new Asked({ ask: "already_here", unit });
  }
  const busy = units.filter((unit) => unit.order !== null);
  return {
    act: "send", incident, units, busy,
    advised: tokens.recommended && !tokens.units.length,
    confirmed: tokens.confirmed,
    note: tokens.note || null,
  };
}

function acknowledge(tokens: Tokens, world: World): Act {
  if (!tokens.units.length) {
    const incident = openSubject(tokens, world);
    if (incident.state !== "new") throw new Asked({ ask: "already_taken", incident });
    return { act: "take", incident };
  }
  const idle = tokens.units.find((unit) => unit.order === null);
  if (idle) throw new Asked({ ask: "unit_idle", unit: idle });
  return { act: "accept", units: tokens.units };
}

function close(tokens: Tokens, world: World): Act {
  const incident = openSubject(tokens, world);
  if (incident.units.length) throw new Asked({ ask: "still_attached", incident });
  const word = tokens.words.shift();
  const disposition = word === undefined ? null : lookUp(DISPOSITION_WORDS, word);
  if (disposition === null) throw new Asked({ ask: "disposition_needed" });
  return { act: "close", incident, disposition, note: tokens.note || null };
}

function recall(tokens: Tokens, world: World): Act {
  const incident = openSubject(tokens, world);
  const all = incident.units.map((attached) => attached.unit);
  const units = tokens.recommended
    ? world.units.filter((unit) => all.includes(unit.id))
    : named(tokens, world);
  const first = units[0];
  if (!first) throw new Asked({ ask: "which_unit" });
  const place =
    tokens.incidents.length === 0 && !all.includes(first.id)
      ? world.incidents.find((candidate) => candidate.id === first.incident)
      : incident;
  if (!place) throw new Asked({ ask: "unit_idle", unit: first });
  const stray = units.find((unit) => !place.units.some((attached) => attached.unit === unit.id));
  if (stray) throw new Asked({ ask: "unit_elsewhere", unit: stray, incident: place });
  return { act: "recall", incident: place, units, reason: tokens.note || null };
}

/** `x` ticks the next step, `x 3` the third; `x -3` takes that back. */
function tick(tokens: Tokens, world: World): Act {
  const incident = subject(tokens, world);
  if (incident.state === "closed") throw new Asked({ ask: "is_closed", incident });
  const steps = stepsOf(incident);
  if (!steps.length) throw new Asked({ ask: "no_plan", incident });
  const place = tokens.place ?? steps.findIndex((step) => !isTicked(incident, step)) + 1;
  if (place === 0 && tokens.place === null) throw new Asked({ ask: "all_ticked" });
  const step = stepAt(steps, Math.abs(place));
  if (!step) throw new Asked({ ask: "no_such_step", step: Math.abs(place), count: steps.length });
  const act = place > 0 ? "tick" : "untick";
  if (act === "tick" && isTicked(incident, step)) {
    throw new Asked({ ask: "step_ticked", step: step.place });
  }
  if (act === "untick" && !isTicked(incident, step)) {
    throw new Asked({ ask: "step_not_ticked", step: step.place });
  }
  return { act, incident, ...step };
}

/** `v 3 ;the watchman sees smoke`: the level by hand, with its reason. */
function validate(tokens: Tokens, world: World, verb: Verb): Act {
  const incident = openSubject(tokens, world);
  const avs = tokens.place;
  if (avs === null || avs < 0 || avs > 4) throw new Asked({ ask: "avs_needed" });
  return { act: "validate", incident, avs: avs as Avs, reason: text(tokens, verb) };
}

function incidentAct(verb: Verb, tokens: Tokens, world: World): Act {
  switch (verb) {
    case "note":
      return { act: "note", incident: subject(tokens, world), text: text(tokens, verb) };
    case "priority":
      return {
        act: "prioritise", incident: openSubject(tokens, world), level: tokens.level ?? 1,
      };
    case "classify": {
      const incident = openSubject(tokens, world);
      const word = tokens.words.shift();
      const to = word === undefined ? null : lookUp(TYPE_WORDS, word);
      if (to === null) throw new Asked({ ask: "type_needed" });
      return { act: "classify", incident, to };
    }
    case "hold": {
      const incident = openSubject(tokens, world);
      if (!tokens.minutes) throw new Asked({ ask: "minutes_needed" });
      return { act: "hold", incident, minutes: tokens.minutes, reason: text(tokens, verb) };
    }
    case "release": {
      const incident = subject(tokens, world);
      if (incident.state !== "held") throw new Asked({ ask: "not_held", incident });
      return { act: "release", incident };
    }
    case "split": {
      const incident = subject(tokens, world);
      if (incident.state !== "merged") throw new Asked({ ask: "not_merged", incident });
      return { act: "split", incident };
    }
    case "reopen": {
      const incident = subject(tokens, world);
      if (incident.state !== "closed") throw new Asked({ ask: "not_closed", incident });
      return { act: "reopen", incident, reason: text(tokens, verb) };
    }
    case "tick":
      return tick(tokens, world);
    case "validate":
      return validate(tokens, world, verb);
    case "merge": {
      const [incident, into] = pair(tokens, world);
      return { act: "merge", incident, into };
    }
    default: {
      const [incident, other] = pair(tokens, world);
      return { act: "link", incident, other };
    }
  }
}

function actOf(verb: Verb, tokens: Tokens, world: World): Act {
  const state = REPORTS[verb];
  if (state) return { act: "report", units: named(tokens, world), state };
  switch (verb) {
    case "help":
      return { act: "help" };
    case "open":
      return { act: "open" };
    case "send":
      return send(tokens, world);
    case "acknowledge":
      return acknowledge(tokens, world);
    case "close":
      return close(tokens, world);
    case "recall":
      return recall(tokens, world);
    case "out_of_service": {
      const units = named(tokens, world);
      const word = tokens.words.shift();
      const reason = word === undefined ? null : lookUp(OUT_OF_SERVICE_WORDS, word);
      if (reason === null) throw new Asked({ ask: "out_reason_needed" });
      if (tokens.note) throw new Asked({ ask: "no_text_here" });
      return { act: verb, units, reason };
    }
    case "back_in_service":
      return { act: verb, units: named(tokens, world) };
    default:
      return incidentAct(verb, tokens, world);
  }
}

/** Without a verb: a number alone selects, a call sign alone shows, `;text` alone notes. */
function verbless(tokens: Tokens, world: World): Act {
  const [incident] = tokens.incidents;
  const [unit] = tokens.units;
  const word = tokens.words.shift();
  if (word !== undefined) throw new Asked({ ask: "unknown_word", word });
  if (tokens.note && !unit) return incidentAct("note", tokens, world);
  if (tokens.recommended) throw new Asked({ ask: "what_to_do" });
  if (incident && !unit && tokens.incidents.length === 1) return { act: "select", incident };
  if (unit && !incident && tokens.units.length === 1) return { act: "show_unit", unit };
  throw new Asked({ ask: "what_to_do" });
}

/** A unit that is missing because its call sign was mistyped: say so, not that one is missing. */
function unknownFirst(ask: Ask, words: readonly string[]): Ask {
  const [word] = words;
  return ask.ask === "which_unit" && word !== undefined ? { ask: "unknown_word", word } : ask;
}

/** Read one line: what Enter would do, or what to type. Never raises. */
export function readLine(line: string, world: World): Reading {
  if (!line.trim()) return { is: "empty" };
  let verb: Verb | null = null;
  let words: readonly string[] = [];
  try {
    const tokens = readTokens(line, world);
    words = tokens.words;
    const [first, second] = tokens.verbs;
    verb = first ?? null;
    if (first && second) throw new Asked({ ask: "one_verb", verbs: [first, second] });
    const act = first ? actOf(first, tokens, world) : verbless(tokens, world);
    const [left] = tokens.words;
    if (left !== undefined) throw new Asked({ ask: "unknown_word", word: left });
    return { is: "act", act };
  } catch (error) {
    if (error instanceof Asked) return { is: "ask", ask: unknownFirst(error.ask, words), verb };
    throw error;
  }
}
