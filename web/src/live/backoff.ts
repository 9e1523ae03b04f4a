// How long to wait before beginning again: at once the first time, then longer each time and never
// all windows of a city at the same moment.

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const FORGOTTEN_AFTER_MS = 60_000;

/** Answers the wait in milliseconds for each reset; a quiet minute starts over. */
export function resetBackoff(
  now: () => number = Date.now,
  random: () => number = Math.random,
): () => number {
  let last = -Infinity;
  let repeated = 0;
  return () => {
    const at = now();
    repeated = at - last < FORGOTTEN_AFTER_MS ? repeated + 1 : 0;
    const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (repeated - 1));
    const wait = repeated === 0 ? 0 : most * (0.5 + random() / 2);
    last = at + wait;
    return wait;
  };
}
