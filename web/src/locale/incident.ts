// How an incident is named on the screen: its address, and what its title adds to that.

import type { Incident } from "../api/shapes.ts";
import { CATALOGUES, pick } from "./index.ts";
import type { Language } from "./index.ts";

export interface IncidentWords {
  /** Never empty: the address, else the title. */
  address: string;
  /** What the title says beside address and type: the site, what was reported. May be empty. */
  title: string;
}

export function incidentWords(language: Language, incident: Incident): IncidentWords {
  const words = CATALOGUES[language];
  const { place, type } = incident;
  const address = pick(language, place?.address_zh, place?.address_en);
  // The title of a call is its type and address again.
  if (incident.source === "call") return { address: address || words.queue.noPlace, title: "" };
  // Titles are `what · where`.
  const parts = pick(language, incident.title_zh, incident.title_en)
    .split(" · ")
    .map((part) => pick(language, part, part))
    .filter((part) => part && part !== address && part !== words.types[type]);
  // Of a public report only that it is one: its type is said beside it, its place is sealed.
  const title = (incident.source === "report" ? parts.slice(-1) : parts.reverse()).join(" · ");
  if (address) return { address, title };
  return { address: title || words.queue.noPlace, title: "" };
}
