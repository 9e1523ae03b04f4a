// Where callers' phones say they are (AML), while a call is entered: the call-taker takes the one that
// fits. Nothing tells whose a place is, and none is older than 15 minutes.

import { useEffect, useState } from "react";

import { fetchCallerPlaces } from "../api/client.ts";
import type { CallerPlace } from "../api/shapes.ts";
import { useMessages } from "../locale/index.ts";
import { elapsed } from "../locale/time.ts";
import { Mark } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { change, useDesk } from "./store.ts";

const EVERY_MS = 4_000;
const SHOWN = 4;

/** The places of now; what was there stays when an answer fails to come. */
function useCallerPlaces(): readonly CallerPlace[] {
  const [places, setPlaces] = useState<readonly CallerPlace[]>([]);
  useEffect(() => {
    let gone = false;
    const read = (): void => {
      fetchCallerPlaces().then(
        (found) => { if (!gone) setPlaces(found); },
        () => undefined, // the strip says what is wrong with the server
      );
    };
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  return places;
}

export function CallerPlaces() {
  const words = useMessages();
  const now = useNow();
  const taken = useDesk((state) => state.picked?.evidence);
  const free = useCallerPlaces().filter((place) => place.incident === null);
  if (!free.length) return null;
  return (
    <section className="nearby" aria-label={words.open.callerPlaces}>
      <h3>{words.open.callerPlaces}</h3>
      <ul className="found">
        {free.slice(0, SHOWN).map((place) => (
          <li key={place.id}>
            <button
              type="button"
              aria-pressed={taken === place.id}
              onClick={() => {
                change({ picked: { lat: place.lat, lon: place.lon, evidence: place.id } });
              }}
            >
              <Mark of="target" />
              <span className="num">
                {place.lat.toFixed(5)}, {place.lon.toFixed(5)}
              </span>
              <span className="muted">
                {[
                  words.callerMethods[place.method],
                  place.radius_m === null ? null : `±${words.open.metres(Math.round(place.radius_m))}`,
                  place.floor ? words.open.floor(place.floor) : null,
                  place.assurance === "authenticated" ? null : words.open.unsigned,
                ].filter(Boolean).join(" · ")}
              </span>
              <span className="num muted found-end">{elapsed(place.at ?? place.received_at, now, words)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
