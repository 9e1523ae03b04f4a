// What the desk asks the server for beside the stream: advice, timeline, signals, sites.

import { useMemo } from "react";

import {
  fetchAdvice, fetchIncident, fetchPlans, fetchSignals, fetchSites, fetchTimeline, SignedOut,
} from "../api/client.ts";
import type { Advice, Id, Signal } from "../api/shapes.ts";
import { withIncident } from "../live/state.ts";
import { change, desk, useDesk } from "./store.ts";
import type { Fetched } from "./store.ts";

type Cache = "advice" | "timelines" | "signals" | "plans";

const REMEMBERED = 40;
/** Older advice is not shown any more: it names units that may have gone elsewhere since. */
const ADVICE_KEPT_MS = 25_000;
/** Advice on screen is renewed each 10 s; what is older has missed that. */
const ADVICE_CURRENT_MS = 12_000;

async function refresh<T>(cache: Cache, id: Id, fetchIt: (id: Id) => Promise<T>): Promise<T | null> {
  const put = (entry: Fetched<T>): void =>
    change((state) => {
      const kept = Object.entries(state[cache]).filter(([key]) => key !== id);
      return {
        [cache]: Object.fromEntries([...kept.slice(-REMEMBERED), [id, entry]]),
      };
    });
  try {
    const value = await fetchIt(id);
    put({ value, failed: false, at: Date.now() });
    return value;
  } catch (error) {
    if (error instanceof SignedOut) {
      change((state) => ({ beat: { ...state.beat, signedOut: true } }));
    }
    const known = desk()[cache][id] as Fetched<T> | undefined;
    put({ value: known?.value ?? null, failed: true, at: known?.at ?? Date.now() });
    return null;
  }
}

/** Ask for advice again; what is too old to act on is not shown until the answer comes. */
export function refreshAdvice(id: Id): Promise<Advice | null> {
  const known = desk().advice[id];
  if (known?.value && Date.now() - known.at > ADVICE_KEPT_MS) {
    change((state) => ({ advice: { ...state.advice, [id]: { ...known, value: null } } }));
  }
  return refresh("advice", id, fetchAdvice);
}

/** Whether what is recommended can be sent as it is: just asked for, and its units still free. */
export function isAdviceCurrent(id: Id): boolean {
  const { advice, live } = desk();
  const known = advice[id];
  if (!known?.value || known.failed || Date.now() - known.at > ADVICE_CURRENT_MS) return false;
  return known.value.ranked.every(({ recommended, unit: unitId }) => {
    const unit = live?.units.get(unitId);
    return !recommended || (unit?.order === null && unit.state !== "out_of_service");
  });
}

export const refreshTimeline = (id: Id): Promise<unknown> => refresh("timelines", id, fetchTimeline);
export const refreshSignals = (id: Id): Promise<unknown> => refresh("signals", id, fetchSignals);

/** The signals of an incident: those read, and those that the stream has told since, newest first. */
export function useSignals(incident: Id): Signal[] {
  const entry = useDesk((state) => state.signals[incident]);
  const streamed = useDesk((state) => state.live?.signals);
  return useMemo(() => {
    const rows = new Map((entry?.value ?? []).map((signal) => [signal.id, signal]));
    for (const signal of streamed?.values() ?? []) {
      if (signal.incident === incident) rows.set(signal.id, signal);
    }
    return [...rows.values()].sort((a, b) => (a.received_at < b.received_at ? 1 : -1));
  }, [entry, streamed, incident]);
}

export const refreshPlans = (id: Id): Promise<unknown> => refresh("plans", id, fetchPlans);

const asked = new Set<Id>();

/** Incidents that the stream has not told of: merged and closed ones that others name. Each is asked
 * for once; what the stream tells meanwhile is newer and stays. */
export async function readMissing(ids: readonly Id[]): Promise<void> {
  for (const id of ids.filter((one) => !asked.has(one))) {
    asked.add(id);
    try {
      const row = await fetchIncident(id);
      change(({ live }) => (live ? { live: withIncident(live, row) } : {}));
    } catch {
      // Gone or out of reach: the card shows the others.
    }
  }
}

let readingSites = false;
export async function readSites(): Promise<void> {
  if (readingSites || desk().sites) return;
  readingSites = true;
  try {
    change({ sites: await fetchSites() });
  } catch {
    // The call panel works without the register; it asks again when it is opened next.
  } finally {
    readingSites = false;
  }
}

export function adviceOf(id: Id): Advice | null {
  return desk().advice[id]?.value ?? null;
}
