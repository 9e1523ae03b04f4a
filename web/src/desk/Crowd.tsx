// A crowd's card: how many senders share it, and what they said.

import type { Incident } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";

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
