// Entering a call, in the card's column and beside everything else: type, level, place, caller.

import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { SubmitEvent } from "react";

import { INCIDENT_TYPES, LEVELS } from "../api/shapes.ts";
import type { Command, IncidentType, Level, Site, Station } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { Mark } from "../look/Shapes.tsx";
import { focusLine } from "./focus.ts";
import { closePanel, run, select } from "./perform.ts";
import { change, useDesk } from "./store.ts";

const SITES_SHOWN = 5;

/** The district of the station nearest to a place: a proposal the call-taker can change. */
function nearestDistrict(
  place: { lat: number; lon: number } | null,
  stations: Iterable<Station>,
): string | null {
  let best: { district: string; far: number } | null = null;
  if (!place) return null;
  const narrow = Math.cos((place.lat * Math.PI) / 180);
  for (const { lat, lon, district } of stations) {
    const far = (lat - place.lat) ** 2 + ((lon - place.lon) * narrow) ** 2;
    if (!best || far < best.far) best = { district, far };
  }
  return best?.district ?? null;
}

function matching(sites: readonly Site[], text: string): Site[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  return sites
    .filter((site) =>
      [site.name_zh, site.name_en, site.address].some((words) => words.toLowerCase().includes(wanted)),
    )
    .slice(0, SITES_SHOWN);
}

interface Draft {
  type: IncidentType;
  level: Level;
  address: string;
  district: string | null;
  caller: string;
  phone: string;
  note: string;
  site: Site | null;
}

const EMPTY: Draft = {
  type: "fire", level: 2, address: "", district: null, caller: "", phone: "", note: "", site: null,
};

export function OpenPanel() {
  const words = useMessages();
  const language = useLanguage();
  const live = useDesk((state) => state.live);
  const sites = useDesk((state) => state.sites);
  const picked = useDesk((state) => state.picked);
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [problem, setProblem] = useState("");
  const [sending, setSending] = useState(false);
  const id = useId();
  const address = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // The click on the map took the keyboard away; the form goes on where it was.
    if (picked) address.current?.focus();
  }, [picked]);
  const put = (part: Partial<Draft>): void => setDraft((old) => ({ ...old, ...part }));

  const found = useMemo(
    () => (draft.site ? [] : matching(sites ?? [], draft.address)),
    [sites, draft.address, draft.site],
  );
  // A later click on the map wins over the site's own place.
  const place = picked ? { ...picked, datum: "WGS-84" as const } : (draft.site?.place ?? null);
  const allowed = live?.me.districts.length ? live.me.districts : null;
  const districts = (live?.districts ?? []).filter((row) => !allowed || allowed.includes(row.code));
  const proposed =
    draft.site?.district ?? nearestDistrict(place, live?.stations.values() ?? []) ?? null;
  const district =
    draft.district ??
    (districts.some((row) => row.code === proposed) ? proposed : null) ??
    districts[0]?.code ??
    "";

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!live || sending) return;
    if (!place && !draft.address.trim()) {
      setProblem(words.open.needsAddress);
      return;
    }
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
    const outcome = await run([command], words.bar.opened, null);
    setSending(false);
    if (!outcome.facts) return;
    const opened = outcome.facts.find((fact) => fact.kind === "incident.opened");
    closePanel();
    if (opened) select(opened.subject);
    focusLine();
  };

  return (
    <section className="card open-panel" aria-label={words.open.title}>
      <header className="card-head open-head">
        <h2>{words.open.title}</h2>
        <button type="button" className="small" onClick={closePanel}>
          {words.open.cancel} <kbd>Esc</kbd>
        </button>
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
                autoFocus={type === EMPTY.type}
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
              <b>P{level}</b> {words.open.level_hint[level - 1]}
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
                    <b>{pick(language, site.name_zh, site.name_en)}</b>{" "}
                    <span className="muted">{site.address}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
          <p className={place ? "num" : "muted"}>
            <Mark of="target" />{" "}
            {place
              ? `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)} (${place.datum})`
              : words.map.pick}
          </p>
        </div>
        <div className="field">
          <label htmlFor={`${id}-district`}>{words.open.district}</label>
          <select
            id={`${id}-district`}
            value={district}
            onChange={(event) => put({ district: event.target.value })}
          >
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
        {problem && (
          <p className="overdue" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="main wide" disabled={sending}>
          {words.open.submit} <kbd>Ctrl ↵</kbd>
        </button>
      </form>
    </section>
  );
}
