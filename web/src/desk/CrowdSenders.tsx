// Who is in a crowd, and what each said; one of them is taken out into an incident of its own.

import { useCallback, useEffect, useMemo, useState } from "react";

import { fetchSignalPage } from "../api/client.ts";
import type { Incident, Signal } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { SENDERS } from "../locale/senders.ts";
import { dayClock } from "../locale/time.ts";
import { useNow } from "./clock.ts";
import { perform } from "./perform.ts";
import { readSites } from "./reading.ts";
import { matching, sendersOf } from "./senders.ts";
import type { Sender } from "./senders.ts";
import { useDesk } from "./store.ts";

/** Rows on the card at once; whoever looks for one of more types a part of its name. */
const SHOWN_MAX = 100;

interface Pages {
  signals: Signal[];
  next: string | null;
  state: "reading" | "read" | "failed";
}

const NOTHING_READ: Pages = { signals: [], next: null, state: "reading" };

/** The signals of a crowd, page by page. */
function usePages(incident: Incident["id"]): [Pages, () => void] {
  const [pages, setPages] = useState(NOTHING_READ);
  const read = useCallback(
    (cursor: string | null): void => {
      fetchSignalPage(incident, cursor).then(
        ({ items, next }) =>
          setPages(({ signals }) => ({ signals: [...signals, ...items], next, state: "read" })),
        () => setPages((before) => ({ ...before, state: "failed" })),
      );
    },
    [incident],
  );
  useEffect(() => {
    read(null);
  }, [read]);
  const more = (): void => {
    setPages((before) => ({ ...before, state: "reading" }));
    read(pages.next);
  };
  return [pages, more];
}

function Row({ incident, sender }: { incident: Incident; sender: Sender }) {
  const words = SENDERS[useLanguage()];
  const language = useLanguage();
  const now = useNow();
  const sites = useDesk((state) => state.sites);
  const site = sites?.find(({ id }) => id === sender.site);
  const account = `#${sender.account}`;
  const name = pick(language, site?.name_zh, site?.name_en) || account;
  const [newest] = sender.signals;
  if (!newest) return null;
  return (
    <li>
      <span className="sender-name">
        {name} {name !== account && <span className="muted num">{account}</span>}
      </span>
      <button
        type="button"
        className="small"
        title={words.ownTitle}
        onClick={() =>
          void perform({ act: "split_sender", incident, signal: newest.id, sender: name })
        }
      >
        {words.own}
      </button>
      <span className="muted sender-said">
        <time className="num" dateTime={newest.received_at}>{dayClock(newest.received_at, now)}</time>{" "}
        {pick(language, newest.text_zh, newest.text_en) || newest.code}
        {sender.signals.length > 1 && ` ${words.times(sender.signals.length)}`}
      </span>
    </li>
  );
}

export default function CrowdSenders({ incident }: { incident: Incident }) {
  const words = SENDERS[useLanguage()];
  const { bar } = useMessages();
  const [pages, more] = usePages(incident.id);
  const [wanted, setWanted] = useState("");
  const sites = useDesk((state) => state.sites);
  const streamed = useDesk((state) => state.live?.signals);
  useEffect(() => {
    void readSites();
  }, []);
  const senders = useMemo(
    () => sendersOf([...pages.signals, ...(streamed?.values() ?? [])], incident.id),
    [pages.signals, streamed, incident.id],
  );
  const register = useMemo(() => new Map((sites ?? []).map((site) => [site.id, site])), [sites]);
  const found = matching(senders, register, wanted);
  const shown = found.slice(0, SHOWN_MAX);
  return (
    <section className="senders" aria-label={words.title}>
      <input
        type="search"
        value={wanted}
        placeholder={words.search}
        aria-label={words.search}
        autoComplete="off"
        onChange={({ target }) => setWanted(target.value)}
      />
      <p className="muted num">{words.shown(shown.length, incident.crowd?.senders ?? senders.length)}</p>
      <ol>
        {shown.map((sender) => (
          <Row key={sender.key} incident={incident} sender={sender} />
        ))}
      </ol>
      {pages.state === "reading" && <p className="muted">{bar.working}</p>}
      {pages.state === "failed" && <p role="alert">{words.failed}</p>}
      {pages.state === "read" && !shown.length && <p className="muted">{words.none}</p>}
      {(pages.next !== null || pages.state === "failed") && pages.state !== "reading" && (
        <button type="button" className="small" onClick={more}>
          {words.more}
        </button>
      )}
    </section>
  );
}
