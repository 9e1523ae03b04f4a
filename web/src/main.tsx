// The console's entry: styles, the live feed into the desk's state, and the desk itself.

import "./look/tokens.css";
import "./look/desk.css";
import "./look/card.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./desk/App.tsx";
import { adoptLanguage, change, hear, serverNow, useDesk } from "./desk/store.ts";
import { connect } from "./live/connect.ts";
import { applyChange, applyPositions, fromSnapshot, prune } from "./live/state.ts";

connect({
  onSnapshot: (snapshot) => {
    adoptLanguage(snapshot.me);
    change({
      live: fromSnapshot(snapshot),
      lag: snapshot.lag,
      counters: snapshot.counters,
      clockOffset: Date.parse(snapshot.at) - Date.now(),
      city: snapshot.city ?? null,
    });
  },
  onChange: (next) =>
    change(({ live, selected, visited }) => {
      const shown = new Set(selected === null ? visited : [selected, ...visited]);
      return { live: live && prune(applyChange(live, next), shown, serverNow()) };
    }),
  onPositions: (positions) =>
    change(({ live }) => ({ live: live && applyPositions(live, positions) })),
  onTick: hear,
  onSignedOut: () => change(({ beat }) => ({ beat: { ...beat, signedOut: true } })),
});

// The title says the city and how many incidents nobody has taken, for a window in the background.
useDesk.subscribe(({ live, city, language }) => {
  const name = language === "en" ? city?.name_en : city?.name_zh;
  let fresh = 0;
  for (const incident of live?.incidents.values() ?? []) if (incident.state === "new") fresh += 1;
  const title = `${fresh ? `(${fresh}) ` : ""}${name ? `${name} · ` : ""}Tocsin`;
  if (document.title !== title) document.title = title;
});

const root = document.getElementById("console");
if (!root) throw new Error("index.html has no #console");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
