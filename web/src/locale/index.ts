// Two languages, switchable while running. A message is a property of `Messages`: one that is
// missing in a language does not compile, and locale.test.ts looks for empty or mixed-up ones.

import { createContext, useContext } from "react";
import { en } from "./en.ts";
import { zh } from "./zh.ts";
import type { Messages } from "./zh.ts";

export type { Messages } from "./zh.ts";
export const LANGUAGES = ["zh-CN", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

export const CATALOGUES: Record<Language, Messages> = { "zh-CN": zh, en };

export const LanguageContext = createContext<Language>("zh-CN");

export function useLanguage(): Language {
  return useContext(LanguageContext);
}

export function useMessages(): Messages {
  return CATALOGUES[useLanguage()];
}

/** The text of a row that is kept in both languages; the other one where this one is empty. */
export function pick(
  language: Language,
  zhText: string | null | undefined,
  enText: string | null | undefined,
): string {
  return (language === "en" ? enText || zhText : zhText || enText) ?? "";
}
