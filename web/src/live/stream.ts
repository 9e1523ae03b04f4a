// One Server-Sent Events stream that comes back by itself. EventSource reconnects with
// Last-Event-ID on a broken connection; a connection that is open but silent is replaced here.

import { STALE_AFTER_MS } from "./health.ts";

export type StreamEvent =
  | { event: "change" | "tick" | "positions"; data: string; id: number | null }
  | { event: "reset" }
  | { event: "refused" };

const EVENTS = ["change", "tick", "positions"] as const;
const REOPEN_AFTER_MS = 2_000;

export interface Stream {
  /** Start (or go on) behind `after`; a stream that is already running is left alone. */
  start(after: number): void;
  stop(): void;
}

export function openStream(url: string, tell: (event: StreamEvent) => void): Stream {
  let source: EventSource | null = null;
  let position = 0;
  let heardAt = 0;
  let watchdog: ReturnType<typeof setInterval> | null = null;

  const close = (): void => {
    source?.close();
    source = null;
  };

  const open = (): void => {
    close();
    heardAt = Date.now();
    const opened = new EventSource(`${url}?after=${position}`);
    source = opened;
    for (const name of EVENTS) {
      opened.addEventListener(name, (message: MessageEvent<string>) => {
        heardAt = Date.now();
        const id = name === "change" ? Number(message.lastEventId) || null : null;
        if (id !== null) position = Math.max(position, id);
        tell({ event: name, data: message.data, id });
      });
    }
    opened.addEventListener("reset", () => {
      stop();
      tell({ event: "reset" });
    });
    opened.addEventListener("error", () => {
      // CLOSED means that the server answered with something else than a stream.
      if (opened.readyState === EventSource.CLOSED && source === opened) {
        source = null;
        tell({ event: "refused" });
      }
    });
  };

  const stop = (): void => {
    close();
    if (watchdog !== null) clearInterval(watchdog);
    watchdog = null;
  };

  return {
    start(after) {
      if (watchdog !== null) return;
      position = after;
      open();
      watchdog = setInterval(() => {
        const silent = Date.now() - heardAt;
        if (source === null ? silent > REOPEN_AFTER_MS : silent > STALE_AFTER_MS) open();
      }, 1_000);
    },
    stop,
  };
}
