// SharedWorker: one stream for all of a browser's console windows, since a browser opens at most
// six connections to an origin over HTTP/1.1. Windows say `start` after their snapshot, `here` now
// and then, and `bye` when they close.

import { openStream } from "./stream.ts";
import type { StreamEvent } from "./stream.ts";

export type ToWorker = { say: "start"; after: number } | { say: "here" } | { say: "bye" };

const GONE_AFTER_MS = 300_000; // hidden windows may speak only once a minute

const scope = self as unknown as { onconnect: ((event: MessageEvent) => void) | null };
const ports = new Map<MessagePort, number>();

const stream = openStream("/api/v1/stream", (event: StreamEvent) => {
  for (const port of ports.keys()) port.postMessage(event);
});

function drop(port: MessagePort): void {
  ports.delete(port);
  if (ports.size === 0) stream.stop();
}

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  ports.set(port, Date.now());
  port.onmessage = (message: MessageEvent<ToWorker>) => {
    if (message.data.say === "bye") {
      drop(port);
      return;
    }
    ports.set(port, Date.now());
    if (message.data.say === "start") stream.start(message.data.after);
  };
};

setInterval(() => {
  const now = Date.now();
  for (const [port, heard] of ports) if (now - heard > GONE_AFTER_MS) drop(port);
}, 60_000);
