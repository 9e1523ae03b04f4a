// Entering a call, in the card's column and beside everything else: type, level, place, caller.

import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { SubmitEvent } from "react";

import { INCIDENT_TYPES, LEVELS } from "../api/shapes.ts";
import type { Command, Site } from "../api/shapes.ts";
import { incidentWords } from "../locale/incident.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { elapsed } from "../locale/time.ts";
import { LevelSign, Mark } from "../look/Shapes.tsx";
import { CallerPlaces } from "./CallerPlaces.tsx";
import { useNow } from "./clock.ts";
import { focusLine } from "./focus.ts";
import { nearestDistrict, openNearby } from "./nearby.ts";
import type { Near } from "./nearby.ts";
import { closePanel, discardCall, run, select } from "./perform.ts";
import { change, isBegun, useDesk } from "./store.ts";
import type { Draft } from "./store.ts";

const SITES_SHOWN = 5;
const NEARBY_SHOWN = 3;

function matching(sites: readonly Site[], text: string): Site[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  return sites
    .filter((site) =>
      [site.name_zh, site.name_en, site.address, site.place?.address_en ?? ""].some((words) =>
        words.toLowerCase().includes(wanted),
      ),
    )
    .slice(0, SITES_SHOWN);
}

/** What is open near the place already: the call-taker looks before opening it a second time. What
 * was typed stays meanwhile. */
