// The words of the API for the rest of the console: types are generated from openapi.json
// (`npm run api`), lists of values are held to those types here.

import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];

export type Id = string;
export type Time = string;

export type IncidentType = Schemas["IncidentType"];
export type Level = Schemas["Level"];
export type Capability = Schemas["Capability"];
export type Disposition = Schemas["Disposition"];
export type IncidentState = Schemas["IncidentState"];
export type UnitState = Schemas["UnitState"];
export type OutOfServiceReason = Schemas["OutOfServiceReason"];
export type OrderState = Schemas["OrderState"];

export const INCIDENT_TYPES = [
  "fire", "medical", "rescue", "traffic", "holdup", "panic", "burglary", "public_order", "gas",
  "hazmat", "technical", "unknown",
] as const satisfies readonly IncidentType[];

export const LEVELS = [1, 2, 3, 4] as const satisfies readonly Level[];

/** The bands of the queue, in its order. */
export const BANDS = ["unassigned", "working", "watch"] as const satisfies readonly Schemas["Band"][];
export type Band = (typeof BANDS)[number];

/** States after which an order asks nothing of its unit any more. */
export const ORDER_ENDED: readonly OrderState[] = ["refused", "done", "recalled"];

/** Reported for a unit by itself or by the desk in its name. */
export type ReportedState = Exclude<UnitState, "ordered" | "out_of_service">;

export type Place = Schemas["PlaceRow"];
export type AttachedUnit = Schemas["AttachedUnit"];
export type Incident = Schemas["IncidentRow"];
export type Unit = Schemas["UnitRow"];
export type Order = Schemas["OrderRow"];
export type Signal = Schemas["SignalRow"];
export type Site = Schemas["SiteRow"];
export type Station = Schemas["Station"];
export type Named = Schemas["Named"];
export type Person = Schemas["Me"];
export type Lag = Schemas["Lag"];
export type Advice = Schemas["Advice"];
export type Plan = Schemas["PlanRow"];
export type OnTest = Schemas["OnTestRow"];
export type Likeness = Schemas["LikenessRow"];
export type Assurance = Schemas["Assurance"];
export type Avs = Schemas["Avs"];
export type AdvisedUnit = Schemas["AdvisedUnit"];
export type MapInfo = Schemas["MapInfo"];
export type CallerPlace = Schemas["CallerPlaceRow"];
export type Command = Schemas["Command"];
export type DoneFact = Schemas["DoneFact"];
/** RFC 9457, with the reason code, and who was first when somebody else was. */
export type Problem = Schemas["ProblemDocument"];

/** `city` is told by installations that have a name of their own beside the agency's. */
export type Snapshot = Schemas["Snapshot"] & {
  city?: { name_zh: string; name_en: string } | null;
};

/** A fact as the console keeps it, from a list or from the stream. */
export interface Fact {
  position: number;
  recorded_at: Time;
  kind: string;
  subject: Id;
  subject_kind: string;
  incident: Id | null;
  actor: string;
  actor_name?: string;
  data: Record<string, unknown>;
}

// The stream's events are not in the OpenAPI document's schemas: their shapes stand here.

export interface ChangedRows {
  incidents?: Incident[];
  units?: Unit[];
  orders?: Order[];
  signals?: Signal[];
  on_tests?: OnTest[];
}

export interface Change {
  position: number;
  facts: Fact[];
  rows: ChangedRows;
}

export interface Tick {
  at: Time;
  position: number;
  database: "ok" | "lost";
  lag: Lag | null; // null, as no counters, for those who may not read the intake
  counters: Record<string, number>;
}

export interface UnitPosition {
  unit: Id;
  lat: number;
  lon: number;
  heading: number | null;
  at: Time;
}
