// What the desk asks the server for beside the stream: advice, timeline, signals, sites.

import {
  fetchAdvice, fetchSignals, fetchSites, fetchTimeline, SignedOut,
} from "../api/client.ts";
import type { Advice, Id } from "../api/shapes.ts";
import { change, desk } from "./store.ts";
import type { Fetched } from "./store.ts";

type Cache = "advice" | "timelines" | "signals";

const REMEMBERED = 40;

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
    put({ value: known?.value ?? null, failed: true, at: Date.now() });
    return null;
  }
}

export const refreshAdvice = (id: Id): Promise<Advice | null> => refresh("advice", id, fetchAdvice);
export const refreshTimeline = (id: Id): Promise<unknown> => refresh("timelines", id, fetchTimeline);
export const refreshSignals = (id: Id): Promise<unknown> => refresh("signals", id, fetchSignals);

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
