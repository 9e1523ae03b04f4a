// Doing: runs an act's commands, tells what came of it in the command bar, and takes it back.

import { Refusal, send, SignedOut, Unconfirmed } from "../api/client.ts";
import type { Command, DoneFact, Id, Incident } from "../api/shapes.ts";
import { incidentWords } from "../locale/incident.ts";
import { CATALOGUES } from "../locale/index.ts";
import type { Messages } from "../locale/index.ts";
import type { ActNames } from "../locale/naming.ts";
import { clock } from "../locale/time.ts";
import { commandsOf, UNDO_WITHIN_MS, undoOf } from "./acts.ts";
import type { Act } from "./acts.ts";
import { duplicatesOf, mergeOf } from "./duplicates.ts";
import { readLine } from "./grammar.ts";
import type { World } from "./grammar.ts";
import { bandsOf, nextToTake } from "./queue.ts";
import { adviceOf, isAdviceCurrent, readSites, refreshAdvice } from "./reading.ts";
import { change, desk, EMPTY_DRAFT, incidentById, serverNow } from "./store.ts";
import type { Receipt } from "./store.ts";

const TYPED_KEPT = 50;
const VISITED_KEPT = 30;

let receiptKey = 0;
let advisedPresses = 0;

export const messages = (): Messages => CATALOGUES[desk().language];

export function actNames(): ActNames {
  const { language } = desk();
  const words = messages();
  return {
    type: (type) => words.types[type],
    unitState: (state) => words.unitStates[state],
    outReason: (reason) => words.outOfServiceReasons[reason],
    incidentState: (state) => words.incidentStates[state],
    disposition: (disposition) => words.dispositions[disposition],
    address: (incident) => incidentWords(language, incident).address,
  };
}

export function world(): World {
  const { live, selected } = desk();
  return {
    incidents: live ? [...live.incidents.values()] : [],
    units: live ? [...live.units.values()] : [],
    selected: incidentById(selected),
    districts: live?.districts ?? [],
    adviceOf,
  };
}

function say(tone: Receipt["tone"], text: string, undo: Receipt["undo"] = null): number {
  receiptKey += 1;
  change({ receipt: { key: receiptKey, tone, text, undo, until: Date.now() + UNDO_WITHIN_MS } });
  return receiptKey;
}

export function select(id: Id | null): void {
  const before = desk().selected;
  if (id === before) {
    change({ panel: "card" });
    return;
  }
  const visited = before === null ? desk().visited : [...desk().visited, before];
  change({
    selected: id, shownUnit: null, armed: null, panel: "card", visited: visited.slice(-VISITED_KEPT),
  });
}

export function goBack(): void {
  const visited = [...desk().visited];
  const last = visited.pop();
  if (last === undefined || !incidentById(last)) {
    say("error", messages().bar.noPrevious);
    return;
  }
  change({ selected: last, visited, shownUnit: null, armed: null, panel: "card" });
}

/** Move the selection by `step` rows of the queue. */
export function step(by: 1 | -1): void {
  const rows = bandsOf(desk().live?.incidents.values() ?? []).flatMap((band) => band.incidents);
  const at = rows.findIndex((incident) => incident.id === desk().selected);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
  const found = rows[next];
  if (found) select(found.id);
}

function busyNames(act: Extract<Act, { act: "send" }>): string {
  const words = messages();
  return act.busy
    .map((unit) => words.bar.conflict(unit.call_sign, incidentById(unit.incident)?.number ?? "…"))
    .join(" · ");
}

function failed(error: unknown, sentence: string, part: string): void {
  const words = messages();
  if (error instanceof SignedOut) {
    change((state) => ({ beat: { ...state.beat, signedOut: true } }));
    say("error", words.bar.signedOut);
  } else if (error instanceof Unconfirmed) {
    say("error", `${sentence}: ${words.bar.unconfirmed}`);
  } else if (error instanceof Refusal) {
    const { detail, title, by, at, errors } = error.problem;
    const who = by ? words.bar.by(by, at ? clock(at) : "") : "";
    const fields = errors.map(({ field, message }) => `${field}: ${message}`).join(" · ");
    const told = [detail || title || words.bar.refused, fields].filter(Boolean).join(" · ");
    say("error", told + who + part);
  } else throw error;
}

export type Outcome = { facts: DoneFact[] } | { facts: null; reason: string | null };

/** Send commands in order and tell what came of it: `told` when all were done. */
export async function run(
  commands: readonly Command[],
  sentence: string,
  told: string,
  undo: Receipt["undo"],
): Promise<Outcome> {
  const words = messages();
  const busy = say("busy", words.bar.working);
  const facts: DoneFact[] = [];
  let done = 0;
  try {
    for (const command of commands) {
      facts.push(...(await send(command)));
      done += 1;
    }
  } catch (error) {
    failed(error, sentence, commands.length > 1 ? words.bar.part(done, commands.length) : "");
    return { facts: null, reason: error instanceof Refusal ? error.problem.reason : null };
  }
  // A later receipt may stand there already: the newer act's word is the one that counts.
  if (desk().receipt?.key === busy) say("done", told, undo);
  return { facts };
}