function Nearby({ near }: { near: readonly Near[] }) {
  const words = useMessages();
  const language = useLanguage();
  const now = useNow();
  if (!near.length) return null;
  return (
    <section className="nearby" aria-label={words.open.nearby}>
      <h3>{words.open.nearby}</h3>
      <ul className="found">
        {near.slice(0, NEARBY_SHOWN).map(({ incident, metres }) => (
          <li key={incident.id}>
            <button type="button" onClick={() => select(incident.id)}>
              <LevelSign level={incident.level} />
              <span className="num muted">#{incident.number}</span>
              <b>{words.types[incident.type]}</b>
              <span className="found-text">{incidentWords(language, incident).address}</span>
              <span className="num muted found-end">
                {words.open.metres(Math.round(metres / 10) * 10)} · {elapsed(incident.opened_at, now, words)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export default function OpenPanel() {
  const words = useMessages();
  const language = useLanguage();
  const live = useDesk((state) => state.live);
  const sites = useDesk((state) => state.sites);
  const picked = useDesk((state) => state.picked);
  const draft = useDesk((state) => state.draft);
  const begun = useDesk(isBegun);
  const [problem, setProblem] = useState("");
  const [sending, setSending] = useState(false);
  const id = useId();
  const address = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // The click on the map took the keyboard away; the form goes on where it was.
    if (picked) address.current?.focus();
  }, [picked]);
  const put = (part: Partial<Draft>): void =>
    change((state) => ({ draft: { ...state.draft, ...part } }));

  const found = useMemo(
    () => (draft.site ? [] : matching(sites ?? [], draft.address)),
    [sites, draft.address, draft.site],
  );
  // A later click on the map wins over the site's own place.
  const place = picked ? { lat: picked.lat, lon: picked.lon, datum: "WGS-84" as const } : (draft.site?.place ?? null);
  const allowed = live?.me.districts.length ? live.me.districts : null;
  const districts = (live?.districts ?? []).filter((row) => !allowed || allowed.includes(row.code));
  const proposed =
    draft.site?.district ?? nearestDistrict(place, live?.stations.values() ?? []) ?? null;
  // Never by chance: where nothing tells the district, the call-taker does.
  const district =
    draft.district ??
    (districts.some((row) => row.code === proposed) ? proposed : null) ??
    (districts.length === 1 ? districts[0]?.code : null) ??
    "";
  const near = openNearby(place, live?.incidents.values() ?? []);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!live || sending) return;
    if (!place && !draft.address.trim()) {
      setProblem(words.open.needsAddress);
      return;
    }
    if (!district) {
      setProblem(words.open.needsDistrict);
      return;
    }
    setProblem("");
    const typed = draft.address.trim();
    const command: Command = {
      type: "open_incident",
      incident_type: draft.type,
      level: draft.level,
      place: place && {
        lat: place.lat, lon: place.lon, datum: place.datum,
        address_zh: draft.site?.place?.address_zh ?? typed,
        address_en: draft.site?.place?.address_en ?? typed,
      },
      district,
      agency: live.me.agency,
      caller_name: draft.caller.trim() || null,
      caller_phone: draft.phone.trim() || null,
      // Without a place on the map the address would be lost: it opens the note.
      note: [place ? "" : typed, draft.note.trim()].filter(Boolean).join("\n") || null,
    };
    setSending(true);
    const outcome = await run([command], words.open.title, words.bar.opened, null);
    setSending(false);
    if (!outcome.facts) return;
    const opened = outcome.facts.find((fact) => fact.kind === "incident.opened");
    const evidence = picked?.evidence;
    discardCall(); // it is an incident now
    if (opened && evidence) {
      // Its uncertainty and age come with it, and it stays as long as the incident.
      await run(
        [{ type: "locate_incident", incident: opened.subject, evidence, place: null }],
        words.open.title, words.bar.opened, null,
      );
    }
    if (opened) select(opened.subject);
    focusLine();
  };

  return (
    <section className="card open-panel" data-scrolls="y" aria-label={words.open.title}>
      <header className="card-head open-head">
        <h2>{words.open.title}</h2>
        <span className="open-ways">
          {begun && (
            <button type="button" className="small discard" onClick={discardCall}>
              {words.open.discard}
            </button>
          )}
          <button type="button" className="small" onClick={closePanel}>
            {words.open.close} <kbd>Esc</kbd>
          </button>
        </span>
      </header>
      <form onSubmit={(event) => void submit(event)} autoComplete="off">
        <fieldset className="choices">
          <legend>{words.open.type}</legend>
          {INCIDENT_TYPES.map((type) => (
            <label key={type} className={draft.type === type ? "chosen" : undefined}>
              <input
                type="radio"
                name="type"
                checked={draft.type === type}
                onChange={() => put({ type })}
                autoFocus={type === draft.type}
              />
              {words.types[type]}
            </label>
          ))}
        </fieldset>
        <fieldset className="choices levels">
          <legend>{words.open.level}</legend>
          {LEVELS.map((level) => (
            <label key={level} className={draft.level === level ? "chosen" : undefined}>
              <input
                type="radio"
                name="level"
                checked={draft.level === level}
                onChange={() => put({ level })}
              />
              <b>P{level}</b> <span>{words.open.level_hint[level - 1]}</span>
            </label>
          ))}
        </fieldset>
        <div className="field">
          <label htmlFor={`${id}-address`}>{words.open.site}</label>
          <input
            ref={address}
            id={`${id}-address`}
            value={draft.address}
            placeholder={words.open.siteHint}
            onChange={(event) => put({ address: event.target.value, site: null })}
          />
          {found.length > 0 && (
            <ul className="found">
              {found.map((site) => (
                <li key={site.id}>
                  <button
                    type="button"
                    onClick={() => {
                      put({
                        site,
                        address: pick(language, site.place?.address_zh, site.place?.address_en) || site.address,
                      });
                      change({ picked: null });
                    }}
                  >
                    <b>{pick(language, site.name_zh, site.name_en)}</b>
                    <span className="muted found-text">
                      {pick(language, site.place?.address_zh, site.place?.address_en) || site.address}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          )}
          <p className={place ? "num" : "muted"}>
            <Mark of="target" />{" "}
            {place
              ? `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)} (${place.datum})`
              : words.open.unplaced}
          </p>
        </div>
        <CallerPlaces />
        <Nearby near={near} />
        <div className="field">
          <label htmlFor={`${id}-district`}>{words.open.district}</label>
          <select
            id={`${id}-district`}
            value={district}
            onChange={(event) => put({ district: event.target.value })}
          >
            {!district && <option value="">{words.open.chooseDistrict}</option>}
            {districts.map((row) => (
              <option key={row.code} value={row.code}>
                {pick(language, row.name_zh, row.name_en)}
              </option>
            ))}
          </select>
        </div>
        <div className="field-pair">
          <div className="field">
            <label htmlFor={`${id}-caller`}>{words.open.caller}</label>
            <input
              id={`${id}-caller`}
              value={draft.caller}
              onChange={(event) => put({ caller: event.target.value })}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}-phone`}>{words.open.phone}</label>
            <input
              id={`${id}-phone`}
              inputMode="tel"
              value={draft.phone}
              onChange={(event) => put({ phone: event.target.value })}
            />
          </div>
        </div>
        <div className="field">
          <label htmlFor={`${id}-note`}>{words.open.note}</label>
          <textarea
            id={`${id}-note`}
            rows={3}
            value={draft.note}
            onChange={(event) => put({ note: event.target.value })}
          />
        </div>
        <div className="open-end" data-over>
          {problem && (
            <p className="overdue" role="alert">
              {problem}
            </p>
          )}
          <button type="submit" className="main wide" disabled={sending}>
            {words.open.submit} <kbd>Ctrl ↵</kbd>
          </button>
        </div>
      </form>
    </section>
  );
}
