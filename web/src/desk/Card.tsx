// The incident's card: what is known, what is asked of the desk, who should go, who went, and how
// it came about. Buttons say the key that does the same.

import { useEffect, useRef } from "react";

import type { Fact, Incident } from "../api/shapes.ts";
import { incidentWords } from "../locale/incident.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { clock, dayClock, elapsed, shortClock, zone } from "../locale/time.ts";
import { LevelSign, Mark } from "../look/Shapes.tsx";
import { AdviceList } from "./AdviceList.tsx";
import { Attached } from "./Attached.tsx";
import { useNow } from "./clock.ts";
import { Crowd, CrowdList } from "./Crowd.tsx";
import { focusLine } from "./focus.ts";
import { OnTestNotice } from "./OnTest.tsx";
import { perform, select } from "./perform.ts";
import { Plans } from "./Plans.tsx";
import { isOverdue } from "./queue.ts";
import { refreshSignals, refreshTimeline } from "./reading.ts";
import { WARNERS } from "./roles.ts";
import { Absorbed, Duplicates, Linked } from "./Related.tsx";
import { Signals } from "./Signals.tsx";
import { isPlanFirst } from "./steps.ts";
import { change, useDesk } from "./store.ts";
import { Timeline } from "./Timeline.tsx";
import { Worth } from "./Worth.tsx";

function Deadline({ incident }: { incident: Incident }) {
  const words = useMessages();
  const now = useNow();
  if (!incident.due_at && !incident.overdue) return null;
  const late = isOverdue(incident, now);
  const step = incident.overdue ?? (incident.state === "new" ? "take" : "assign");
  if (late) {
    return (
      <p className="deadline overdue" role="status">
        <Mark of="overdue" />
        {words.overdueSteps[step] ?? words.board.overdue}
        {incident.due_at && Date.parse(incident.due_at) < now && (
          <span className="num">+{elapsed(incident.due_at, now, words)}</span>
        )}
      </p>
    );
  }
  const time = incident.due_at ? clock(incident.due_at) : "";
  const due = words.card.due;
  const text =
    step === "take" ? due.take(time)
    : incident.band === "unassigned" ? due.assign(time)
    : due.other(time);
  return <p className="deadline muted">{text}</p>;
}

function Facts({ incident }: { incident: Incident }) {
  const words = useMessages();
  const language = useLanguage();
  const now = useNow();
  const districts = useDesk((state) => state.live?.districts);
  const district = districts?.find((row) => row.code === incident.district);
  const { place } = incident;
  const from = words.sources[incident.source] ?? incident.source;
  const alarms = incident.alarm_count > 1 ? ` ×${incident.alarm_count}` : "";
  return (
    <dl className="facts">
      <dt>{words.card.place}</dt>
      <dd className="num">
        {place ? (
          <>
            {place.lat.toFixed(5)}, {place.lon.toFixed(5)} <span className="tag">{place.datum}</span>
            <span className="muted"> {words.placeSources[place.source] ?? place.source}</span>
          </>
        ) : (
          words.card.noPlace
        )}
      </dd>
      <dt>{words.card.district}</dt>
      <dd>{pick(language, district?.name_zh, district?.name_en) || incident.district}</dd>
      <dt>{words.card.source}</dt>
      <dd>
        {from}
        {alarms}
      </dd>
      <Crowd incident={incident} />
      <dt>{words.card.opened}</dt>
      <dd className="num">
        {dayClock(incident.opened_at, now)} <span className="muted">{zone(now)}</span>
      </dd>
      <dt>{words.card.taken}</dt>
      <dd>
        {incident.taken_at ? (
          <>
            {incident.taken_by_name ?? incident.taken_by} <span className="num muted">{clock(incident.taken_at)}</span>
          </>
        ) : (
          <span className="muted">{words.card.notTaken}</span>
        )}
      </dd>
      {incident.state === "held" && incident.held_until && (
        <>
          <dt>{words.card.heldUntil}</dt>
          <dd className="num">{shortClock(incident.held_until)}</dd>
        </>
      )}
      {incident.closed_at && (
        <>
          <dt>{words.card.closedAt}</dt>
          <dd>
            <span className="num">{dayClock(incident.closed_at, now)}</span>{" "}
            {incident.disposition && words.dispositions[incident.disposition]}
          </dd>
        </>
      )}
    </dl>
  );
}

const said = (data: Fact["data"] | undefined, field: string): string => {
  const value = data?.[field];
  return typeof value === "string" ? value : "";
};

/** What came in through the public page, for those who may read it: the latest reports first. As
 * plain text: nothing in it is a link. */
function PublicReports({ incident }: { incident: Incident }) {
  const words = useMessages();
  const facts = useDesk((state) => state.timelines[incident.id]?.value);
  const reports = (facts ?? [])
    .filter((fact) => fact.kind === "incident.report_joined" && said(fact.data, "where"))
    .sort((a, b) => b.position - a.position)
    .slice(0, 5);
  return (
    <section className="reported" aria-label={words.open.note}>
      <p className="muted">
        {incident.report_count > 1
          ? words.open.reports(incident.report_count)
          : words.queue.reports(1)}
      </p>
      {incident.reports_withdrawn > 0 && (
        <p className="strong">
          {words.queue.reportsWithdrawn(incident.reports_withdrawn, incident.report_count)}
        </p>
      )}
      {reports.map(({ position, data }) => (
        <div key={position} className="reported-one">
          <p>
            <span className="muted">{words.open.where} </span>
            {said(data, "where")}
          </p>
          {said(data, "text") && <p>{said(data, "text")}</p>}
          {said(data, "caller_phone") && (
            <p className="muted">
              {words.open.caller} <span className="num">{said(data, "caller_phone")}</span>
            </p>
          )}
        </div>
      ))}
    </section>
  );
}

