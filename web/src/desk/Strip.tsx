// The top strip: whose desk this is, whether the screen can be trusted, and what intake carries.

import { useEffect, useState } from "react";

import { ageMs, healthOf } from "../live/health.ts";
import type { Health } from "../live/health.ts";
import type { COUNTERS } from "../locale/counters.ts";
import { LANGUAGES, pick, useLanguage, useMessages } from "../locale/index.ts";
import { clock, zone } from "../locale/time.ts";
import { Mark } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { counted, isTrouble, troubles } from "./counters.ts";
import { OnTestCount } from "./OnTest.tsx";
import { openCall } from "./perform.ts";
import { change, chooseLanguage, isBegun, nextTheme, useDesk } from "./store.ts";

/** How long a fresh fault keeps its colour. */
const TROUBLE_FRESH_MS = 60_000;

function useHealth(): { health: Health; seconds: number } {
  const beat = useDesk((state) => state.beat);
  const offset = useDesk((state) => state.clockOffset);
  const now = useNow() - offset; // a tick's age is taken on this machine's own clock
  return { health: healthOf(beat, now), seconds: Math.round(ageMs(beat, now) / 1_000) };
}

function Feed({ health, seconds }: { health: Health; seconds: number }) {
  const words = useMessages();
  const aged = health === "stale" || health === "slow";
  return (
    <span className={`feed feed-${health}`} role="status">
      <span className="feed-dot" aria-hidden="true" />
      {/* In both languages: whoever walks up to this desk must understand it. */}
      {health === "stale" ? "数据中断 · DATA INTERRUPTED" : words.health[health]}
      {aged && <span className="feed-age">{words.strip.feedAge(seconds)}</span>}
    </span>
  );
}

function Alarm({ health }: { health: Health }) {
  const { strip } = useMessages();
  const told = {
    stale: strip.staleExplained,
    database_lost: strip.databaseExplained,
    signed_out: strip.signedOutExplained,
  }[health as "stale" | "database_lost" | "signed_out"] as string | undefined;
  return (
    <span className="strip-alarm" role="alert">
      {told}
      {health === "signed_out" && <a href="/accounts/login/?next=/">{strip.signIn}</a>}
    </span>
  );
}

/** Words for the counters; null until they have been read, soon after the start. */
function useCounterWords(): typeof COUNTERS | null {
  const [words, setWords] = useState<typeof COUNTERS | null>(null);
  useEffect(() => {
    import("../locale/counters.ts").then(
      (read) => setWords(read.COUNTERS),
      () => undefined, // without them each counter shows by its own name
    );
  }, []);
  return words;
}

function Intake() {
  const words = useMessages();
  const language = useLanguage();
  const names = useCounterWords();
  const lag = useDesk((state) => state.lag);
  const counters = useDesk((state) => state.counters);
  const troubledAt = useDesk((state) => state.troubledAt);
  const offset = useDesk((state) => state.clockOffset);
  const fresh = useNow() - offset - troubledAt < TROUBLE_FRESH_MS;
  const rows = Object.entries(counters)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => Number(isTrouble(b)) - Number(isTrouble(a)) || (a < b ? -1 : 1));
  const total = troubles(counters);
  const waiting = lag?.signals_waiting ?? 0;
  const oldest = Math.round(lag?.oldest_s ?? 0);
  return (
    <details className="intake">
      <summary>
        <span className="muted">{words.strip.intake}</span>
        <span className={oldest > 10 ? "warn" : undefined}>
          {waiting ? words.strip.waiting(waiting, oldest) : words.strip.caughtUp}
        </span>
        {total > 0 && (
          <span className={fresh ? "intake-problems warn" : "intake-problems muted"}>
            {words.strip.problems(total)}
          </span>
        )}
      </summary>
      <div className="intake-sheet" data-over>
        <h2>{words.strip.intakeTitle}</h2>
        <dl>
          <dt>{words.strip.signalsWaiting}</dt>
          <dd>{waiting}</dd>
          <dt>{words.strip.oldest}</dt>
          <dd>{words.time.seconds(oldest)}</dd>
          <dt>{words.strip.behind}</dt>
          <dd>{lag?.sequencer_behind ?? 0}</dd>
          <dt>{words.strip.quarantined}</dt>
          <dd className={lag?.quarantined ? "warn" : undefined}>{lag?.quarantined ?? 0}</dd>
          {rows.map(([name, count]) => (
            <div className="intake-row" key={name}>
              <dt>{names?.[language][counted(name)] ?? name}</dt>
              <dd className={isTrouble(name) ? "warn" : undefined}>{count}</dd>
            </div>
          ))}
        </dl>
        {total === 0 && <p className="muted">{words.strip.noProblems}</p>}
      </div>
    </details>
  );
}

function Clock() {
  const now = useNow();
  const { strip } = useMessages();
  return (
    <time className="clock" aria-label={strip.clock} dateTime={new Date(now).toISOString()}>
      {clock(now)} <span className="muted">{zone(now)}</span>
    </time>
  );
}

export function signOut(): void {
  const token = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/accounts/logout/";
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "csrfmiddlewaretoken";
  field.value = token ? decodeURIComponent(token.slice("csrftoken=".length)) : "";
  form.append(field);
  document.body.append(form);
  form.submit();
}

export function Strip() {
  const words = useMessages();
  const language = useLanguage();
  const { health, seconds } = useHealth();
  const theme = useDesk((state) => state.theme);
  const me = useDesk((state) => state.live?.me);
  const city = useDesk((state) => state.city);
  const agency = useDesk((state) =>
    state.live?.agencies.find((row) => row.code === state.live?.me.agency),
  );
  const begun = useDesk((state) => state.panel !== "open" && isBegun(state));
  const other = LANGUAGES.find((candidate) => candidate !== language) ?? language;
  const name =
    pick(language, city?.name_zh ?? agency?.name_zh, city?.name_en ?? agency?.name_en) || "Tocsin";
  const alarming = health === "stale" || health === "database_lost" || health === "signed_out";
  return (
    <header className={`strip ${alarming ? "strip-alarming" : ""}`} aria-label={words.strip.label}>
      <h1>
        <Mark of="bell" />
        <span className="strip-city" data-cut title={name}>
          {name}
        </span>
        {city && <span className="muted strip-desk">{words.strip.console}</span>}
      </h1>
      <Feed health={health} seconds={seconds} />
      {alarming ? <Alarm health={health} /> : <Intake />}
      {!alarming && <OnTestCount />}
      <span className="strip-space" />
      <Clock />
      <button type="button" className={begun ? "begun" : "quiet"} onClick={openCall}>
        {begun ? words.strip.callBegun : words.strip.call} <kbd>F6</kbd>
      </button>
      <button type="button" className="quiet" onClick={() => change({ panel: "help" })}>
        {words.strip.help} <kbd>?</kbd>
      </button>
      <button
        type="button"
        className="quiet"
        lang={other}
        title={words.strip.languageTitle}
        onClick={() => chooseLanguage(other)}
      >
        {words.strip.language} <kbd>F8</kbd>
      </button>
      <button
        type="button"
        className="quiet"
        title={words.strip.themeTitle(words.strip.theme[theme])}
        onClick={nextTheme}
      >
        {words.strip.theme[theme]} <kbd>F9</kbd>
      </button>
      {me && (
        <span className="person">
          <Mark of="person" />
          <span className="person-name" data-cut title={`${me.name}, ${words.roles[me.role] ?? me.role}`}>
            {me.name}
          </span>
          <button type="button" className="quiet" onClick={signOut}>
            {words.strip.signOut}
          </button>
        </span>
      )}
    </header>
  );
}
