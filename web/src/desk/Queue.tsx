// The queue: three bands under each other, a row an incident, only the rows in sight in the page.

import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef } from "react";

import type { Band, Incident } from "../api/shapes.ts";
import { incidentWords } from "../locale/incident.ts";
import { useLanguage, useMessages } from "../locale/index.ts";
import { elapsed, shortClock } from "../locale/time.ts";
import { LevelSign, Mark } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { CrowdChip } from "./Crowd.tsx";
import { select } from "./perform.ts";
import { bandsOf, countsOf, isOverdue } from "./queue.ts";
import { useDesk } from "./store.ts";
import { WorthChips } from "./Worth.tsx";

const ROW_PX = 30;
const HEAD_PX = 26;

type Line =
  | { is: "head"; band: Band; count: number }
  | { is: "row"; incident: Incident }
  | { is: "none"; band: Band };

const keyOf = (line: Line): string =>
  line.is === "row" ? line.incident.id : `${line.is}-${line.band}`;

const Row = memo(function Row({
  incident, selected, now, duplicates, district,
}: {
  incident: Incident;
  selected: boolean;
  now: number;
  duplicates: number[];
  /** Its English name, which the row leaves out of the address to have room for the street; empty
   * where incidents of several districts have the same number. */
  district: string;
}) {
  const words = useMessages();
  const language = useLanguage();
  const { units } = incident;
  const { address, title } = incidentWords(language, incident);
  const street = district ? address.replace(`, ${district}`, "") : address;
  const overdue = isOverdue(incident, now);
  const signs = units.map((unit) => unit.call_sign);
  return (
    <>
      <span role="gridcell" className="q-level">
        <LevelSign level={incident.level} />
        <span className="visually-hidden">{words.queue.priority(incident.level)}</span>
        <b aria-hidden="true">{incident.level}</b>
      </span>
      <span role="gridcell" className="q-number">{incident.number}</span>
      <span role="gridcell" className="q-type">{words.types[incident.type]}</span>
      <span role="gridcell" className="q-address" data-cut title={title ? `${address} · ${title}` : address}>
        <span className={selected ? "q-street strong" : "q-street"}>{street}</span>
        {title && <span className="q-title">{title.split(" · ")[0]}</span>}
      </span>
      <span role="gridcell" className="q-marks">
        {incident.state === "held" && incident.held_until && (
          <span className="chip" title={words.queue.heldUntil(shortClock(incident.held_until))}>
            {words.incidentStates.held} {shortClock(incident.held_until)}
          </span>
        )}
        <WorthChips incident={incident} now={now} />
        <CrowdChip incident={incident} />
        {duplicates.length > 0 && (
          <span className="chip chip-duplicate" title={words.queue.duplicate(duplicates.map((number) => `#${number}`).join(" "))}>
            ≈{String(duplicates[0]).slice(-3)}
            {duplicates.length > 1 && ` +${duplicates.length - 1}`}
          </span>
        )}
        {incident.source === "report" && (
          <span className="chip chip-report" title={words.queue.reports(incident.report_count)}>
            {words.queue.report}
            {incident.report_count > 1 && ` ×${incident.report_count}`}
          </span>
        )}
        {incident.report_additions > 0 && (
          <span className="q-signals" title={words.queue.reportAdditions(incident.report_additions)}>
            +{incident.report_additions}
          </span>
        )}
        {incident.reports_withdrawn > 0 && (
          <span
            className="chip chip-report"
            title={words.queue.reportsWithdrawn(incident.reports_withdrawn, incident.report_count)}
          >
            {words.queue.withdrawn}
          </span>
        )}
        {!incident.crowd && incident.alarm_count > 1 && (
          <span className="q-signals" title={words.queue.signals(incident.alarm_count)}>
            ×{incident.alarm_count}
          </span>
        )}
      </span>
      <span role="gridcell" className="q-units" title={signs.length ? words.queue.units(signs.join(" ")) : undefined}>
        {signs[0]}
        {signs.length > 1 && <span className="muted"> +{signs.length - 1}</span>}
      </span>
      <span role="gridcell" className={overdue ? "q-time overdue" : "q-time"}>
        {overdue && <Mark of="overdue" />}
        {overdue && <span className="visually-hidden">{words.queue.overdueMark}</span>}
        {elapsed(incident.opened_at, now, words)}
      </span>
    </>
  );
});

