// Incidents beside the one on the card: possible duplicates with why they are offered, what was merged
// into it and can be split off again, what is linked.

import { useEffect } from "react";
import type { ReactNode } from "react";

import type { Id, Incident } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { elapsed } from "../locale/time.ts";
import { LevelSign } from "../look/Shapes.tsx";
import type { Act } from "./acts.ts";
import { useNow } from "./clock.ts";
import { duplicatesOf, mergeOf } from "./duplicates.ts";
import type { Duplicate } from "./duplicates.ts";
import { perform, select } from "./perform.ts";
import { progress } from "./steps.ts";
import { readMissing } from "./reading.ts";
import { useDesk } from "./store.ts";

interface Deed {
  act: Act;
  label: string;
  key?: string;
}

function Row({ other, deed, children }: { other: Incident; deed: Deed; children?: ReactNode }) {
  const words = useMessages();
  const language = useLanguage();
  const now = useNow();
  return (
    <li>
      <button type="button" className="link" onClick={() => select(other.id)}>
        <LevelSign level={other.level} />
        <span className="num">#{other.number}</span> {words.types[other.type]}{" "}
        <span className="related-place">
          {pick(language, other.place?.address_zh, other.place?.address_en)}
        </span>
      </button>
      <span className="muted num">{words.time.ago(elapsed(other.opened_at, now, words))}</span>
      <button type="button" className="small" onClick={() => void perform(deed.act)}>
        {deed.label} {deed.key && <kbd>{deed.key}</kbd>}
      </button>
      {children}
    </li>
  );
}

/** Why it is offered: what makes the two alike, how far, and how long apart. */
function Why({ like }: { like: Duplicate["like"] }) {
  const words = useMessages();
  const { card, time } = words;
  const apart =
    like.apart_s < 60 ? time.seconds(like.apart_s) : time.minutes(String(Math.round(like.apart_s / 60)));
  return (
    <p className="related-why muted">
      {card.likeness(card.alike[like.alike] ?? like.alike, like.distance_m, apart)}
    </p>
  );
}

export function Duplicates({ incident }: { incident: Incident }) {
  const words = useMessages();
  const incidents = useDesk((state) => state.live?.incidents);
  const found = incidents ? duplicatesOf(incident, incidents) : [];
  if (!found.length) return null;
  return (
    <section className="related">
      <h3>{words.card.duplicates}</h3>
      <ul>
        {found.map((one, at) => (
          <Row
            key={one.other.id}
            other={one.other}
            deed={{
              act: mergeOf(incident, one),
              label: one.isOlder ? words.card.mergeInto : words.card.mergeHere,
              ...(at === 0 && { key: "F7" }),
            }}
          >
            <Why like={one.like} />
          </Row>
        ))}
      </ul>
    </section>
  );
}

/** What was merged is in no fresh snapshot: it is asked for, so that a split is always offered. */
function useThem(ids: readonly Id[]): Incident[] {
  const incidents = useDesk((state) => state.live?.incidents);
  const missing = ids.filter((id) => !incidents?.has(id)).join(" ");
  useEffect(() => {
    if (missing) void readMissing(missing.split(" "));
  }, [missing]);
  return ids.flatMap((id) => incidents?.get(id) ?? []);
}

export function Absorbed({ incident }: { incident: Incident }) {
  const words = useMessages();
  const others = useThem(incident.absorbed);
  if (!others.length) return null;
  return (
    <section className="related">
      <h3>{words.card.absorbed}</h3>
      <ul>
        {others.map((other) => {
          const { done, all } = progress(other);
          return (
            <Row
              key={other.id}
              other={other}
              deed={{ act: { act: "split", incident: other }, label: words.card.split }}
            >
              {all > 0 && (
                <p className="related-why muted">
                  {words.card.plan} {words.card.planDone(done, all)}
                </p>
              )}
            </Row>
          );
        })}
      </ul>
    </section>
  );
}

export function Linked({ incident }: { incident: Incident }) {
  const words = useMessages();
  const others = useThem(incident.linked);
  if (!others.length) return null;
  return (
    <section className="related">
      <h3>{words.card.linked}</h3>
      <ul>
        {others.map((other) => (
          <Row
            key={other.id}
            other={other}
            deed={{ act: { act: "unlink", incident, other }, label: words.card.unlink }}
          />
        ))}
      </ul>
    </section>
  );
}
