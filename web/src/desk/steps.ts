// The steps of an incident's action plans, numbered through as its card shows them. What they say is
// not in its row: that is read for the card alone. Pure.

import type { Incident, Plan } from "../api/shapes.ts";

export interface Step {
  plan: string;
  /** In its plan, from 1. */
  step: number;
  /** On the card, from 1, through all plans. */
  place: number;
}

export interface PlannedStep extends Step {
  text_zh: string;
  text_en: string;
}

export function stepsOf(incident: Incident): Step[] {
  return incident.plans
    .flatMap(({ plan, count }) => Array.from({ length: count }, (_, at) => ({ plan, step: at + 1 })))
    .map((step, at) => ({ ...step, place: at + 1 }));
}

export const stepAt = (steps: readonly Step[], place: number): Step | undefined => steps[place - 1];

type Ticked = Incident["ticked"][number];

export function tickOf({ ticked }: Incident, { plan, step }: Step): Ticked | undefined {
  return ticked.find((one) => one.plan === plan && one.step === step);
}

export const isTicked = (incident: Incident, step: Step): boolean =>
  tickOf(incident, step) !== undefined;

/** How many steps are done, and of how many. */
export function progress(incident: Incident): { done: number; all: number } {
  return { done: incident.ticked.length, all: incident.plans.reduce((sum, { count }) => sum + count, 0) };
}

/** The plans with the numbers that their steps have on the card; one whose words have not come yet
 * has its numbers all the same. */
export function numbered(incident: Incident, read: readonly Plan[]): { plan: Plan; steps: PlannedStep[] }[] {
  const steps = stepsOf(incident);
  return read.map((plan) => ({
    plan,
    steps: steps
      .filter((step) => step.plan === plan.plan)
      .flatMap((step) => {
        const words = plan.steps[step.step - 1];
        return words ? [{ ...step, ...words }] : [];
      }),
  }));
}

/** Whether what to do stands before duplicates and whom to send: where a life is at risk a step may
 * forbid what is done next ("do not call back"); elsewhere once somebody is sent. */
export const isPlanFirst = ({ level, avs, band, state }: Incident): boolean =>
  level === 1 || avs?.level === 4 || band !== "unassigned" || state === "held";