export function Queue() {
  const words = useMessages();
  const live = useDesk((state) => state.live);
  const selected = useDesk((state) => state.selected);
  const incidents = live?.incidents;
  const districts = live?.districts;
  const now = useNow();
  const bands = useMemo(() => bandsOf(incidents?.values() ?? []), [incidents]);
  const lines = useMemo<Line[]>(
    () =>
      bands.flatMap(({ band, incidents: rows }) => [
        { is: "head" as const, band, count: rows.length },
        ...(rows.length
          ? rows.map((incident) => ({ is: "row" as const, incident }))
          : [{ is: "none" as const, band }]),
      ]),
    [bands],
  );
  const counts = countsOf(bands, now);
  const clashing = useMemo(() => {
    const seen = new Set<number>();
    const twice = new Set<number>();
    for (const { number } of bands.flatMap((band) => band.incidents)) {
      if (seen.has(number)) twice.add(number);
      seen.add(number);
    }
    return twice;
  }, [bands]);
  const scroller = useRef<HTMLDivElement>(null);
  // Not memoised by a compiler here, so the rule has nothing to protect.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (lines[index]?.is === "row" ? ROW_PX : HEAD_PX),
    getItemKey: (index) => {
      const line = lines[index];
      return line ? keyOf(line) : index;
    },
    overscan: 6,
  });

  // The selection is kept in sight when it changes and when the order around it does.
  const at = lines.findIndex((line) => line.is === "row" && line.incident.id === selected);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, selected, virtual]);

  const shown = virtual.getVirtualItems();
  const active = shown.some((item) => item.index === at) ? `q-${selected ?? ""}` : undefined;
  return (
    <section className="queue" aria-label={words.queue.label}>
      <div className="pane-head">
        <h2>{words.queue.title}</h2>
        {live && <span className="muted">{words.queue.open(counts.open)}</span>}
      </div>
      {/* Nothing read yet is not the same as nothing there. */}
      {!live && <p className="q-reading muted" role="status">{words.queue.loading}</p>}
      <div
        className="queue-scroll"
        data-scrolls="y"
        ref={scroller}
        hidden={!live}
        role="grid"
        tabIndex={0}
        aria-label={words.queue.label}
        aria-rowcount={lines.length}
        aria-activedescendant={active}
      >
        <div className="queue-all" role="presentation" style={{ height: virtual.getTotalSize() }}>
          {shown.map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            const style = { height: item.size, transform: `translateY(${item.start}px)` };
            if (line.is !== "row") {
              return (
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 1}
                  className={line.is === "head" ? `q-head band-${line.band}` : "q-none"}
                  style={style}
                >
                  <span role="gridcell">
                    {line.is === "head" ? words.bands[line.band] : words.queue.bandEmpty[line.band]}
                    {line.is === "head" && <b>{line.count}</b>}
                  </span>
                </div>
              );
            }
            const { incident } = line;
            const on = incident.id === selected;
            return (
              // A row is also reached by number in the command line and by Alt+arrow keys.
              <div
                key={item.key}
                id={`q-${incident.id}`}
                role="row"
                aria-rowindex={item.index + 1}
                aria-selected={on}
                className={`q-row ${incident.state === "new" ? "fresh" : ""} ${on ? "on" : ""}`}
                style={style}
                onClick={() => select(incident.id)}
              >
                <Row
                  incident={incident}
                  selected={on}
                  now={now}
                  district={
                    clashing.has(incident.number)
                      ? ""
                      : (districts?.find((row) => row.code === incident.district)?.name_en ?? "")
                  }
                  duplicates={incident.duplicates
                    .map((id) => live?.incidents.get(id)?.number)
                    .filter((number) => number !== undefined)}
                />
              </div>
            );
          })}
        </div>
      </div>
      <div className="queue-foot" role="status" hidden={!live}>
        <span className={counts.notTaken ? "strong" : "muted"}>
          {counts.notTaken ? words.queue.notTaken(counts.notTaken) : words.queue.allTaken}
        </span>
        <span className={counts.overdue ? "overdue" : "muted"}>
          {counts.overdue > 0 && <Mark of="overdue" />}
          {counts.overdue ? words.queue.overdue(counts.overdue) : words.queue.noneOverdue}
        </span>
      </div>
    </section>
  );
}
