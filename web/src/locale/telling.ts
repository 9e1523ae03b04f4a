// What a timeline sentence may ask about its fact. Data of a fact is open-ended; everything read
// from it is checked here, so that an unexpected value shows as itself and never breaks the screen.

import type { Fact, Id, Place, Unit } from "../api/shapes.ts";
import type { Messages } from "./zh.ts";

export interface FactTeller {
  text(field: string): string;
  is(field: string, value: string): boolean;
  flag(field: string): boolean;
  lookUp(words: Record<string, string>, field: string): string;
  type(field: string): string;
  level(field: string): string;
  disposition(field: string): string;
  unitState(field: string): string;
  effect(field: string): string;
  channel(field: string): string;
  time(field: string): string;
  place(field: string): string;
  incident(field: string): string;
  /** The call sign of the unit that the fact is about. */
  unit(): string;
  /** A personal field: absent for roles that may not read it, and after its key is destroyed. */
  sealed(field: string): string;
  sealedAfter(before: string, field: string): string;
}

export type FactSentence = (fact: FactTeller) => string;

export interface Known {
  messages: Messages;
  incidentNumber: (id: Id) => number | null;
  unit: (id: Id) => Unit | undefined;
  /** The call sign an order was given to. */
  orderSign: (order: Id) => string | null;
  clock: (time: string) => string;
  address: (place: Place) => string;
}

const SEALED = "▒▒▒";

export function teller(fact: Fact, known: Known): FactTeller {
  const { messages } = known;
  const raw = (field: string): unknown => fact.data[field];
  const text = (field: string): string => {
    const value = raw(field);
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  const lookUp = (words: Record<string, string>, field: string): string =>
    words[text(field)] ?? text(field);
  const number = (id: string): string => {
    const found = known.incidentNumber(id);
    return found === null ? "#…" : `#${found}`;
  };
  return {
    text,
    lookUp,
    is: (field, value) => raw(field) === value,
    flag: (field) => raw(field) === true,
    type: (field) => lookUp(messages.types, field),
    level: (field) => `P${text(field)}`,
    disposition: (field) => lookUp(messages.dispositions, field),
    unitState: (field) => lookUp(messages.unitStates, field),
    effect: (field) => lookUp(messages.effects, field),
    channel: (field) => lookUp(messages.channels, field),
    time: (field) => (text(field) ? known.clock(text(field)) : ""),
    place: (field) => {
      const value = raw(field);
      return value && typeof value === "object" ? known.address(value as Place) : "";
    },
    incident: (field) => number(text(field)),
    unit: () => {
      const sign = text("call_sign");
      if (sign) return sign;
      if (fact.subject_kind === "order") return known.orderSign(fact.subject) ?? "";
      return known.unit(text("unit") || fact.subject)?.call_sign ?? "";
    },
    sealed: (field) => text(field) || SEALED,
    sealedAfter: (before, field) => (text(field) ? before + text(field) : ""),
  };
}

export function tell(fact: Fact, known: Known): string {
  const sentence = known.messages.facts[fact.kind];
  return sentence?.(teller(fact, known)).trim() || fact.kind;
}

/** Facts that say again what another fact of the same act says; shown only in the full timeline. */
const ECHOES = new Set([
  "incident.unit_attached", "incident.unit_detached", "unit.ordered", "unit.freed", "order.sent",
  "signal.judged",
]);
const ECHOED_STATES = new Set(["under_way", "at_scene", "ordered"]);

export function isEcho(fact: Fact): boolean {
  if (ECHOES.has(fact.kind)) return true;
  return fact.kind === "unit.state_reported" && ECHOED_STATES.has(String(fact.data.state));
}
