// The action plan of an incident: what the site and its zones want done, step by step, as it stood
// when the alarms came. Steps are ticked here or by `x 3` in the command line.

import { useEffect } from "react";

import type { Incident, Plan } from "../api/shapes.ts";
import { pick, useLanguage, useMessages } from "../locale/index.ts";
import { shortClock } from "../locale/time.ts";
import { Mark } from "../look/Shapes.tsx";
import { perform } from "./perform.ts";
import { refreshPlans } from "./reading.ts";
import { numbered, progress, tickOf } from "./steps.ts";
import type { PlannedStep } from "./steps.ts";
import { useDesk } from "./store.ts";

/** As many plans an incident keeps. */
const PLANS_MAX = 10;

function Step({ incident, step }: { incident: Incident; step: PlannedStep }) {
  const words = useMessages();
  const language = useLanguage();
  const tick = tickOf(incident, step);
  const { plan, step: number, place } = step;
  return (
    <li>
      <button
        type="button"
        role="checkbox"
        className="plan-step"
        aria-checked={tick !== undefined}
        disabled={incident.state === "closed"}
        onClick={() =>
          void perform({ act: tick ? "untick" : "tick", incident, plan, step: number, place })
        }
      >
        <span className="plan-box">{tick && <Mark of="tick" />}</span>
        <span className="num muted">{place}</span>
        <span className="plan-text">{pick(language, step.text_zh, step.text_en)}</span>
        {tick && (
          <span className="plan-who muted">{words.card.tickedBy(tick.by_name, shortClock(tick.at))}</span>
        )}
      </button>
    </li>
  );
}

function Title({ plan }: { plan: Plan }) {
  const words = useMessages();
  const language = useLanguage();
  if (plan.device === null) return <h4>{words.card.planOfSite}</h4>;
  const name = pick(language, plan.zone_zh, plan.zone_en);
  const account = plan.account ? `${words.card.account} ${plan.account}` : "";
  return (
    <h4>
      {words.card.planOf(plan.zone)}
      {[name, account].filter(Boolean).map((part) => ` · ${part}`)}
    </h4>
  );
}

export function Plans({ incident }: { incident: Incident }) {
  const words = useMessages();
  const entry = useDesk((state) => state.plans[incident.id]);
  const wanted = incident.plans.map(({ plan }) => plan).join(" ");
  useEffect(() => {
    if (wanted) void refreshPlans(incident.id);
  }, [incident.id, wanted]);
  if (!wanted) return null;
  const { done, all } = progress(incident);
  const plans = numbered(incident, entry?.value ?? []);
  return (
    <section className="plans" aria-label={words.card.plan}>
      <h3>
        {words.card.plan}
        <span className="muted num">{words.card.planDone(done, all)}</span>
      </h3>
      {!entry?.value && (
        <p className="muted">{entry?.failed ? words.card.planFailed : words.card.planLoading}</p>
      )}
      {plans.map(({ plan, steps }) => (
        <div key={plan.plan}>
          <Title plan={plan} />
          {plan.erased && <p className="muted">{words.card.planErased}</p>}
          <ol>
            {steps.map((step) => (
              <Step key={step.place} incident={incident} step={step} />
            ))}
          </ol>
        </div>
      ))}
      {incident.plans.length >= PLANS_MAX && (
        <p className="muted">{words.card.planFull(PLANS_MAX)}</p>
      )}
    </section>
  );
}
