// How the incident came about: one readable sentence a fact, newest first.

import { useMemo } from "react";

import type { Fact, Incident } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { isEcho, tell } from "../locale/telling.ts";
import type { Known } from "../locale/telling.ts";
import { clock, dayClock, zone } from "../locale/time.ts";
import { useNow } from "./clock.ts";
import { linesOf } from "./lines.ts";
import { change, useDesk } from "./store.ts";

/** What was read from the server, and what the stream told since (without sealed fields). */
function joined(read: readonly Fact[], streamed: readonly Fact[]): Fact[] {
  const byPosition = new Map(streamed.map((fact) => [fact.position, fact]));
  for (const fact of read) byPosition.set(fact.position, fact);
  return [...byPosition.values()].sort((a, b) => b.position - a.position);
}

/** The actor of what our own processes do: it needs no name beside it. */
const OURSELVES = new Set(["tocsin", "public_report"]);
const NOTED = new Set(["incident.noted", "incident.report_added"]);
const LATE = new Set(["incident.overdue", "order.overdue", "unit.overdue", "order.refused"]);

/** Whether the sentence says already who did it: by name, or as the unit whose crew it was. */
const saysWho = (sentence: string, who: string): boolean =>
  sentence.includes(who) || who.split(" ").some((word) => /\d/.test(word) && sentence.includes(word));

export function Timeline({ incident }: { incident: Incident }) {
  const words = useMessages();
  const language = useLanguage();
  const live = useDesk((state) => state.live);
  const entry = useDesk((state) => state.timelines[incident.id]);
  const full = useDesk((state) => state.fullTimeline);
  const now = useNow();
  const streamed = live?.facts;
  const facts = useMemo(
    () => joined(entry?.value ?? [], streamed?.filter((fact) => fact.incident === incident.id) ?? []),
    [entry, streamed, incident.id],
  );
  const signs = useMemo(() => {
    const found = new Map<string, string>();
    for (const fact of facts) {
      const sign = fact.data.call_sign;
      if (fact.kind === "order.given" && typeof sign === "string") found.set(fact.subject, sign);
    }
    return found;
  }, [facts]);
  const known: Known = {
    messages: words,
    incidentNumber: (id) => live?.incidents.get(id)?.number ?? null,
    unit: (id) => live?.units.get(id),
    orderSign: (order) => signs.get(order) ?? live?.orders.get(order)?.call_sign ?? null,
    clock: (time) => clock(time),
    address: (place) =>
      pick(language, place.address_zh, place.address_en) ||
      `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)} ${place.datum}`,
  };
  const named = (fact: Fact, sentence: string): string => {
    const who = OURSELVES.has(fact.actor) ? "" : (fact.actor_name ?? "");
    return saysWho(sentence, who) ? "" : who;
  };
  const say = (fact: Fact): string => tell(fact, known);
  const lines = full
    ? facts.flatMap((fact) => linesOf([fact], say, named))
    : linesOf(facts.filter((fact) => !isEcho(fact)), say, named);
  return (
    <section className="timeline">
      <h3>
        {words.card.timeline}
        <button
          type="button"
          className="small"
          aria-pressed={full}
          onClick={() => change({ fullTimeline: !full })}
        >
          {full ? words.card.timelineFull : words.card.timelineShort} <kbd>F4</kbd>
        </button>
        <span className="muted">{words.time.zone(zone(now))}</span>
      </h3>
      {!facts.length && (
        <p className="muted">
          {entry?.failed ? words.card.timelineFailed : words.card.timelineLoading}
        </p>
      )}
      <ol>
        {lines.map(({ fact, sentence, who, count, since }) => (
          <li key={fact.position} className={NOTED.has(fact.kind) ? "noted" : undefined}>
            <time className="num muted" dateTime={fact.recorded_at}>
              {dayClock(fact.recorded_at, now)}
            </time>
            <span className={LATE.has(fact.kind) ? "overdue" : undefined}>
              {sentence}
              {who && <span className="muted"> {who}</span>}
              {count > 1 && (
                <span className="muted num"> × {words.card.timesSince(count, dayClock(since, now))}</span>
              )}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
