// What is on test: counted in the strip with a list of who, why and until when; and said on the card
// of an incident at such a site.

import type { Incident, OnTest as Test } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import type { Messages } from "../locale/index.ts";
import { dayClock } from "../locale/time.ts";
import { Mark } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { useDesk } from "./store.ts";

function whatOf(test: Test, words: Messages): string {
  const { card } = words;
  if (test.device === null) return card.onTestSite;
  return test.zone ? card.onTestZone(test.account, test.zone) : card.onTestDevice(test.account);
}

/** The soonest to end first. */
const bySoonest = (a: Test, b: Test): number => (a.until < b.until ? -1 : 1);

export function OnTestCount() {
  const words = useMessages();
  const language = useLanguage();
  const now = useNow();
  const tests = useDesk((state) => state.live?.onTests);
  if (!tests?.size) return null;
  return (
    <details className="intake on-test">
      <summary>
        <Mark of="test" />
        {words.strip.onTest(tests.size)}
      </summary>
      <div className="intake-sheet" data-over>
        <h2>{words.strip.onTestTitle}</h2>
        <ul>
          {[...tests.values()].sort(bySoonest).map((test) => (
            <li key={test.id}>
              <p>
                <b>{pick(language, test.site_name_zh, test.site_name_en) || test.site_code}</b>{" "}
                {whatOf(test, words)}
                <span className="num on-test-until">
                  {words.strip.onTestUntil(dayClock(test.until, now))}
                </span>
              </p>
              <p className="muted">
                {test.why} · {test.by_name} ·{" "}
                {words.strip.onTestHeard(test.signals, test.would_have_opened)}
              </p>
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}

/** Said loud: what is on test there will not alarm, whatever happens. */
export function OnTestNotice({ incident }: { incident: Incident }) {
  const words = useMessages();
  const now = useNow();
  const tests = useDesk((state) => state.live?.onTests);
  if (incident.site === null || !tests?.size) return null;
  const here = [...tests.values()].filter(({ site }) => site === incident.site).sort(bySoonest);
  return here.map((test) => (
    <p key={test.id} className="notice notice-test">
      <Mark of="test" />
      <span>
        <b>{words.card.onTest(dayClock(test.until, now))}</b>{" "}
        {words.card.onTestWhat(whatOf(test, words), test.why, test.by_name)}
      </span>
    </p>
  ));
}
