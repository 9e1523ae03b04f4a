// Keys that work from anywhere on the desk. Keys of an input method are never ours.

import { focusLine, isField, isLine } from "./focus.ts";
import { closePanel, goBack, mergeOrSplit, openCall, sendAdvised, step, takeNext, undo } from "./perform.ts";
import { change, chooseLanguage, desk, nextTheme } from "./store.ts";

/** Returns false to leave the key to the browser. */
type Does = (event: KeyboardEvent) => unknown;

function escape(): void {
  const { line, panel, armed } = desk();
  if (line || armed) change({ line: "", armed: null });
  else if (panel !== "card") closePanel();
  else change({ receipt: null, shownUnit: null });
  focusLine();
}

/** F4: the whole timeline, brought into sight; again: its main points. */
function showTimeline(): void {
  change((state) => ({ fullTimeline: !state.fullTimeline, panel: "card" }));
  requestAnimationFrame(() => document.querySelector(".timeline")?.scrollIntoView({ block: "start" }));
}

const PLAIN: Record<string, Does> = {
  F1: () => change({ panel: "help" }),
  F2: takeNext,
  F3: goBack,
  F4: showTimeline,
  F6: openCall,
  F7: mergeOrSplit,
  F8: () => chooseLanguage(desk().language === "en" ? "zh-CN" : "en"),
  F9: nextTheme,
  Escape: escape,
};

const CONTROL: Record<string, Does> = {
  Enter: (event) => {
    // In a form Ctrl+Enter sends the form.
    if (event.target instanceof HTMLElement && isField(event.target)) {
      event.target.closest("form")?.requestSubmit();
    } else void sendAdvised();
  },
  z: (event) => {
    // While something is typed, Ctrl+Z is the text's own.
    if (isField(event.target) || (isLine(event.target) && desk().line)) return false;
    undo();
    return true;
  },
};

const ALT: Record<string, Does> = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
};

function onKeyDown(event: KeyboardEvent): void {
  if (event.isComposing || event.key === "Process") return;
  const { ctrlKey, metaKey, altKey, shiftKey } = event;
  const control = ctrlKey || metaKey;
  const table = control ? CONTROL : altKey ? ALT : PLAIN;
  const does = shiftKey || (control && altKey) ? undefined : table[event.key];
  if (does) {
    if (does(event) !== false) event.preventDefault();
    return;
  }
  // Typing always lands in the command line.
  const typing = event.key.length === 1 && !control && !altKey && event.key !== " ";
  if (typing && !isLine(event.target) && !isField(event.target)) focusLineNow();
}

function focusLineNow(): void {
  document.querySelector<HTMLInputElement>(".bar-line")?.focus({ preventScroll: true });
}

/** After a click on anything that takes no typing, the keyboard is back in the command line. */
function onPointerUp(event: PointerEvent): void {
  if (isField(event.target) || (event.target as Element | null)?.closest("label, summary")) return;
  if (desk().panel === "open") return; // a call is being typed; the map is clicked for its place
  if (getSelection()?.isCollapsed === false) return; // somebody is copying text
  focusLine();
}

export function listenToKeys(): () => void {
  addEventListener("keydown", onKeyDown);
  addEventListener("pointerup", onPointerUp);
  return () => {
    removeEventListener("keydown", onKeyDown);
    removeEventListener("pointerup", onPointerUp);
  };
}
