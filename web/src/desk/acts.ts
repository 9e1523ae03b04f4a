// What a line of the command bar, a key or a button does: an act, the commands it sends, and the
// commands that take it back.

import type {
  Avs, Command, Disposition, Id, Incident, IncidentType, Level, OutOfServiceReason, ReportedState, Unit,
} from "../api/shapes.ts";

export type Act =
  | { act: "select"; incident: Incident }
  | { act: "show_unit"; unit: Unit }
  | { act: "help" }
  | { act: "open" }
  | { act: "take"; incident: Incident }
  | {
      act: "send";
      incident: Incident;
      units: Unit[];
      advised: boolean;
      /** Units that have an order elsewhere; they are diverted only when `confirmed`. */
      busy: Unit[];
      confirmed: boolean;
      note: string | null;
    }
  | { act: "accept"; units: Unit[] }
  | { act: "report"; units: Unit[]; state: ReportedState }
  | { act: "note"; incident: Incident; text: string }
  | { act: "classify"; incident: Incident; to: IncidentType }
  | { act: "prioritise"; incident: Incident; level: Level }
  | { act: "hold"; incident: Incident; minutes: number; reason: string }
  | { act: "release"; incident: Incident }
  | { act: "link"; incident: Incident; other: Incident }
  | { act: "unlink"; incident: Incident; other: Incident }
  | { act: "merge"; incident: Incident; into: Incident }
  | { act: "split"; incident: Incident }
  /** `signal` is one of the sender's, of the crowd `incident`. */
  | { act: "split_sender"; incident: Incident; signal: Id; sender: string }
  | { act: "close"; incident: Incident; disposition: Disposition; note: string | null }
  | { act: "reopen"; incident: Incident; reason: string }
  /** `place` is the step's number on the card, over all plans of the incident. */
  | { act: "tick" | "untick"; incident: Incident; plan: string; step: number; place: number }
  | { act: "validate"; incident: Incident; avs: Avs; reason: string }
  | { act: "recall"; incident: Incident; units: Unit[]; reason: string | null }
  | { act: "out_of_service"; units: Unit[]; reason: OutOfServiceReason }
  | { act: "back_in_service"; units: Unit[] };

const ids = (units: readonly Unit[]): Id[] => units.map((unit) => unit.id);

/** The commands of an act, in order; none for what only moves the screen. `now` in ms. */
export function commandsOf(act: Act, now: number): Command[] {
  switch (act.act) {
    case "select":
    case "show_unit":
    case "help":
    case "open":
      return [];
    case "take":
      return [{ type: "take_incident", incident: act.incident.id }];
    case "send":
      return [
        {
          type: "send_units",
          incident: act.incident.id,
          units: ids(act.units),
          note: act.note,
          confirm_divert: act.confirmed,
        },
      ];
    case "accept":
      return act.units.flatMap((unit) =>
        unit.order ? [{ type: "accept_order" as const, order: unit.order }] : [],
      );
    case "report":
      return act.units.map((unit) => ({ type: "report_status", unit: unit.id, state: act.state }));
    case "note":
      return [{ type: "add_note", incident: act.incident.id, text: act.text }];
    case "classify":
      return [{ type: "classify_incident", incident: act.incident.id, incident_type: act.to }];
    case "prioritise":
      return [{ type: "prioritise_incident", incident: act.incident.id, level: act.level }];
    case "hold": {
      const until = new Date(now + act.minutes * 60_000).toISOString();
      return [{ type: "hold_incident", incident: act.incident.id, until, reason: act.reason }];
    }
    case "release":
      return [{ type: "release_incident", incident: act.incident.id }];
    case "link":
      return [{ type: "link_incidents", incident: act.incident.id, other: act.other.id }];
    case "unlink":
      return [{ type: "unlink_incidents", incident: act.incident.id, other: act.other.id }];
    case "merge":
      return [{ type: "merge_incidents", incident: act.incident.id, into: act.into.id }];
    case "split":
      return [{ type: "split_incident", incident: act.incident.id }];
    case "split_sender":
      return [{ type: "split_sender", incident: act.incident.id, signal: act.signal }];
    case "close": {
      const { incident, disposition, note } = act;
      return [{ type: "close_incident", incident: incident.id, disposition, note }];
    }
    case "reopen":
      return [{ type: "reopen_incident", incident: act.incident.id, reason: act.reason }];
    case "tick":
    case "untick": {
      const { incident, plan, step } = act;
      return [{ type: act.act === "tick" ? "tick_step" : "untick_step", incident: incident.id, plan, step }];
    }
    case "validate": {
      const { incident, avs, reason } = act;
      return [{ type: "validate_incident", incident: incident.id, avs, reason }];
    }
    case "recall": {
      const { incident, units, reason } = act;
      return [{ type: "recall_units", incident: incident.id, units: ids(units), reason }];
    }
    case "out_of_service":
      return act.units.map((unit) => ({
        type: "take_out_of_service",
        unit: unit.id,
        reason: act.reason,
      }));
    case "back_in_service":
      return act.units.map((unit) => ({ type: "return_to_service", unit: unit.id }));
  }
}

/** How long after an act Ctrl+Z takes it back, ms. */
export const UNDO_WITHIN_MS = 10_000;

/** The act that takes `act` back, from the rows as they stood before it; null where none does. */
export function undoOf(act: Act): Act | null {
  switch (act.act) {
    case "send":
      // A unit that was diverted cannot be put back where it was: that is for the dispatcher.
      return act.busy.length
        ? null
        : { act: "recall", incident: act.incident, units: act.units, reason: null };
    case "merge":
      return { act: "split", incident: act.incident };
    case "hold":
      return { act: "release", incident: act.incident };
    case "link":
      return { act: "unlink", incident: act.incident, other: act.other };
    case "unlink":
      return { act: "link", incident: act.incident, other: act.other };
    case "classify":
      return { act: "classify", incident: act.incident, to: act.incident.type };
    case "prioritise":
      return { act: "prioritise", incident: act.incident, level: act.incident.level };
    case "out_of_service":
      return { act: "back_in_service", units: act.units };
    case "tick":
      return { ...act, act: "untick" };
    case "untick":
      return { ...act, act: "tick" };
    default:
      return null;
  }
}
