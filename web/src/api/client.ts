// The way to the server: reads, and commands that are safe to repeat. Every command carries a key
// of its own; when no answer comes, the same key and body are sent again and count once.

import createClient from "openapi-fetch";

import type { paths } from "./schema.d.ts";
import type {
  Advice, CallerPlace, Command, DoneFact, Fact, Id, Incident, MapInfo, Plan, Problem, Signal, Site, Snapshot,
} from "./shapes.ts";

const RETRY_WAITS_MS = [250, 750, 1_500, 3_000];
const ANSWER_WITHIN_MS = 8_000;
const PAGE = 500;

/** The session has ended; the person signs in again. */
export class SignedOut extends Error {}

/** The server said no, with a reason for a person. */
export class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

/** No answer came: the command may or may not have been done. */
export class Unconfirmed extends Error {}

let language = "zh-CN";
export function speak(next: string): void {
  language = next;
}

function cookie(name: string): string {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

const client = createClient<paths>({
  baseUrl: "",
  credentials: "same-origin",
  // Looked up at each call; a request that gets no answer in time counts as unanswered.
  fetch: (request) => fetch(request, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }),
});
client.use({
  onRequest: ({ request }) => {
    request.headers.set("Accept-Language", language);
    if (request.method !== "GET") request.headers.set("X-CSRFToken", cookie("csrftoken"));
  },
  onResponse: ({ response }) => {
    if (response.status === 401) throw new SignedOut();
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** A problem document, or what can be said where a proxy answered with something else. */
function problemOf({ error, response }: Answer<unknown>): Problem {
  const plain: Problem = {
    type: "about:blank", title: response.statusText, status: response.status, detail: "",
    reason: "", errors: [], by: null, at: null,
  };
  return typeof error === "object" && error !== null ? { ...plain, ...error } : plain;
}

function read<T>(answer: Answer<T>): T {
  if (answer.data === undefined) throw new Refusal(problemOf(answer));
  return answer.data;
}

export const fetchSnapshot = async (): Promise<Snapshot> => read(await client.GET("/api/v1/snapshot"));

export const fetchAdvice = async (id: Id): Promise<Advice> =>
  read(await client.GET("/api/v1/incidents/{id}/advice", { params: { path: { id } } }));

export const fetchPlans = async (id: Id): Promise<Plan[]> =>
  read(await client.GET("/api/v1/incidents/{id}/plans", { params: { path: { id } } })).items;

export const fetchIncident = async (id: Id): Promise<Incident> =>
  read(await client.GET("/api/v1/incidents/{id}", { params: { path: { id } } }));

export const fetchTimeline = async (incident: Id): Promise<Fact[]> =>
  read(
    await client.GET("/api/v1/facts", { params: { query: { incident, limit: PAGE } } }),
  ).items;

export const fetchSignals = async (incident: Id): Promise<Signal[]> =>
  read(await client.GET("/api/v1/signals", { params: { query: { incident, limit: 50 } } })).items;

/** A page of an incident's signals, the newest first; `next` asks for older ones. */
export const fetchSignalPage = async (
  incident: Id,
  cursor: string | null,
): Promise<{ items: Signal[]; next: string | null }> =>
  read(
    await client.GET("/api/v1/signals", { params: { query: { incident, limit: PAGE, cursor } } }),
  );

export const fetchSites = async (): Promise<Site[]> => {
  const sites: Site[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Site[]; next: string | null } = read(
      await client.GET("/api/v1/sites", { params: { query: { limit: PAGE, cursor } } }),
    );
    sites.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return sites;
};

export const fetchCallerPlaces = async (): Promise<CallerPlace[]> =>
  read(await client.GET("/api/v1/caller-places")).items;

export const fetchMapInfo = async (): Promise<MapInfo> => read(await client.GET("/api/v1/map"));

/** Send one command until it is answered. Raises Refusal, SignedOut or Unconfirmed. */
export async function send(command: Command): Promise<DoneFact[]> {
  const key = crypto.randomUUID();
  for (const wait of [0, ...RETRY_WAITS_MS]) {
    if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
    let answer: Answer<{ facts: DoneFact[] }>;
    try {
      answer = await client.POST("/api/v1/commands", {
        body: command,
        params: { header: { "Idempotency-Key": key } },
      });
    } catch (error) {
      if (error instanceof SignedOut) throw error;
      continue; // no answer: the same key again
    }
    if (answer.data) return answer.data.facts;
    const { status } = answer.response;
    if (status < 500 && status !== 429) throw new Refusal(problemOf(answer));
  }
  throw new Unconfirmed();
}
