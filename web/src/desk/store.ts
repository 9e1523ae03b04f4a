// The desk's one state: what the stream tells, what is selected, what was typed and answered.

import { create } from "zustand";

import type {
  Advice, Fact, Id, Incident, IncidentType, Lag, Level, Person, Plan, Signal, Site, Tick,
} from "../api/shapes.ts";
import type { Heartbeat } from "../live/health.ts";
import type { LiveState } from "../live/state.ts";
import type { Language } from "../locale/index.ts";
import type { Act } from "./acts.ts";
import { troubles } from "./counters.ts";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export type Panel = "card" | "open" | "help";

/** One line of the command bar's answers. */
export interface Receipt {
  key: number;
  tone: "busy" | "done" | "conflict" | "error";
  text: string;
  /** The act that takes this one back, until `until`, ms; `sentence` names what is taken back. */
  undo: { act: Act; sentence: string } | null;
  until: number;
}

export interface Fetched<T> {
  value: T | null;
  failed: boolean;
  at: number;
}

/** A place picked for a call that is being entered. */
export interface PickedPlace {
  lat: number;
  lon: number;
  /** The caller's place (AML) that it is. */
  evidence?: Id;
}

/** A call that is being entered; it is kept, in this page's memory only, until it is sent or
 * discarded, whatever else the call-taker looks at meanwhile. */
export interface Draft {
  type: IncidentType;
  level: Level;
  address: string;
  district: string | null;
  caller: string;
  phone: string;
  note: string;
  site: Site | null;
}

export const EMPTY_DRAFT: Draft = {
  type: "fire", level: 2, address: "", district: null, caller: "", phone: "", note: "", site: null,
};

export interface Desk {
  live: LiveState | null;
  beat: Heartbeat;
  lag: Lag | null;
  counters: Record<string, number>;
  /** When the last faulty message was counted, ms on this machine's clock; 0: not while open. */
  troubledAt: number;
  /** Server time minus this machine's, ms. */
  clockOffset: number;
  city: { name_zh: string; name_en: string } | null;
  selected: Id | null;
  visited: Id[];
  shownUnit: Id | null;
  advice: Record<Id, Fetched<Advice>>;
  timelines: Record<Id, Fetched<Fact[]>>;
  signals: Record<Id, Fetched<Signal[]>>;
  plans: Record<Id, Fetched<Plan[]>>;
  sites: Site[] | null;
  panel: Panel;
  picked: PickedPlace | null;
  draft: Draft;
  fullTimeline: boolean;
  line: string;
  /** The line whose conflict was shown: Enter on the same line again goes through with it. */
  armed: string | null;
  /** The line that the receipt answers: it shows instead of a preview until the line changes. */
  answered: string | null;
  typed: string[];
  receipt: Receipt | null;
  language: Language;
  theme: Theme;
}

const LANGUAGE_KEY = "tocsin.language";
const THEME_KEY = "tocsin.theme";

function remembered<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  const found = localStorage.getItem(key);
  return allowed.find((value) => value === found) ?? otherwise;
}

function firstLanguage(): Language {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export const useDesk = create<Desk>(() => ({
  live: null,
  beat: { lastTickAt: null, startedAt: Date.now(), database: "ok", signedOut: false },
  lag: null,
  counters: {},
  troubledAt: 0,
  clockOffset: 0,
  city: null,
  selected: null,
  visited: [],
  shownUnit: null,
  advice: {},
  timelines: {},
  signals: {},
  plans: {},
  sites: null,
  panel: "card",
  picked: null,
  draft: EMPTY_DRAFT,
  fullTimeline: false,
  line: "",
  armed: null,
  answered: null,
  typed: [],
  receipt: null,
  language: remembered(LANGUAGE_KEY, ["zh-CN", "en"], firstLanguage()),
  theme: remembered(THEME_KEY, THEMES, "auto"),
}));

export const desk = useDesk.getState;
export const change = useDesk.setState;

/** Whether a call has been begun that is neither sent nor discarded. */
export const isBegun = ({ draft, picked }: Pick<Desk, "draft" | "picked">): boolean =>
  draft !== EMPTY_DRAFT || picked !== null;

/** Server time now, ms. */
export const serverNow = (): number => Date.now() + desk().clockOffset;

export function incidentById(id: Id | null): Incident | null {
  return id === null ? null : (desk().live?.incidents.get(id) ?? null);
}

export function hear(tick: Tick): void {
  const now = Date.now();
  change((state) => ({
    troubledAt: troubles(tick.counters) > troubles(state.counters) ? now : state.troubledAt,
    beat: { ...state.beat, lastTickAt: now, database: tick.database, signedOut: false },
    lag: tick.lag,
    counters: tick.counters,
    clockOffset: Date.parse(tick.at) - now,
  }));
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(LANGUAGE_KEY, language);
  change({ language });
}

/** The person's own language, unless this browser was told another before. */
export function adoptLanguage(me: Person): void {
  if (localStorage.getItem(LANGUAGE_KEY) !== null || me.language === null) return;
  change({ language: me.language });
}

export function nextTheme(): void {
  const theme = THEMES[(THEMES.indexOf(desk().theme) + 1) % THEMES.length] ?? "auto";
  localStorage.setItem(THEME_KEY, theme);
  change({ theme });
}
