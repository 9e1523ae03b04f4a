// The unit board: units with an order first, by state and the late ones before the others; then
// every other one under its station, stations from north to south by district.

import { memo, useMemo } from "react";

import type { Station, Unit, UnitState } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { coarse, elapsed } from "../locale/time.ts";
import { Mark, UnitSign } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { focusLine } from "./focus.ts";
import { isOverdue } from "./queue.ts";
import { change, useDesk } from "./store.ts";

interface Group {
  id: string;
  name_zh: string;
  name_en: string;
  units: Unit[];
}

const natural = new Intl.Collator("en", { numeric: true });
const byCallSign = (a: Unit, b: Unit): number => natural.compare(a.call_sign, b.call_sign);
/** Units at work in the order of an alarm. */
const STATES: readonly UnitState[] = ["ordered", "under_way", "at_scene", "transporting", "returning"];
/** States that anything else would be at work in: shown under their own word all the same. */
const stateRank = (state: UnitState): number => STATES.indexOf(state) + (STATES.includes(state) ? 0 : 9);

interface AtWork {
  state: UnitState;
  units: Unit[];
}

function atWork(units: readonly Unit[], now: number): AtWork[] {
  const found = new Map<UnitState, Unit[]>();
  for (const unit of units) {
    if (unit.order !== null) found.set(unit.state, [...(found.get(unit.state) ?? []), unit]);
  }
  const late = (unit: Unit): number => (isOverdue(unit, now) ? 0 : 1);
  return [...found]
    .sort(([a], [b]) => stateRank(a) - stateRank(b))
    .map(([state, rows]) => ({
      state, units: rows.sort((a, b) => late(a) - late(b) || byCallSign(a, b)),
    }));
}

function grouped(units: Iterable<Unit>, stations: ReadonlyMap<string, Station>): Group[] {
  const groups = new Map<string, Group>();
  for (const unit of units) {
    const id = unit.station;
    const group = groups.get(id) ?? {
      id, name_zh: unit.station_name_zh, name_en: unit.station_name_en, units: [],
    };
    group.units.push(unit);
    groups.set(id, group);
  }
  const place = (group: Group): [string, number] => {
    const station = stations.get(group.id);
    return [station?.district ?? "", -(station?.lat ?? 0)];
  };
  for (const group of groups.values()) {
    group.units.sort(byCallSign);
  }
  return [...groups.values()].sort((a, b) => {
    const [districtA, latA] = place(a);
    const [districtB, latB] = place(b);
    return natural.compare(districtA, districtB) || latA - latB;
  });
}

const isFree = (unit: Unit): boolean => unit.order === null && unit.state !== "out_of_service";

const Cell = memo(function Cell({
  unit, now, on, shown,
}: {
  unit: Unit;
  now: number;
  on: number | null;
  shown: boolean;
}) {
  const words = useMessages();
  const late = isOverdue(unit, now);
  const kind = words.unitKinds[unit.kind] ?? unit.kind;
  const state = words.unitStates[unit.state];
  const idle = unit.order === null && unit.state !== "returning";
  const long = now - Date.parse(unit.state_since) >= 3_600_000;
  const time = (idle || long ? coarse : elapsed)(unit.state_since, now, words);
  const title = [
    `${unit.call_sign} ${kind}`,
    unit.capabilities.map((name) => words.capabilities[name] ?? name).join(", "),
    `${state} ${words.board.since(time)}`,
    on === null ? "" : words.board.on(on),
    unit.out_of_service_reason ? words.outOfServiceReasons[unit.out_of_service_reason] : "",
  ].filter(Boolean);
  return (
    <button
      type="button"
      className={`unit ${shown ? "on" : ""} ${unit.order ? "busy" : ""}`}
      title={title.join("\n")}
      onClick={() => {
        change({ shownUnit: unit.id });
        focusLine();
      }}
    >
      <UnitSign kind={unit.kind} state={unit.state} />
      <b>{unit.call_sign}</b>
      {/* At work the state's word stands over its units and their incident beside them. */}
      <span className="unit-word">
        {unit.order === null ? (
          <span className={`unit-${unit.state}`}>{state}</span>
        ) : (
          <span className="muted num">{on === null ? "" : words.board.on(on)}</span>
        )}
      </span>
      <span className={late ? "num overdue" : "num muted"}>
        {late && <Mark of="overdue" />}
        {late && <span className="visually-hidden">{words.board.overdue}</span>}
        {time}
      </span>
    </button>
  );
});

export function Board() {
  const words = useMessages();
  const language = useLanguage();
  const live = useDesk((state) => state.live);
  const shownUnit = useDesk((state) => state.shownUnit);
  const now = useNow();
  const units = live?.units;
  const stations = live?.stations;
  const groups = useMemo(
    () => (units && stations ? grouped(units.values(), stations) : []),
    [units, stations],
  );
  const all = [...(units?.values() ?? [])];
  const busy = atWork(all, now);
  const cell = (unit: Unit) => (
    <Cell
      key={unit.id}
      unit={unit}
      now={now}
      on={unit.incident === null ? null : (live?.incidents.get(unit.incident)?.number ?? null)}
      shown={unit.id === shownUnit}
    />
  );
  return (
    <section className="board" aria-label={words.board.label}>
      <div className="pane-head">
        <h2>{words.board.title}</h2>
        {live && (
          <span className="muted">{words.board.free(all.filter(isFree).length, all.length)}</span>
        )}
        <BoardCounts units={all} />
      </div>
      <div className="board-scroll" data-scrolls="y" tabIndex={0} role="group" aria-label={words.board.label}>
        {live && !all.length && <p className="muted empty-line">{words.board.none}</p>}
        {busy.map(({ state, units: rows }) => (
          <section key={state} className="station">
            <h3 className={`unit-${state}`}>
              {words.unitStates[state]}
              <span className="num muted">{rows.length}</span>
            </h3>
            <div className="station-units">{rows.map(cell)}</div>
          </section>
        ))}
        {groups.map((group) => (
          <section key={group.id} className="station">
            <h3>
              {pick(language, group.name_zh, group.name_en)}
              <span className="num muted">
                {group.units.filter(isFree).length}/{group.units.length}
              </span>
            </h3>
            <div className="station-units">
              {group.units.filter((unit) => unit.order === null).map(cell)}
            </div>
          </section>
        ))}
      </div>
    </section>
  );
}

const COUNTED = ["ordered", "under_way", "at_scene", "transporting"] as const;

function BoardCounts({ units }: { units: readonly Unit[] }) {
  const words = useMessages();
  const counts = COUNTED.flatMap((state) => {
    const count = units.filter((unit) => unit.state === state).length;
    return count ? [{ state, told: `${words.unitStates[state]} ${count}` }] : [];
  });
  return (
    <span className="board-counts" data-cut title={counts.map(({ told }) => told).join(" · ")}>
      {counts.map(({ state, told }) => (
        <span key={state} className={`unit-${state}`}>
          {told}
        </span>
      ))}
    </span>
  );
}
