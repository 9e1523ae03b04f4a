// Where the keyboard goes: to the command line, unless a person is filling in something else.

import { desk } from "./store.ts";

let line: HTMLInputElement | null = null;

export function registerLine(input: HTMLInputElement | null): void {
  line = input;
}

/** At once, so that the next key is the line's; and on the next frame, when what had the keyboard
 * until now is gone and the line says what was put into it. */
export function focusLine(): void {
  giveLine();
  requestAnimationFrame(giveLine);
}

function giveLine(): void {
  // A call that was opened meanwhile has the keyboard.
  if (!line || desk().panel === "open") return;
  line.focus({ preventScroll: true });
  line.setSelectionRange(line.value.length, line.value.length);
}

export const isLine = (target: EventTarget | null): boolean => target !== null && target === line;

/** An input of a form that keeps its own keyboard. */
export function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && !isLine(target) && target.matches("input, textarea, select")
  );
}