/** What a caller said, for those who may read it: it comes with the fact that opened the incident. */
function Reported({ incident }: { incident: Incident }) {
  const words = useMessages();
  const facts = useDesk((state) => state.timelines[incident.id]?.value);
  const data = facts?.find((fact) => fact.kind === "incident.opened")?.data;
  const [note, name, phone] = [
    said(data, "note"), said(data, "caller_name"), said(data, "caller_phone"),
  ];
  if (incident.report_count) return <PublicReports incident={incident} />;
  if (!note && !name && !phone) return null;
  return (
    <section className="reported" aria-label={words.open.note}>
      {note && <p>{note}</p>}
      {(name || phone) && (
        <p className="muted">
          {words.open.caller} {name} <span className="num">{phone}</span>
        </p>
      )}
    </section>
  );
}

function Actions({ incident }: { incident: Incident }) {
  const { actions } = useMessages().card;
  const role = useDesk((state) => state.live?.me.role) ?? "";
  const say = (line: string): void => {
    change({ line, armed: null });
    focusLine();
  };
  const closed = incident.state === "closed" || incident.state === "merged";
  return (
    <div className="actions">
      {incident.state === "new" && (
        <button type="button" onClick={() => void perform({ act: "take", incident })}>
          {actions.take} <kbd>K</kbd>
        </button>
      )}
      <button type="button" onClick={() => say(";")}>
        {actions.note} <kbd>;</kbd>
      </button>
      {!closed && (
        <>
          <button type="button" onClick={() => say("p")}>
            {actions.priority} <kbd>P</kbd>
          </button>
          {incident.state === "held" ? (
            <button type="button" onClick={() => void perform({ act: "release", incident })}>
              {actions.release} <kbd>U</kbd>
            </button>
          ) : (
            <button type="button" onClick={() => say("h 15 ;")}>
              {actions.hold} <kbd>H</kbd>
            </button>
          )}
          <button type="button" onClick={() => say("z ")}>
            {actions.close} <kbd>Z</kbd>
          </button>
          {WARNERS.has(role) && (
            <a
              href={`/readiness/warnings/new/?incident=${incident.id}`}
              target="_blank"
              rel="noopener"
            >
              {actions.warn}
            </a>
          )}
        </>
      )}
      {incident.state === "closed" && (
        <button type="button" onClick={() => say("o ;")}>
          {actions.reopen} <kbd>O</kbd>
        </button>
      )}
    </div>
  );
}

function Head({ incident }: { incident: Incident }) {
  const words = useMessages();
  const language = useLanguage();
  const now = useNow();
  const { address, title } = incidentWords(language, incident);
  return (
    <header className="card-head">
      <p className="card-line">
        <LevelSign level={incident.level} />
        <b>P{incident.level}</b>
        <span className="num">#{incident.number}</span>
        <span>{words.types[incident.type]}</span>
        <span className={`state state-${incident.state}`}>
          {words.incidentStates[incident.state]}
        </span>
        <span className="num card-elapsed" title={words.card.elapsed}>
          {elapsed(incident.opened_at, Date.parse(incident.closed_at ?? "") || now, words)}
        </span>
      </p>
      <h2>{address}</h2>
      {title && <p className="card-title">{title}</p>}
      <Deadline incident={incident} />
    </header>
  );
}

function Opened({ incident }: { incident: Incident }) {
  const words = useMessages();
  const incidents = useDesk((state) => state.live?.incidents);
  const first = isPlanFirst(incident);
  const into = incident.merged_into ? incidents?.get(incident.merged_into) : undefined;
  return (
    <>
      <Head incident={incident} />
      {incident.state === "merged" && (
        <p className="notice">
          {words.card.mergedInto(into?.number ?? "…")}
          {into && (
            <button type="button" className="small" onClick={() => select(into.id)}>
              {words.card.goTo}
            </button>
          )}
          <button
            type="button"
            className="small"
            onClick={() => void perform({ act: "split", incident })}
          >
            {words.card.split} <kbd>F7</kbd>
          </button>
        </p>
      )}
      <OnTestNotice incident={incident} />
      <Reported incident={incident} />
      <Actions incident={incident} />
      <Worth incident={incident} />
      {first && <Plans incident={incident} />}
      <Duplicates incident={incident} />
      <Attached incident={incident} />
      <AdviceList incident={incident} />
      {!first && <Plans incident={incident} />}
      <Facts incident={incident} />
      <CrowdList incident={incident} />
      <Absorbed incident={incident} />
      <Linked incident={incident} />
      <Timeline incident={incident} />
      <Signals incident={incident} />
    </>
  );
}

export function Card() {
  const words = useMessages();
  const selected = useDesk((state) => state.selected);
  const incident = useDesk((state) =>
    selected === null ? undefined : state.live?.incidents.get(selected),
  );
  const version = incident?.version;
  useEffect(() => {
    if (selected === null) return;
    void refreshTimeline(selected);
    void refreshSignals(selected);
  }, [selected, version]);
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    card.current?.scrollTo({ top: 0 }); // another one begins at its head
  }, [selected]);
  return (
    <section ref={card} className="card" data-scrolls="y" aria-label={words.card.label} tabIndex={0}>
      {incident ? (
        <Opened key={incident.id} incident={incident} />
      ) : (
        <div className="empty">
          <p>{words.card.none}</p>
          <p className="muted">{words.card.noneHint}</p>
        </div>
      )}
    </section>
  );
}
