// The timeline's sentences in English, one for each kind of fact.

import type { FactSentence } from "./telling.ts";

const DETACHED: Record<string, string> = {
  done: "done", recalled: "recalled", refused: "refused", diverted: "diverted",
};
const REFUSED: Record<string, string> = {
  crew_incomplete: "crew incomplete", vehicle_defect: "vehicle defect",
  equipment_missing: "equipment missing", too_far: "too far", road_blocked: "road blocked",
  other: "other reason",
};
const OUT: Record<string, string> = {
  breakdown: "breakdown", maintenance: "maintenance", crew_rest: "crew rest",
  crew_short: "crew short", refuelling_or_restocking: "refuelling or restocking",
  decontamination: "decontamination", training: "training", other: "other reason",
};
const JOINED: Record<string, string> = {
  same_site: "same site", same_source: "same source", same_address: "same address",
  by_hand: "by hand", crowd: "one of many alike",
};
/** Why a signal opened an incident: it is that incident's first. */
const OPENING = new Set(["alarm", "trouble", "unknown_code", "unknown_source", "needs_answer", "outage", "unconfirmed", "late"]);
const RAISED: Record<string, string> = {
  two_zones: "a second zone alarmed", two_technologies: "a second kind of detector alarmed",
  verified: "verified before it was sent", second_trip: "it tripped again",
  by_hand: "by a person", timely: "a timely alarm joined",
};
const RECORDED: Record<string, string> = {
  repeat: "repeat", test: "test", on_test: "on test", blocked: "muted by a block rule", nothing_open: "nothing open",
  no_answer_needed: "no answer needed, by the code table",
  synthetic: "our own test alarm",
};
const SOURCES: Record<string, string> = {
  signal: "Alarm signal", call: "Phone call", report: "Public report", probe: "Built-in probe", block: "Block rule",
};
const STEPS: Record<string, string> = {
  take: "taken", assign: "assigned a unit", close: "closed", receipt: "received",
  answer: "answered", start: "under way", arrival: "at scene",
  handover: "done transporting", return: "back",
};

const HURT: Record<string, string> = { yes: "yes", no: "no", unknown: "not known" };
const REPORTED: Record<string, string> = {
  fire: "fire or smoke", medical: "somebody ill or injured", crime: "crime in progress",
  traffic: "traffic accident", gas: "smell of gas", technical: "water, power or lift trouble",
  other: "something else",
};

