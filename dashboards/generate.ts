// Writes Grafana's dashboards. What is committed is what this writes; tests/grafana.test.ts compares them.

import { writeFileSync } from "node:fs";
import { NAMES } from "./grafana/read.ts";
import { file, json } from "./grafana/generate.ts";

for (const name of NAMES) writeFileSync(file(name), json(name));
