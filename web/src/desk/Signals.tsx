// The signals that belong to an incident, as the devices said them and as we read them.

import { Fragment } from "react";

import type { Incident, Signal } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { dayClock, lasting } from "../locale/time.ts";
import { useNow } from "./clock.ts";
import { useSignals } from "./reading.ts";
import { ageOf } from "./worth.ts";
import { AssuranceWord } from "./Worth.tsx";

const SHOWN = 50;

function Row({ signal }: { signal: Signal }) {
  const words = useMessages();
  const language = useLanguage();
  const now = useNow();
  const age = ageOf(signal);
  const facts = [
    [signal.protocol, signal.token].filter(Boolean).join(" ").toUpperCase(),
    signal.account && `${words.card.account} ${signal.account}`,
    signal.code && `${words.card.code} ${signal.qualifier}${signal.code}`,
    signal.partition && `${words.card.partition} ${signal.partition}`,
    signal.zone && `${words.card.zone} ${signal.zone}`,
    signal.occurred_at && words.card.occurred(dayClock(signal.occurred_at, now)),
  ].filter((fact) => fact !== "" && fact !== null);
  return (
    <li>
      <time className="num muted" dateTime={signal.received_at}>
        {dayClock(signal.received_at, now)}
      </time>
      <span>
        {pick(language, signal.text_zh, signal.text_en) || signal.text ||
          words.effects[signal.effect ?? "unknown"]}
        {signal.late && (
          <span className="chip">
            {words.card.late} {age !== null && lasting(age, words)}
          </span>
        )}
        <span className="muted signal-facts">
          {facts.map((fact) => (
            <Fragment key={fact}>
              <span>{fact}</span> ·{" "}
            </Fragment>
          ))}
          <AssuranceWord of={signal.assurance} />
        </span>
      </span>
    </li>
  );
}

export function Signals({ incident }: { incident: Incident }) {
  const words = useMessages();
  const signals = useSignals(incident.id);
  if (!signals.length) return null;
  return (
    <section className="timeline signals">
      <h3>
        {words.card.signals}
        {incident.signal_count > SHOWN && (
          <span className="muted">{words.card.moreSignals(incident.signal_count)}</span>
        )}
      </h3>
      <ol>
        {signals.slice(0, SHOWN).map((signal) => (
          <Row key={signal.id} signal={signal} />
        ))}
      </ol>
    </section>
  );
}
