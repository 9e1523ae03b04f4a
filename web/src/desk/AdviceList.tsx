// Who should go: requirement, ranked units with minutes and reasons, shortfalls, alternatives.

import { useEffect } from "react";

import type { AdvisedUnit, Incident } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { Mark, UnitSign } from "../look/Shapes.tsx";
import { focusLine } from "./focus.ts";
import { sendAdvised } from "./perform.ts";
import { refreshAdvice } from "./reading.ts";
import { change, desk, useDesk } from "./store.ts";

const REFRESH_MS = 10_000;
const ALTERNATIVES_SHOWN = 4;

/** Reasons that make a row's minutes doubtful. */
const DOUBTS = new Set(["position_stale", "no_road_time", "straight_line"]);

/** Add the unit to the send command that is being typed, or begin one. */
function nameUnit(callSign: string): void {
  const { line } = desk();
  const begun = line.trim();
  change({ line: begun ? `${begun} ${callSign} ` : `d ${callSign} `, armed: null });
  focusLine();
}

function AdviceRow({ row, place }: { row: AdvisedUnit; place: number }) {
  const words = useMessages();
  const language = useLanguage();
  const unit = useDesk((state) => state.live?.units.get(row.unit));
  return (
    <li className={row.recommended ? "advised" : undefined}>
      <button type="button" className="advice-row" onClick={() => nameUnit(row.call_sign)}>
        <span className="advice-place num">{place}</span>
        <UnitSign kind={row.kind} state={unit?.state ?? "in_station"} />
        <b>{row.call_sign}</b>
        <span className="muted">{words.unitKinds[row.kind] ?? row.kind}</span>
        <span className="advice-minutes num">
          {row.minutes === null ? "–" : words.time.minutes(row.minutes.toFixed(1))}
        </span>
        <span className="advice-km num muted">
          {row.km === null ? "" : words.time.km(row.km.toFixed(1))}
        </span>
        {row.recommended && (
          <span className="advice-star">
            <Mark of="star" />
            <span className="visually-hidden">{words.card.recommended}</span>
          </span>
        )}
        {row.reasons.length > 0 && (
          <span className="advice-why">
            {row.reasons.map((reason, index) => (
              <span key={reason.code} className={DOUBTS.has(reason.code) ? "warn" : undefined}>
                {index > 0 && " · "}
                {pick(language, reason.text_zh, reason.text_en)}
              </span>
            ))}
          </span>
        )}
      </button>
    </li>
  );
}

export function AdviceList({ incident }: { incident: Incident }) {
  const words = useMessages();
  const language = useLanguage();
  const { id, version, state } = incident;
  const closed = state === "closed" || state === "merged";
  const entry = useDesk((all) => all.advice[id]);
  useEffect(() => {
    if (closed) return undefined;
    void refreshAdvice(id);
    const timer = setInterval(() => void refreshAdvice(id), REFRESH_MS);
    return () => clearInterval(timer);
  }, [id, version, closed]);
  if (closed) return null;
  const advice = entry?.value;
  const recommended = advice?.ranked.filter((row) => row.recommended) ?? [];
  const met = advice?.requirements.every(({ attached, count }) => attached >= count) === true;
  const others = met ? [] : [
    ...(advice?.ranked.filter((row) => !row.recommended) ?? []),
    ...(advice?.alternatives ?? []),
  ].filter((row, index, all) => all.findIndex((other) => other.unit === row.unit) === index);
  return (
    <section className="advice">
      <h3>
        {words.card.advice}
        {recommended.length > 0 && (
          <button type="button" className="small main" onClick={() => void sendAdvised()}>
            {words.card.actions.send} <kbd>Ctrl ↵</kbd>
          </button>
        )}
      </h3>
      {advice?.degraded && !met && (
        <p className="advice-doubt warn">
          <Mark of="warning" />
          {advice.basis === "straight_line" ? words.card.straightLine : words.card.degraded}
        </p>
      )}
      {!advice && (
        <p className="muted">{entry?.failed ? words.card.adviceFailed : words.card.adviceLoading}</p>
      )}
      {advice && advice.requirements.length > 0 && (
        <p className="requirements">
          <span className="muted">{words.card.requirements}</span>
          {advice.requirements.map(({ capability, count, attached }) => (
            <span key={capability} className={attached >= count ? "met" : undefined}>
              {words.card.requirement(words.capabilities[capability] ?? capability, attached, count)}
            </span>
          ))}
        </p>
      )}
      {advice && advice.shortfalls.length > 0 && (
        <ul className="shortfalls">
          {advice.shortfalls.map((shortfall) => (
            <li key={shortfall.capability}>
              <Mark of="warning" />
              {pick(language, shortfall.text_zh, shortfall.text_en)}
            </li>
          ))}
        </ul>
      )}
      {recommended.length > 0 && (
        <ol className="advice-list">
          {recommended.map((row, index) => (
            <AdviceRow key={row.unit} row={row} place={index + 1} />
          ))}
        </ol>
      )}
      {advice && !recommended.length && !others.length && (
        <p className="muted">
          {!met ? words.card.nobody
            : advice.requirements.length ? words.card.met
            : words.card.needless}
        </p>
      )}
      {others.length > 0 && (
        <>
          <h4>{words.card.alternatives}</h4>
          <ol className="advice-list alternatives">
            {others.slice(0, ALTERNATIVES_SHOWN).map((row, index) => (
              <AdviceRow key={row.unit} row={row} place={recommended.length + index + 1} />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}
