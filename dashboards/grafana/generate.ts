// The three dashboards and where they are. ../generate.ts writes them; a test compares what is committed with them.

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
