// A crowd's card: how many senders share it, what they said, and on demand who they are.

import { useState } from "react";

import type { Incident } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { CrowdSenders, Later } from "./Later.tsx";

export function Crowd({ incident }: { incident: Incident }) {
  const words = useMessages();
  const language = useLanguage();
  const { crowd } = incident;
  if (!crowd) return null;
  const said = crowd.said.map((one) => `${pick(language, one.text_zh, one.text_en)} ×${one.count}`);
  if (crowd.said_else) said.push(words.queue.crowdElse(crowd.said_else));
  return (
    <>
      <dt>{words.queue.crowdSenders}</dt>
      <dd className="num">{crowd.senders}</dd>
      <dt>{words.queue.crowdSaid}</dt>
      <dd>
        {said.map((one) => (
          <span key={one} className="crowd-said">{one}</span>
        ))}
      </dd>
    </>
  );
}

/** Opens the list of who is in it. */
export function CrowdList({ incident }: { incident: Incident }) {
  const { queue } = useMessages();
  const [isOpen, setOpen] = useState(false);
  if (!incident.crowd) return null;
  return (
    <>
      <p className="crowd-list">
        <button type="button" className="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? queue.crowdListClose : queue.crowdList}
        </button>
      </p>
      {isOpen && (
        <Later>
          <CrowdSenders incident={incident} />
        </Later>
      )}
    </>
  );
}

/** Beside the title in the queue. */
export function CrowdChip({ incident }: { incident: Incident }) {
  const words = useMessages();
  if (!incident.crowd) return null;
  const { senders } = incident.crowd;
  return (
    <span className="chip" title={words.queue.crowd(senders)}>
      {words.queue.crowdShort(senders)}
    </span>
  );
}
