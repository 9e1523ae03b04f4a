// The lines of a timeline: what is said again at once is one line with a count. A crowd's card would
// repeat one sentence for each of its hundreds of signals.

import type { Fact } from "../api/shapes.ts";

export interface Line {
  /** The newest of them. */
  fact: Fact;
  sentence: string;
  /** Who did it, where the sentence does not say so. */
  who: string;
  count: number;
  /** When the oldest of them was recorded. */
  since: string;
}

/** Newest first, as `facts` are. `say` and `by`: the sentence of a fact, and who did it. */
export function linesOf(
  facts: readonly Fact[],
  say: (fact: Fact) => string,
  by: (fact: Fact, sentence: string) => string,
): Line[] {
  const lines: Line[] = [];
  for (const fact of facts) {
    const sentence = say(fact);
    const who = by(fact, sentence);
    const last = lines.at(-1);
    if (last?.fact.kind === fact.kind && last.sentence === sentence && last.who === who) {
      last.count += 1;
      last.since = fact.recorded_at;
    } else lines.push({ fact, sentence, who, count: 1, since: fact.recorded_at });
  }
  return lines;
}
