// The units sent to an incident, and how far each order has come.

import type { Incident, Order, OrderState } from "../api/shapes.ts";
import { useMessages } from "../locale/index.ts";
import { clock, elapsed } from "../locale/time.ts";
import { Mark, UnitSign } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { isOverdue } from "./queue.ts";
import { useDesk } from "./store.ts";

const STEPS = ["given", "received", "accepted", "under_way", "at_scene"] as const;

function timeOf(order: Order, step: (typeof STEPS)[number]): string | null {
  switch (step) {
    case "given":
      return order.given_at;
    case "received":
      return order.received_at;
    case "accepted":
      return order.accepted_at;
    case "under_way":
      return order.under_way_at;
    case "at_scene":
      return order.at_scene_at;
  }
}

/** More units than these are shown on a line each. */
const STEPS_WRITTEN_OUT_MAX = 2;

const REACHED: Record<OrderState, number> = {
  given: 0, sent: 0, received: 1, accepted: 2, refused: 1, under_way: 3, at_scene: 4, done: 4,
  recalled: 0,
};

/** The same in little, for an incident with many units: one bar, its times on pointing. */
function Bar({ order }: { order: Order }) {
  const words = useMessages();
  const reached = REACHED[order.state];
  const told = STEPS.map((step) => {
    const time = timeOf(order, step);
    return `${words.orderStates[step]} ${time ? clock(time) : "–"}`;
  });
  return (
    <ol className="steps-bar" title={told.join("\n")} aria-label={words.orderStates[order.state]}>
      {STEPS.map((step, index) => (
        <li key={step} className={index <= reached ? "reached" : undefined} />
      ))}
    </ol>
  );
}

function Steps({ order }: { order: Order }) {
  const words = useMessages();
  const reached = REACHED[order.state];
  return (
    <ol className="steps">
      {STEPS.map((step, index) => {
        const time = timeOf(order, step);
        return (
          <li key={step} className={index <= reached ? "reached" : undefined}>
            <span>{words.orderStates[step]}</span>
            <span className="num">{time ? clock(time) : "–"}</span>
          </li>
        );
      })}
    </ol>
  );
}

export function Attached({ incident }: { incident: Incident }) {
  const words = useMessages();
  const live = useDesk((state) => state.live);
  const now = useNow();
  if (!incident.units.length) return null;
  const many = incident.units.length > STEPS_WRITTEN_OUT_MAX;
  return (
    <section className={many ? "attached attached-many" : "attached"}>
      <h3>{words.card.attached}</h3>
      <ul>
        {incident.units.map((attached) => {
          const unit = live?.units.get(attached.unit);
          const order = live?.orders.get(attached.order);
          const late = order && isOverdue(order, now);
          return (
            <li key={attached.order}>
              <p className="attached-line">
                <UnitSign kind={unit?.kind ?? ""} state={unit?.state ?? "ordered"} />
                <b>{attached.call_sign}</b>
                <span className="muted">{unit && (words.unitKinds[unit.kind] ?? unit.kind)}</span>
                <span className={`unit-${unit?.state ?? "ordered"}`}>
                  {unit ? words.unitStates[unit.state] : words.orderStates[attached.state]}
                </span>
                {unit && <span className="num">{elapsed(unit.state_since, now, words)}</span>}
                {order && many && <Bar order={order} />}
                {late && (
                  <span className="overdue">
                    <Mark of="overdue" />
                    {words.overdueSteps[order.overdue ?? ""] ?? words.board.overdue}
                  </span>
                )}
              </p>
              {order && !many && <Steps order={order} />}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