export const facts: Record<string, FactSentence> = {
  "incident.opened": (f) =>
    `${f.lookUp(SOURCES, "source")}: ${f.type("type").toLowerCase()} incident opened, ${f.level("level")}`,
  "incident.signal_joined": (f) =>
    OPENING.has(f.text("reason"))
      ? "Its first signal put on it"
      : `${f.flag("alarms") ? "Further alarm" : "Further signal"} (${f.lookUp(JOINED, "reason")})`,
  "incident.signal_left": (f) => `A signal was moved to ${f.incident("moved_to")}`,
  "incident.report_joined": (f) =>
    `Report: ${f.lookUp(REPORTED, "kind")}; anybody hurt: ${f.lookUp(HURT, "hurt")}. ${f.sealed("where")}${f.sealedAfter(". ", "text")}${f.sealedAfter(". Call back: ", "caller_phone")}`,
  "incident.report_added": (f) => `The reporter added: ${f.sealed("text")}`,
  "incident.report_withdrawn": () => "The reporter says that help is no longer needed",
  "incident.taken": (f) => `Taken by ${f.text("by_name")}`,
  "incident.classified": (f) => `Type changed to ${f.type("type").toLowerCase()}`,
  "incident.prioritised": (f) => `Priority set to ${f.level("level")}${f.text("due_at") && `, due by ${f.time("due_at")}`}`,
  "incident.located": (f) => `Place changed to ${f.place("place")}`,
  "incident.noted": (f) => `Note: ${f.sealed("text")}`,
  "incident.held": (f) => `On hold until ${f.time("until")}${f.sealedAfter(": ", "reason")}`,
  "incident.released": (f) => (f.flag("by_time") ? "Hold ran out" : "Hold ended"),
  "incident.linked": (f) => `Linked with ${f.incident("other")}`,
  "incident.unlinked": (f) => `Unlinked from ${f.incident("other")}`,
  "incident.merged": (f) => `Merged into ${f.incident("into")}`,
  "incident.absorbed": (f) => `${f.incident("other")} merged into this incident`,
  "incident.split": (f) => `Split from ${f.incident("out_of")}; stands by itself again`,
  "incident.released_other": (f) => `${f.incident("other")} split off`,
  "incident.unit_attached": (f) => `${f.unit()} joined`,
  "incident.unit_detached": (f) => `${f.unit()} left (${f.lookUp(DETACHED, "reason")})`,
  "incident.closed": (f) =>
    `Closed: ${f.disposition("disposition").toLowerCase()}${f.sealedAfter(". ", "note")}`,
  "incident.reopened": (f) => `Reopened${f.sealedAfter(": ", "reason")}`,
  "incident.overdue": (f) => `Overdue: not ${f.lookUp(STEPS, "step")} in time`,
  "incident.plan_kept": (f) => `Action plan with ${f.text("count")} steps`,
  "incident.step_ticked": (f) => `Ticked: ${f.sealed("text_en")}`,
  "incident.step_unticked": (f) => `Tick taken back: ${f.sealed("text_en")}`,
  "incident.raised": (f) => `Confirmed: ${f.lookUp(RAISED, "reason")}`,
  "incident.cancelled": (f) =>
    `${f.is("how", "disarm") ? "Disarmed by user" : "Cancelled by user"}${
      f.is("outcome", "closed") ? "; that closed it" : "; still open"
    }`,
  "incident.validated": (f) =>
    `Validation level set to AVS ${f.text("avs")}${f.sealedAfter(": ", "reason")}`,
  "order.given": (f) =>
    `${f.unit()} sent${f.flag("advised") ? " (recommended)" : ""}${f.sealedAfter(", note: ", "note")}`,
  "order.sent": (f) => `${f.unit()}: order handed to the ${f.channel("channel")}`,
  "order.received": (f) => `${f.unit()}: order received by the ${f.channel("channel")}`,
  "order.accepted": (f) => `${f.unit()} accepted the order`,
  "order.refused": (f) => `${f.unit()} refused the order: ${f.lookUp(REFUSED, "reason")}`,
  "order.started": (f) => `${f.unit()} under way`,
  "order.arrived": (f) => `${f.unit()} at scene`,
  "order.done": (f) => `${f.unit()} done`,
  "order.recalled": (f) => `${f.unit()} ${f.lookUp(DETACHED, "reason")}`,
  "order.overdue": (f) => `${f.unit()} overdue: not ${f.lookUp(STEPS, "step")} in time`,
  "unit.registered": (f) => `${f.unit()} registered`,
  "unit.ordered": (f) => `${f.unit()} ordered`,
  "unit.state_reported": (f) =>
    `${f.unit()} ${f.unitState("state").toLowerCase()}${f.flag("by_desk") ? " (set by the desk)" : ""}`,
  "unit.freed": (f) =>
    `${f.unit()} ${f.unitState("state").toLowerCase()} (${f.lookUp(DETACHED, "reason")})`,
  "unit.taken_out_of_service": (f) => `${f.unit()} out of service: ${f.lookUp(OUT, "reason")}`,
  "unit.returned_to_service": (f) => `${f.unit()} back in service`,
  "on_test.begun": (f) => `On test until ${f.time("until")}: ${f.text("why")}`,
  "on_test.extended": (f) => `Test extended until ${f.time("until")}`,
  "on_test.signalled": (f) => `Signal during the test, zone ${f.text("zone")}`,
  "on_test.ended": (f) => `Test ended, ${f.text("signals")} signals`,
  "block.drafted": (f) => `Block rule tried: ${f.text("why")}`,
  "block.put_in_force": (f) => `Block rule put in force by ${f.text("by_name")}`,
  "block.extended": (f) => `Block rule extended until ${f.time("until")}`,
  "block.swallowed": (f) => `Signal muted, account ${f.text("account")}`,
  "block.ended": (f) => `Block rule ended, ${f.text("signals")} signals muted`,
  "unit.overdue": (f) => `${f.unit()} overdue: not ${f.lookUp(STEPS, "step")} in time`,
  "signal.judged": (f) =>
    f.is("verdict", "opened")
      ? `Signal judged: ${f.effect("effect").toLowerCase()}, incident opened`
      : f.is("verdict", "joined")
        ? `Signal judged: ${f.effect("effect").toLowerCase()}, joined this incident`
        : `Signal judged: ${f.effect("effect").toLowerCase()}, recorded only (${f.lookUp(RECORDED, "reason")})`,
  "signal.moved": (f) => `Signal moved from ${f.incident("moved_from")} to ${f.incident("incident")}`,
};
