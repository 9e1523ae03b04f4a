// What the desk knows: a snapshot, then changes on top. Pure; its cases in tests/live/*.json are
// run by the server's tests too. A row replaces a row of the same id when its version is not older.

import { ORDER_ENDED } from "../api/shapes.ts";
import type {
  Change, Fact, Id, Incident, Named, OnTest, Order, Person, Signal, Snapshot, Station, Unit, UnitPosition,
} from "../api/shapes.ts";

type Rows<T> = ReadonlyMap<Id, T>;

export interface LiveState {
  readonly position: number;
  readonly incidents: Rows<Incident>;
  readonly units: Rows<Unit>;
  readonly orders: Rows<Order>;
  readonly signals: Rows<Signal>;
  /** What is on test at present. */
  readonly onTests: Rows<OnTest>;
  readonly stations: Rows<Station>;
  readonly districts: readonly Named[];
  readonly agencies: readonly Named[];
  readonly me: Person;
  /** Facts that came over the stream since the snapshot, newest last; bounded. */
  readonly facts: readonly Fact[];
}

const CLOSED_KEPT_MS = 3_600_000;
export const CLOSED_KEPT = 500;
export const SIGNALS_KEPT = 400;
/** Of one incident on screen; its card asks for as many. */
export const SIGNALS_SHOWN = 50;
const FACTS_KEPT = 400;

function byId<T extends { id: Id }>(rows: readonly T[]): Map<Id, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

export function fromSnapshot(snapshot: Snapshot): LiveState {
  return {
    position: snapshot.position,
    incidents: byId(snapshot.incidents),
    units: byId(snapshot.units),
    orders: byId(snapshot.orders),
    signals: new Map(),
    onTests: byId(snapshot.on_tests),
    stations: byId(snapshot.stations),
    districts: snapshot.districts,
    agencies: snapshot.agencies,
    me: snapshot.me,
    facts: [],
  };
}

function upsert<T extends { id: Id; version?: number }>(
  rows: Rows<T>,
  changed: readonly T[] | undefined,
  merge: (old: T, fresh: T) => T = (_, fresh) => fresh,
): Rows<T> {
  if (!changed?.length) return rows;
  const next = new Map(rows);
  for (const row of changed) {
    const old = next.get(row.id);
    if (old && (row.version ?? 0) < (old.version ?? 0)) continue;
    next.set(row.id, old ? merge(old, row) : row);
  }
  return next;
}

/** A row of a unit may carry an older position than the positions stream has given since. */
function keepNewerPosition(old: Unit, fresh: Unit): Unit {
  if (!old.position || !fresh.position || old.position.at <= fresh.position.at) return fresh;
  return { ...fresh, position: old.position };
}

function withoutEnded(orders: Rows<Order>): Rows<Order> {
  const ended = [...orders.values()].filter((order) => ORDER_ENDED.includes(order.state));
  if (!ended.length) return orders;
  const next = new Map(orders);
  for (const order of ended) next.delete(order.id);
  return next;
}

const stillOnTest = (tests: Rows<OnTest>): Rows<OnTest> =>
  [...tests.values()].some(({ ended_at: ended }) => ended !== null)
    ? byId([...tests.values()].filter(({ ended_at: ended }) => ended === null))
    : tests;

/** The state with one incident that was asked for, unless a newer one is there. */
export const withIncident = (state: LiveState, incident: Incident): LiveState => ({
  ...state, incidents: upsert(state.incidents, [incident]),
});

export function applyChange(state: LiveState, change: Change): LiveState {
  if (change.position <= state.position) return state;
  return {
    ...state,
    position: change.position,
    incidents: upsert(state.incidents, change.rows.incidents),
    units: upsert(state.units, change.rows.units, keepNewerPosition),
    orders: withoutEnded(upsert(state.orders, change.rows.orders)),
    signals: upsert(state.signals, change.rows.signals),
    onTests: stillOnTest(upsert(state.onTests, change.rows.on_tests)),
    facts: [...state.facts, ...change.facts].slice(-FACTS_KEPT),
  };
}

