// What is known of an alarm: its validation level with what it rests on, whether something has
// confirmed it, who took it back, how late it came, and what vouches for it.

import { useMemo } from "react";
import type { ReactNode } from "react";

import type { Assurance, Incident, Signal } from "../api/shapes.ts";
import { useMessages } from "../locale/index.ts";
import { clock, dayClock, lasting } from "../locale/time.ts";
import { AssuranceSign, Mark } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { useSignals } from "./reading.ts";
import { oldest, signOf, unnumbered, waitsUntil, zonesOf } from "./worth.ts";

function Line({ mark, head, children }: { mark: ReactNode; head: string; children?: ReactNode }) {
  return (
    <p>
      {mark}
      <span>
        <b>{head}</b>
        <small>{children}</small>
      </span>
    </p>
  );
}

function Level({ incident, signals }: { incident: Incident; signals: readonly Signal[] }) {
  const { alarms } = useMessages();
  const { avs } = incident;
  if (!avs) return null;
  const zones = zonesOf(avs.evidence, signals);
  const rests = zones.length ? alarms.zones(zones) : (avs.evidence.length ? alarms.signals(avs.evidence.length) : "");
  const by = avs.why === "by_hand";
  const parts = [
    alarms.avsWhys[avs.why],
    by && avs.by_name && alarms.avsBy(avs.by_name),
    by && avs.by_evidence !== null && alarms.avsEvidence(avs.by_evidence),
    !by && rests && alarms.avsSignals(rests),
  ];
  const head = `${alarms.avs(avs.level)} · ${alarms.avsLevels[avs.level] ?? ""}`;
  return (
    <Line mark={<Mark of="target" />} head={head}>
      {parts.filter(Boolean).join(" · ")}
      {avs.offered !== null && <span className="warn">{alarms.avsOffered}</span>}
    </Line>
  );
}

function Confirmed({ incident }: { incident: Incident }) {
  const { alarms } = useMessages();
  const now = useNow();
  const { confirmation } = incident;
  if (!confirmation) return null;
  if (confirmation.state === "confirmed") {
    return (
      <Line mark={<Mark of="tick" />} head={alarms.confirmed}>
        {confirmation.by && alarms.raised[confirmation.by]}
      </Line>
    );
  }
  const until = waitsUntil(incident);
  if (until && Date.parse(until) <= now) {
    return (
      <Line mark={<Mark of="overdue" />} head={alarms.expired}>
        {alarms.expiredMeans}
      </Line>
    );
  }
  const rule = alarms.rules[confirmation.rule] ?? confirmation.rule;
  const trip = confirmation.two_trip_until;
  return (
    <Line mark={<Mark of="overdue" />} head={alarms.waiting(until ? clock(until) : "…")}>
      {alarms.waitingFor(rule)}
      {trip && confirmation.rule !== "none" && ` · ${alarms.waitingTrip(clock(trip))}`}
    </Line>
  );
}

function Cancelled({ incident }: { incident: Incident }) {
  const { alarms } = useMessages();
  const now = useNow();
  const { cancelled } = incident;
  if (!cancelled) return null;
  const head = alarms.cancelAt(alarms.cancelHows[cancelled.how] ?? "", dayClock(cancelled.at, now));
  return (
    <Line mark={<Mark of="cross" />} head={head}>
      {alarms.outcomes[cancelled.outcome]}
      {cancelled.overtaken && <span className="warn">{alarms.overtaken}</span>}
    </Line>
  );
}

function Late({ incident, signals }: { incident: Incident; signals: readonly Signal[] }) {
  const words = useMessages();
  const { alarms } = words;
  if (!incident.late) return null;
  const age = oldest(signals);
  return (
    <Line mark={<Mark of="warning" />} head={alarms.late}>
      {age !== null && `${alarms.lateBy(lasting(age, words))} · `}
      {alarms.lateMeans}
    </Line>
  );
}

/** In words and by its form, never by colour alone. */
export function AssuranceWord({ of }: { of: Assurance }) {
  const { alarms } = useMessages();
  return (
    <span className="assurance" title={alarms.assuranceMeans[of]}>
      <AssuranceSign of={of} />
      {alarms.assurances[of]}
    </span>
  );
}

function OpenZones({ incident }: { incident: Incident }) {
  const { alarms } = useMessages();
  const { open_zones: zones, open_zones_more: more } = incident;
  if (!zones.length) return null;
  return (
    <Line
      mark={<Mark of="bell" />}
      head={alarms.openZones(zones.map(({ zone }) => unnumbered(zone)), more)}
    />
  );
}

export function Worth({ incident }: { incident: Incident }) {
  const { alarms } = useMessages();
  const signals = useSignals(incident.id);
  const { assurance } = incident;
  const vouched = alarms.assurances[assurance] ?? "";
  const late = useMemo(() => signals.filter((signal) => signal.late), [signals]);
  if (incident.source !== "signal") {
    if (!incident.open_zones.length) return null;
    return (
      <section className="worth" aria-label={alarms.title}>
        <OpenZones incident={incident} />
      </section>
    );
  }
  return (
    <section className="worth" aria-label={alarms.title}>
      <Cancelled incident={incident} />
      <Confirmed incident={incident} />
      <Late incident={incident} signals={late} />
      <Level incident={incident} signals={signals} />
      <OpenZones incident={incident} />
      <Line
        mark={<AssuranceSign of={assurance} />}
        head={incident.alarm_count > 1 && assurance !== "authenticated" ? alarms.assuranceOf(vouched) : vouched}
      >
        {alarms.assuranceMeans[assurance]}
      </Line>
    </section>
  );
}

/** What the queue's row says of it. */
export function WorthChips({ incident, now }: { incident: Incident; now: number }) {
  const { alarms } = useMessages();
  const sign = signOf(incident, now);
  const until = waitsUntil(incident);
  const { avs, cancelled } = incident;
  const [text, title] =
    sign === "cancelled" ?
      [alarms.chips.cancelled, `${alarms.cancelHows[cancelled?.how ?? ""] ?? ""}: ${alarms.outcomes[cancelled?.outcome ?? ""] ?? ""}`]
    : sign === "waiting" ?
      [alarms.chips.waiting(until ? clock(until) : ""), alarms.waitingFor(alarms.rules[incident.confirmation?.rule ?? ""] ?? "")]
    : sign === "expired" ? [alarms.chips.expired, alarms.expiredMeans]
    : sign === "late" ? [alarms.chips.late, alarms.lateMeans]
    : [null, ""];
  return (
    <>
      {text !== null && (
        <span className="chip chip-worth" title={title}>
          {text}
        </span>
      )}
      {avs && sign !== "waiting" && sign !== "expired" && (
        <span
          className="q-avs"
          title={`${alarms.avs(avs.level)}: ${alarms.avsLevels[avs.level] ?? ""}, ${alarms.avsWhys[avs.why] ?? ""}`}
        >
          {alarms.avs(avs.level)}
        </span>
      )}
    </>
  );
}
