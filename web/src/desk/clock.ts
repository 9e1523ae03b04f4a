// The screen's second hand: one timer for all that counts seconds, on the server's clock.

import { useSyncExternalStore } from "react";

import { serverNow } from "./store.ts";

const listeners = new Set<() => void>();
let now = serverNow();
let timer: ReturnType<typeof setTimeout> | null = null;

function beat(): void {
  now = serverNow();
  listeners.forEach((listener) => listener());
  timer = setTimeout(beat, 1_000 - (serverNow() % 1_000) + 5);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) beat();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearTimeout(timer);
      timer = null;
    }
  };
}

/** Server time to the second, ms; the component renders once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
