// The desk on one screen: strip, queue, map, card over board, command line.

import { Component, lazy, Suspense, useEffect } from "react";
import type { ReactNode } from "react";

import { speak } from "../api/client.ts";
import { LanguageContext, useMessages } from "../locale/index.ts";
import { Board } from "./Board.tsx";
import { Card } from "./Card.tsx";
import { CommandBar } from "./CommandBar.tsx";
import { listenToKeys } from "./keys.ts";
import { Help, Later, OpenPanel, readLater } from "./Later.tsx";
import { Queue } from "./Queue.tsx";
import { useDesk } from "./store.ts";
import { Strip } from "./Strip.tsx";

/** After the first screen stands. */
const READ_LATER_MS = 1_000;

const MapPane = lazy(() => import("../map/MapPane.tsx"));

/** A map that cannot be drawn must not take the desk with it. */
class MapGuard extends Component<{ children: ReactNode; told: string }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }
  override render(): ReactNode {
    return this.state.broken ? <p className="map-word">{this.props.told}</p> : this.props.children;
  }
}

function MapColumn() {
  const words = useMessages();
  return (
    <section className="map-pane" aria-label={words.map.label}>
      <MapGuard told={words.map.failed}>
        <Suspense fallback={<p className="map-word">{words.map.loading}</p>}>
          <MapPane />
        </Suspense>
      </MapGuard>
    </section>
  );
}

function Side() {
  const panel = useDesk((state) => state.panel);
  return (
    <div className={panel === "open" ? "side side-entering" : "side"}>
      {panel === "card" ? <Card /> : <Later key={panel}>{panel === "open" ? <OpenPanel /> : <Help />}</Later>}
      <Board />
    </div>
  );
}

export function App() {
  const language = useDesk((state) => state.language);
  const theme = useDesk((state) => state.theme);

  useEffect(() => {
    document.documentElement.lang = language;
    speak(language);
  }, [language]);

  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = (): void => {
      const chosen = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
      document.documentElement.dataset.theme = chosen;
    };
    paint();
    dark.addEventListener("change", paint);
    return () => dark.removeEventListener("change", paint);
  }, [theme]);

  useEffect(listenToKeys, []);

  useEffect(() => {
    const timer = setTimeout(readLater, READ_LATER_MS);
    return () => clearTimeout(timer);
  }, []);

  return (
    <LanguageContext value={language}>
      <Strip />
      <main className="desk">
        <Queue />
        <MapColumn />
        <Side />
      </main>
      <CommandBar />
    </LanguageContext>
  );
}
