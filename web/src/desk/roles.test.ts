import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { WARNERS } from "./roles.ts";

const access = readFileSync(
  join(import.meta.dirname, "../../../src/tocsin/core/access.py"), "utf8",
);

it("offers a warning to whom the policy lets write one", () => {
  const roles = [...(/ROLES: Final = \(([\s\S]*?)\)/.exec(access)?.[1] ?? "").matchAll(/Role\.(\w+)/g)];
  const row = [...(/"manage:warnings": +\((.*?)\)/.exec(access)?.[1] ?? "").matchAll(/_(\w)/g)];
  expect(roles.length).toBe(row.length);
  const may = roles.flatMap((role, at) => (row[at]?.[1] === "D" ? [(role[1] ?? "").toLowerCase()] : []));
  expect(may.length).toBeGreaterThan(0);
  expect([...WARNERS].sort()).toEqual(may.sort());
});
