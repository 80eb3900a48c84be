// Writes the three dashboards beside this file. What is committed is what this writes; a test compares them.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Name } from "./frame.ts";
import { producer } from "./producer.ts";
import { slo } from "./slo.ts";
import { worker } from "./worker.ts";

export const DASHBOARDS: Readonly<Record<Name, () => unknown>> = { worker, producer, slo };

export function file(name: Name): string {
  return fileURLToPath(new URL(`${name}.json`, import.meta.url));
}

export function json(name: Name): string {
  return `${JSON.stringify(DASHBOARDS[name](), null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of Object.keys(DASHBOARDS) as Name[]) writeFileSync(file(name), json(name));
}
