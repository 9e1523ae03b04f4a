// Snapshot, then stream, into one place: events that arrive before the snapshot wait for it, so
// nothing between the two is lost, and a reset simply begins again.

import { fetchSnapshot, SignedOut } from "../api/client.ts";
import type { Change, Tick, UnitPosition } from "../api/shapes.ts";
import type { Stream, StreamEvent } from "./stream.ts";
import { openStream } from "./stream.ts";
import type { ToWorker } from "./shared.ts";
import type { Snapshot } from "../api/shapes.ts";
import { resetBackoff } from "./backoff.ts";

export interface Sink {
  onSnapshot(snapshot: Snapshot): void;
  onChange(change: Change): void;
  onPositions(positions: UnitPosition[]): void;
  onTick(tick: Tick): void;
  onSignedOut(): void;
}

const RETRY_MS = 2_000;
const HERE_MS = 30_000;

function sharedStream(tell: (event: StreamEvent) => void): Stream {
  const worker = new SharedWorker(new URL("./shared.ts", import.meta.url), {
    type: "module",
    name: "tocsin-stream",
  });
  const say = (message: ToWorker): void => worker.port.postMessage(message);
  worker.port.onmessage = (message: MessageEvent<StreamEvent>) => tell(message.data);
  setInterval(() => say({ say: "here" }), HERE_MS);
  addEventListener("pagehide", () => say({ say: "bye" }));
  // A window restored from the browser's back-forward cache has said bye: begin afresh.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  return {
    start: (after) => say({ say: "start", after }),
    stop: () => undefined, // the worker stops when the last window has said bye
  };
}

/** Keep `sink` current until the page closes. */
export function connect(sink: Sink): void {
  let waiting: StreamEvent[] | null = [];
  const waitAfterReset = resetBackoff();

  const deliver = (event: StreamEvent): void => {
    switch (event.event) {
      case "change":
        sink.onChange(JSON.parse(event.data) as Change);
        break;
      case "positions":
        sink.onPositions((JSON.parse(event.data) as { positions: UnitPosition[] }).positions);
        break;
      case "tick":
        sink.onTick(JSON.parse(event.data) as Tick);
        break;
      case "reset":
        waiting = [];
        setTimeout(begin, waitAfterReset());
        break;
      case "refused":
        void fetchSnapshot().catch((error: unknown) => {
          if (error instanceof SignedOut) sink.onSignedOut();
        });
    }
  };

  const hear = (event: StreamEvent): void => {
    if (event.event === "reset" && waiting !== null) return; // already beginning
    if (waiting !== null && event.event !== "refused") waiting.push(event);
    else deliver(event);
  };

  const stream =
    typeof SharedWorker === "undefined" ? openStream("/api/v1/stream", hear) : sharedStream(hear);

  const begin = (): void => {
    waiting = []; // what was heard before the snapshot is asked for is in it
    fetchSnapshot().then(
      (snapshot) => {
        sink.onSnapshot(snapshot);
        stream.start(snapshot.position);
        const held = waiting ?? [];
        waiting = null;
        held.forEach(deliver);
      },
      (error: unknown) => {
        if (error instanceof SignedOut) sink.onSignedOut();
        else setTimeout(begin, RETRY_MS * (0.5 + Math.random()));
      },
    );
  };

  begin();
}
