// The command line: always focused; says in a sentence what Enter will do, what is missing, and
// what came of the last command.

import { useEffect, useMemo, useRef, useState } from "react";
import type { KeyboardEvent } from "react";

import { useLanguage, useMessages } from "../locale/index.ts";
import { Mark } from "../look/Shapes.tsx";
import { useNow } from "./clock.ts";
import { completions } from "./complete.ts";
import { focusLine, registerLine } from "./focus.ts";
import { readLine } from "./grammar.ts";
import { actNames, enter, undo, world } from "./perform.ts";
import { change, desk, useDesk } from "./store.ts";

/** What Enter would do now, or what is missing; follows the rows as they change. */
function Preview() {
  const words = useMessages();
  const line = useDesk((state) => state.line);
  const answered = useDesk((state) => state.answered);
  const live = useDesk((state) => state.live);
  const selected = useDesk((state) => state.selected);
  const advice = useDesk((state) => state.advice);
  const reading = useMemo(
    () => readLine(line, world()),
    // `world` reads these from the store.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [line, live, selected, advice],
  );
  if (reading.is === "empty") return <Receipt />;
  if (answered === line) return <Receipt />;
  if (reading.is === "ask") {
    return (
      <p className="preview preview-ask" role="status">
        <span className="preview-text" data-cut title={words.ask(reading.ask, actNames())}>
          {words.ask(reading.ask, actNames())}
        </span>
      </p>
    );
  }
  const { act } = reading;
  const conflict = act.act === "send" && !act.confirmed && act.busy.length > 0;
  const sentence = words.preview(act, actNames());
  return (
    <p className={`preview ${conflict ? "preview-conflict" : "preview-ready"}`} role="status">
      <span className="preview-text" data-cut title={sentence}>
        {sentence}
      </span>
      {conflict && (
        <span className="preview-more">
          {act.busy
            .map((unit) =>
              words.bar.conflict(unit.call_sign, live?.incidents.get(unit.incident ?? "")?.number ?? "…"),
            )
            .join(" · ")}
        </span>
      )}
      <kbd>↵</kbd>
    </p>
  );
}

function Receipt() {
  const words = useMessages();
  const receipt = useDesk((state) => state.receipt);
  const offset = useDesk((state) => state.clockOffset);
  const now = useNow() - offset;
  if (!receipt) return <Keys />;
  const left = Math.ceil((receipt.until - now) / 1_000);
  const undoable = receipt.tone === "done" && receipt.undo !== null && left > 0;
  if (receipt.tone === "done" && left < -10) return <Keys />;
  return (
    <p
      key={receipt.key}
      className={`preview receipt-${receipt.tone}`}
      role={receipt.tone === "error" || receipt.tone === "conflict" ? "alert" : "status"}
    >
      {(receipt.tone === "error" || receipt.tone === "conflict") && <Mark of="warning" />}
      <span className="preview-text" data-cut title={receipt.text}>
        {receipt.text}
      </span>
      {undoable && (
        <button type="button" className="small" onClick={undo}>
          {words.bar.undo(left)}
        </button>
      )}
    </p>
  );
}

function Keys() {
  const { keys } = useMessages().bar;
  return (
    <p className="preview keys">
      {(
        [
          ["F2", keys.next], ["Ctrl ↵", keys.send], ["F3", keys.previous], ["F4", keys.timeline],
          ["F6", keys.call],
        ] as const
      ).map(([key, does]) => (
        <span key={key}>
          <kbd>{key}</kbd> {does}
        </span>
      ))}
    </p>
  );
}

/** The completed line after `line`; pressing Tab again goes on through the candidates. */
function useCompletion(): (back: boolean) => boolean {
  const language = useLanguage();
  const cycle = useRef<{ from: string; all: string[]; at: number } | null>(null);
  return (back) => {
    const { line } = desk();
    const running = cycle.current;
    const goesOn = running !== null && running.all[running.at] === line;
    if (!goesOn) {
      const chinese = /\p{Script=Han}/u.test(line) || (line === "" && language === "zh-CN");
      const all = completions(line, world(), chinese);
      if (!all.length) return false;
      cycle.current = { from: line, all, at: back ? all.length - 1 : 0 };
    } else {
      running.at = (running.at + (back ? -1 : 1) + running.all.length) % running.all.length;
    }
    const next = cycle.current?.all[cycle.current.at];
    if (next !== undefined) change({ line: next, armed: null });
    return true;
  };
}

export function CommandBar() {
  const words = useMessages();
  const line = useDesk((state) => state.line);
  const input = useRef<HTMLInputElement>(null);
  const [recalled, setRecalled] = useState(0);
  const complete = useCompletion();

  useEffect(() => {
    registerLine(input.current);
    focusLine();
    return () => registerLine(null);
  }, []);

  const remember = (by: 1 | -1): void => {
    const { typed } = desk();
    const next = Math.min(typed.length, Math.max(0, recalled + by));
    setRecalled(next);
    change({ line: next === 0 ? "" : (typed[typed.length - next] ?? ""), armed: null });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    // Keys that compose Chinese belong to the input method, Enter and arrows included.
    if (event.nativeEvent.isComposing || event.key === "Process") return;
    const plainKey = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Enter" && plainKey) {
      event.preventDefault();
      setRecalled(0);
      enter(desk().line);
    } else if (event.key === "Tab" && plainKey) {
      if (complete(event.shiftKey)) event.preventDefault();
    } else if (event.key === "ArrowUp" && plainKey) {
      event.preventDefault();
      remember(1);
    } else if (event.key === "ArrowDown" && plainKey) {
      event.preventDefault();
      remember(-1);
    }
  };

  return (
    <footer className="bar">
      <span className="bar-sign" aria-hidden="true">
        ›
      </span>
      <input
        ref={input}
        className="bar-line"
        type="text"
        value={line}
        aria-label={words.bar.label}
        placeholder={words.bar.placeholder}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        onChange={(event) => change({ line: event.target.value, armed: null, answered: null })}
        onKeyDown={onKeyDown}
      />
      <Preview />
    </footer>
  );
}