/** Do `act`. `line` is what was typed for it: it comes back when the server says no. `undone` names
 * the act that this one takes back; that is not taken back in its turn. */
export async function perform(act: Act, line = "", undone: string | null = null): Promise<void> {
  const words = messages();
  const sentence = words.preview(act, actNames());
  switch (act.act) {
    case "select":
      select(act.incident.id);
      return;
    case "show_unit":
      change({ shownUnit: act.unit.id });
      return;
    case "help":
      change({ panel: "help" });
      return;
    case "open":
      openCall();
      return;
    default:
      break;
  }
  const commands = commandsOf(act, serverNow()).map((command) =>
    command.type === "send_units" ? { ...command, advised: advisedOf(command) } : command,
  );
  const back = undone === null ? undoOf(act) : null;
  const told = undone === null ? words.bar.done(sentence) : words.bar.undone(undone);
  const outcome = await run(commands, sentence, told, back && { act: back, sentence });
  if (outcome.facts === null) {
    // Somebody else was quicker with a unit: the same line again diverts it.
    const armed = outcome.reason === "unit_busy" ? line : null;
    if (line && !desk().line) change({ line, armed, answered: line });
  } else if (act.act === "merge" && desk().selected === act.incident.id) select(act.into.id);
  else if (act.act === "split") select(act.incident.id);
  else if (act.act === "split_sender") {
    const opened = outcome.facts.find(({ kind }) => kind === "incident.opened");
    if (opened && desk().selected === act.incident.id) select(opened.subject);
  }
}

function advisedOf(command: { incident: Id; units: Id[] }): Id[] {
  const recommended = adviceOf(command.incident)?.ranked.filter((row) => row.recommended) ?? [];
  return command.units.filter((unit) => recommended.some((row) => row.unit === unit));
}

/** Enter in the command line. */
export function enter(line: string): void {
  const reading = readLine(line, world());
  if (reading.is === "empty") return;
  if (reading.is === "ask") {
    say("error", messages().ask(reading.ask, actNames()));
    return;
  }
  let { act } = reading;
  if (act.act === "send" && !act.confirmed) {
    const again = desk().armed === line;
    if (act.busy.length && !again) {
      change({ armed: line, answered: line, line });
      say("conflict", messages().bar.divert(busyNames(act)));
      return;
    }
    act = { ...act, confirmed: again };
  }
  change((state) => ({
    line: state.line === line ? "" : state.line, // a key sends its own line, not what is half typed
    armed: null,
    typed: [...state.typed.filter((old) => old !== line), line].slice(-TYPED_KEPT),
  }));
  void perform(act, line);
}

/** F2: select the next incident and take it. */
export function takeNext(): void {
  const { live, selected } = desk();
  const next: Incident | null = live && nextToTake(bandsOf(live.incidents.values()), selected);
  if (!next) {
    say("error", messages().bar.nothingToTake);
    return;
  }
  select(next.id);
  void refreshAdvice(next.id);
  if (next.state === "new") void perform({ act: "take", incident: next });
}

/** Ctrl+Enter: send what the advice of the selected incident recommends. Advice that was worked out
 * a while ago, or whose units have got other orders since, is asked for again first; where it is not
 * to be had, nothing is sent. */
export async function sendAdvised(): Promise<void> {
  const { selected } = desk();
  if (!incidentById(selected) || selected === null) {
    say("error", messages().bar.noIncident);
    return;
  }
  advisedPresses += 1;
  const press = advisedPresses;
  change(({ line }) => ({ answered: line })); // what comes of it shows over what is half typed
  if (!isAdviceCurrent(selected)) {
    say("busy", messages().card.adviceLoading);
    const advice = await refreshAdvice(selected);
    if (press !== advisedPresses) return; // pressed again meanwhile: that press sends
    const hasGoneOn = desk().selected !== selected;
    if (hasGoneOn || !advice) {
      say("error", hasGoneOn ? messages().bar.notSent : messages().card.adviceFailed);
      return;
    }
    if (!isAdviceCurrent(selected)) {
      say("error", messages().bar.notSent); // it went out of date on its way
      return;
    }
  }
  enter("d * .");
}

/** F7: merge into the first possible duplicate; on a merged incident, split it off again. */
export function mergeOrSplit(): void {
  const { live, selected } = desk();
  const incident = incidentById(selected);
  if (!live || !incident) {
    say("error", messages().bar.noIncident);
    return;
  }
  const [first] = duplicatesOf(incident, live.incidents);
  if (incident.state === "merged") void perform({ act: "split", incident });
  else if (first) void perform(mergeOf(incident, first));
  else say("error", messages().bar.noDuplicate);
}

export function undo(): void {
  const { receipt } = desk();
  if (!receipt?.undo || receipt.until < Date.now()) {
    say("error", messages().bar.nothingToUndo);
    return;
  }
  void perform(receipt.undo.act, "", receipt.undo.sentence);
}

/** F6: enter a call, or go on with the one that was begun. */
export function openCall(): void {
  change({ panel: "open" });
  void readSites();
}

/** What was typed for a call stays for the next F6. */
export function closePanel(): void {
  change({ panel: "card" });
}

export function discardCall(): void {
  change({ panel: "card", picked: null, draft: EMPTY_DRAFT });
}
