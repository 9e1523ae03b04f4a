// The console's signs, all SVG: priorities, kinds of unit, and a few marks. Meaning never hangs on
// colour alone: every sign has a form of its own and stands beside a word or has a label.

import type { Assurance, Level, UnitState } from "../api/shapes.ts";

/** Outlines in a 16 x 16 box; map/atlas.ts draws the same ones on the map. */
export const KIND_PATHS: Record<string, string> = {
  engine: "M2.5 2.5h11v11h-11z",
  ladder: "M8 1.2 14.2 5.9 11.8 13.6H4.2L1.8 5.9z",
  rescue: "M8 1.8 15 14H1z",
  ambulance: "M5.6 1.5h4.8v4.1h4.1v4.8h-4.1v4.1H5.6v-4.1H1.5V5.6h4.1z",
  patrol: "M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6z",
  command: "M8 .9 15.1 8 8 15.1.9 8z",
};
const OTHER_KIND = "M2 4.5h12v7H2z";

export const kindPath = (kind: string): string => KIND_PATHS[kind] ?? OTHER_KIND;

const LEVEL_PATHS: Record<Level, string> = {
  1: "M8 .9 15.1 8 8 15.1.9 8z",
  2: "M8 1.6 15.2 14.2H.8z",
  3: "M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6z",
  4: "M8 2.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 8 2.6z",
};

export function LevelSign({ level }: { level: Level }) {
  return (
    <svg className={`sign level-${level}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={LEVEL_PATHS[level]} className={level === 4 ? "hollow" : undefined} />
    </svg>
  );
}

const FREE: readonly UnitState[] = ["in_station", "available", "returning"];

/** The kind by its form, the state by its colour and fill: free hollow, at work full. */
export function UnitSign({ kind, state }: { kind: string; state: UnitState }) {
  const out = state === "out_of_service";
  return (
    <svg className={`sign unit-${state}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={kindPath(kind)} className={out || FREE.includes(state) ? "hollow" : undefined} />
      {out && <path d="M2 14 14 2" className="hollow" />}
    </svg>
  );
}

const MARKS = {
  overdue: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 4.5V8l2.6 1.8",
  warning: "M8 2 14.8 14H1.2zM8 6.4v3.4M8 11.6v.8",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  target: "M8 1v4M8 11v4M1 8h4M11 8h4M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  bell: "M8 1.8c-2.6 0-4.2 1.9-4.2 4.4 0 3.3-1.3 4.4-1.3 5.3h11c0-.9-1.3-2-1.3-5.3 0-2.5-1.6-4.4-4.2-4.4zM6.4 13.4a1.7 1.7 0 0 0 3.2 0",
  person: "M8 8a2.9 2.9 0 1 0 0-5.8A2.9 2.9 0 0 0 8 8zM2.6 14.2c.4-3 2.6-4.3 5.4-4.3s5 1.3 5.4 4.3",
  star: "M8 1.8l1.9 4 4.3.6-3.1 3 .8 4.4L8 11.7l-3.9 2.1.8-4.4-3.1-3 4.3-.6z",
  cross: "M4 4l8 8M12 4l-8 8",
  tick: "M3 8.5l3.4 3.4L13 4.6",
  test: "M6 1.8h4M6.8 1.8v4.4L2.9 13.1a.8.8 0 0 0 .7 1.1h8.8a.8.8 0 0 0 .7-1.1L9.2 6.2V1.8M5 10h6",
  shield: "M8 1.6l5.4 2v4.2c0 3.3-2.2 5.5-5.4 6.8-3.2-1.3-5.4-3.5-5.4-6.8V3.6z",
} as const;

const SHIELD = MARKS.shield;

/** What vouches for a signal: a full shield, half of one, an empty one that is crossed out. */
export function AssuranceSign({ of }: { of: Assurance }) {
  return (
    <svg className="mark" viewBox="0 0 16 16" aria-hidden="true">
      <path d={SHIELD} fill={of === "authenticated" ? "currentColor" : "none"} />
      {of === "integrity" && <path d="M8 1.6v12.9C4.8 13.2 2.6 11 2.6 7.8V3.6z" fill="currentColor" />}
      {of === "none" && <path d="M2 14.5 14 2" />}
    </svg>
  );
}

export function Mark({ of }: { of: keyof typeof MARKS }) {
  return (
    <svg className="mark" viewBox="0 0 16 16" aria-hidden="true">
      <path d={MARKS[of]} />
    </svg>
  );
}