export function applyPositions(state: LiveState, positions: readonly UnitPosition[]): LiveState {
  let units: Map<Id, Unit> | null = null;
  for (const { unit: id, lat, lon, heading, at } of positions) {
    const unit = (units ?? state.units).get(id);
    if (!unit || (unit.position && at < unit.position.at)) continue;
    units ??= new Map(state.units);
    units.set(id, { ...unit, position: { datum: "WGS-84", lat, lon, heading, at } });
  }
  return units ? { ...state, units } : state;
}

const isEnded = ({ state }: Incident): boolean => state === "closed" || state === "merged";

/** Ended incidents that somebody may still look at: those on screen, and whatever these or the open
 * ones name. */
function named(state: LiveState, shown: ReadonlySet<Id>): Set<Id> {
  const found = new Set(shown);
  for (const incident of state.incidents.values()) {
    if (isEnded(incident) && !shown.has(incident.id)) continue;
    const { absorbed, duplicates, linked, merged_into: into } = incident;
    for (const id of [...absorbed, ...duplicates, ...linked]) found.add(id);
    if (into !== null) found.add(into);
  }
  for (const { incident } of state.units.values()) if (incident !== null) found.add(incident);
  return found;
}

function recentIncidents(state: LiveState, shown: ReadonlySet<Id>, now: number): Rows<Incident> {
  const endedAt = ({ closed_at: closed, opened_at: opened }: Incident): number =>
    Date.parse(closed ?? opened);
  const ended = [...state.incidents.values()].filter(isEnded);
  const isOld = (incident: Incident): boolean => now - endedAt(incident) > CLOSED_KEPT_MS;
  if (ended.length <= CLOSED_KEPT && !ended.some(isOld)) return state.incidents;
  const kept = named(state, shown);
  ended.sort((a, b) => endedAt(b) - endedAt(a));
  const dropped = ended.filter((one, at) => !kept.has(one.id) && (at >= CLOSED_KEPT || isOld(one)));
  if (!dropped.length) return state.incidents;
  const next = new Map(state.incidents);
  for (const { id } of dropped) next.delete(id);
  return next;
}

function recentSignals(signals: Rows<Signal>, shown: ReadonlySet<Id>): Rows<Signal> {
  if (signals.size <= SIGNALS_KEPT) return signals;
  const newest = [...signals.values()].reverse();
  const ofShown = new Map<Id, number>();
  const kept = newest.filter(({ incident }, at) => {
    if (incident === null || !shown.has(incident)) return at < SIGNALS_KEPT / 2;
    const count = (ofShown.get(incident) ?? 0) + 1;
    ofShown.set(incident, count);
    return count <= SIGNALS_SHOWN || at < SIGNALS_KEPT / 2;
  });
  return kept.length === signals.size ? signals : byId(kept.reverse());
}

/** The state without what only grows. Of ended incidents it keeps those that ended within the hour,
 * CLOSED_KEPT at most, as a fresh snapshot would; of signals the last, SIGNALS_KEPT at most, and
 * SIGNALS_SHOWN of each incident in `shown`. What is on screen stays: `shown` are the incidents there, `now` is the server's time, ms. */
export function prune(state: LiveState, shown: ReadonlySet<Id>, now: number): LiveState {
  const incidents = recentIncidents(state, shown, now);
  const signals = recentSignals(state.signals, shown);
  if (incidents === state.incidents && signals === state.signals) return state;
  return { ...state, incidents, signals };
}

/** The rows that a snapshot taken at `now` would hold: what equality with the server is about. */
export function asSnapshot(
  state: LiveState,
  now: number,
): Pick<Snapshot, "position" | "incidents" | "units" | "orders"> {
  const shown = (incident: Incident): boolean =>
    incident.state !== "merged" &&
    (incident.closed_at === null || now - Date.parse(incident.closed_at) <= CLOSED_KEPT_MS);
  const sorted = <T extends { id: Id }>(rows: Iterable<T>): T[] =>
    [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    position: state.position,
    incidents: sorted([...state.incidents.values()].filter(shown)),
    units: sorted(state.units.values()),
    orders: sorted(state.orders.values()),
  };
}
