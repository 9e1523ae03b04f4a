// Who is in a crowd, by the signals that it took in: a site is one sender, an unknown source is told
// by its protocol and account, as tocsin.core.crowds has it.

import type { Id, Signal, Site } from "../api/shapes.ts";

export interface Sender {
  key: string;
  site: Id | null;
  account: string;
  /** Its signals, the newest first. */
  signals: Signal[];
}

export const senderOf = (signal: Signal): string =>
  signal.site === null ? `${signal.protocol}/${signal.account}` : `site/${signal.site}`;

/** The senders of `signals`, who spoke last first. A signal that is named twice counts once. */
export function sendersOf(signals: Iterable<Signal>, crowd: Id): Sender[] {
  const rows = new Map<Id, Signal>();
  for (const signal of signals) {
    if (signal.incident === crowd) rows.set(signal.id, signal);
    else rows.delete(signal.id); // it has left since it was read
  }
  const found = new Map<string, Sender>();
  const newest = [...rows.values()].sort((a, b) => (a.received_at < b.received_at ? 1 : -1));
  for (const signal of newest) {
    const key = senderOf(signal);
    const sender = found.get(key) ?? { key, site: signal.site, account: signal.account, signals: [] };
    sender.signals.push(signal);
    found.set(key, sender);
  }
  return [...found.values()];
}

/** Those whose site, account or words hold every word of `wanted`. */
export function matching(
  senders: readonly Sender[],
  sites: ReadonlyMap<Id, Site>,
  wanted: string,
): Sender[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [...senders];
  return senders.filter(({ account, site, signals }) => {
    const known = site === null ? undefined : sites.get(site);
    const said = signals.flatMap((one) => [one.text_zh, one.text_en, one.code]);
    const text = [account, known?.code, known?.name_zh, known?.name_en, ...said].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
