// Parts that the first screen does not need: read right after it stands, so that they are at hand
// when they are wanted, also where the network has gone meanwhile.

import { Component, lazy, Suspense } from "react";
import type { ReactNode } from "react";

import { useMessages } from "../locale/index.ts";

const readHelp = () => import("./Help.tsx");
const readCall = () => import("./OpenPanel.tsx");
const readSenders = () => import("./CrowdSenders.tsx");

export const Help = lazy(readHelp);
export const OpenPanel = lazy(readCall);
export const CrowdSenders = lazy(readSenders);

/** Reads all of them, the one that must be quickest first. */
export function readLater(): void {
  for (const read of [readCall, readHelp, readSenders]) {
    read().catch(() => undefined); // it is asked for again where it is shown, and says so there
  }
}

class Guard extends Component<{ children: ReactNode; told: string }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }
  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return <p className="empty-line" role="alert">{this.props.told}</p>;
  }
}

/** Around a part that is read later: what cannot be read takes nothing else with it. */
export function Later({ children }: { children: ReactNode }) {
  const { bar } = useMessages();
  return (
    <Guard told={bar.notLoaded}>
      <Suspense fallback={<p className="muted empty-line">{bar.working}</p>}>{children}</Suspense>
    </Guard>
  );
}
