// What the command line says in English: what Enter will do, what is missing.

import type { Unit } from "../api/shapes.ts";
import type { Act } from "../desk/acts.ts";
import type { Ask } from "../desk/grammar.ts";
import type { Verb } from "../desk/words.ts";
import { named } from "./naming.ts";
import type { ActNames } from "./naming.ts";

const list = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1) ?? ""}`;
const signs = (units: readonly Unit[]): string => list(units.map((unit) => unit.call_sign));

export function preview(act: Act, names: ActNames): string {
  const on = (incident: Parameters<typeof named>[0]): string => named(incident, names);
  switch (act.act) {
    case "select":
      return `Show ${on(act.incident)}`;
    case "show_unit":
      return `Show ${act.unit.call_sign} on the map (${names.unitState(act.unit.state).toLowerCase()})`;
    case "help":
      return "Show the commands";
    case "open":
      return "Enter a phone call";
    case "take":
      return `Take ${on(act.incident)}`;
    case "send":
      return `Send ${signs(act.units)}${act.advised ? " (recommended)" : ""} to ${on(act.incident)}${
        act.confirmed && act.busy.length ? `, diverting ${signs(act.busy)}` : ""
      }${act.note ? `, with the note: ${act.note}` : ""}`;
    case "accept":
      return `${signs(act.units)} accepted the order`;
    case "report":
      return `Set ${signs(act.units)} to ${names.unitState(act.state).toLowerCase()}`;
    case "note":
      return `Note on ${on(act.incident)}: ${act.text}`;
    case "classify":
      return `Change ${on(act.incident)} to ${names.type(act.to).toLowerCase()}`;
    case "prioritise":
      return `Set ${on(act.incident)} to priority ${act.level}`;
    case "hold":
      return `Hold ${on(act.incident)} for ${act.minutes} min: ${act.reason}`;
    case "release":
      return `End the hold of ${on(act.incident)}`;
    case "link":
      return `Link ${on(act.incident)} with ${on(act.other)}`;
    case "unlink":
      return `Unlink ${on(act.incident)} from ${on(act.other)}`;
    case "merge":
      return `Merge ${on(act.incident)} into ${on(act.into)}`;
    case "split":
      return `Split off ${on(act.incident)}`;
    case "split_sender":
      return `Take ${act.sender} out of ${on(act.incident)} into an incident of its own`;
    case "close":
      return `Close ${on(act.incident)} as ${names.disposition(act.disposition).toLowerCase()}${
        act.note ? `: ${act.note}` : ""
      }`;
    case "reopen":
      return `Reopen ${on(act.incident)}: ${act.reason}`;
    case "tick":
      return `Tick step ${act.place} of ${on(act.incident)}`;
    case "untick":
      return `Untick step ${act.place} of ${on(act.incident)}`;
    case "validate":
      return `Validate ${on(act.incident)} as AVS ${act.avs}: ${act.reason}`;
    case "recall":
      return `Recall ${signs(act.units)} from ${on(act.incident)}${
        act.reason ? `: ${act.reason}` : ""
      }`;
    case "out_of_service":
      return `Take ${signs(act.units)} out of service: ${names.outReason(act.reason).toLowerCase()}`;
    case "back_in_service":
      return `Return ${signs(act.units)} to service`;
  }
}

const TEXT_FOR: Partial<Record<Verb, string>> = {
  note: "the note", hold: "the reason", validate: "the reason", reopen: "the reason",
};

export function ask(asked: Ask, names: ActNames): string {
  switch (asked.ask) {
    case "unknown_word":
      return `“${asked.word}” is no call sign, number or command; type ? for the commands`;
    case "what_to_do":
      return "What about it? d send, k take, e under way, a at scene, c clear";
    case "which_incident":
      return "Which incident? Type its number (#1234), or F2 for the next one";
    case "which_other":
      return "Which other incident? Type its number";
    case "which_unit":
      return "Which unit? Type its call sign, or * for the recommended ones";
    case "no_such_number":
      return `No incident number ends in ${asked.word}`;
    case "many_numbers":
      return `${asked.word} fits ${asked.incidents
        .slice(0, 3)
        .map((incident) => named(incident, names))
        .join("; ")}. Type more digits, or the district beside it`;
    case "advice_unknown":
      return "The recommendation is not ready yet; wait, or type call signs";
    case "nobody_advised":
      return "No unit is recommended; type call signs";
    case "text_needed":
      return `Type ; and ${TEXT_FOR[asked.verb] ?? "the text"}`;
    case "disposition_needed":
      return "How did it end? handled, false, unfounded, test, none, transferred, duplicate";
    case "out_reason_needed":
      return "Why? breakdown, maintenance, rest, short, refuelling, decontamination, training, other";
    case "no_text_here":
      return "The reason is one word of the list; text is not kept here";
    case "type_needed":
      return "Which type? fire, medical, rescue, traffic, holdup, panic, burglary, order, gas, hazmat";
    case "minutes_needed":
      return "For how many minutes? For example: h 30 ;key holder on the way";
    case "one_verb":
      return "One command at a time";
    case "already_here":
      return `${asked.unit.call_sign} is on this incident already`;
    case "unit_out":
      return `${asked.unit.call_sign} is out of service${
        asked.unit.out_of_service_reason
          ? ` (${names.outReason(asked.unit.out_of_service_reason).toLowerCase()})` : ""
      }`;
    case "unit_idle":
      return `${asked.unit.call_sign} has no order`;
    case "unit_elsewhere":
      return `${asked.unit.call_sign} is not on ${named(asked.incident, names)}`;
    case "still_attached":
      return `Still at work: ${list(asked.incident.units.map((unit) => unit.call_sign))}; clear (c) or recall (r) first`;
    case "already_taken":
      return `${named(asked.incident, names)} is taken already`;
    case "is_closed":
      return `${named(asked.incident, names)} is ${names.incidentState(asked.incident.state).toLowerCase()}`;
    case "not_closed":
      return `${named(asked.incident, names)} is not closed`;
    case "not_merged":
      return `${named(asked.incident, names)} is not merged`;
    case "not_held":
      return `${named(asked.incident, names)} is not on hold`;
    case "same_incident":
      return "That is the same incident";
    case "no_plan":
      return `${named(asked.incident, names)} has no action plan`;
    case "no_such_step":
      return `The action plan has steps 1 to ${asked.count}; there is no step ${asked.step}`;
    case "all_ticked":
      return "All steps are ticked";
    case "step_ticked":
      return `Step ${asked.step} is ticked already; x -${asked.step} takes that back`;
    case "step_not_ticked":
      return `Step ${asked.step} is not ticked`;
    case "avs_needed":
      return "Which level, 0 to 4? For example: v 3 ;key holder sees smoke";
  }
}
