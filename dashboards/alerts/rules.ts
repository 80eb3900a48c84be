// profile-worker.rules.yml as data, for those who check it. Must not change it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const RULES_FILE = fileURLToPath(new URL("profile-worker.rules.yml", import.meta.url));
export const ALERTMANAGER_FILE = fileURLToPath(new URL("alertmanager.yml", import.meta.url));

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Alert extends Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export function rules(): Rule[] {
  const file = parse(readFileSync(RULES_FILE, "utf8")) as { groups: { rules: Rule[] }[] };
  return file.groups.flatMap((group) => group.rules);
}

export function alerts(): Alert[] {
  return rules().flatMap((rule) =>
    rule.alert ? [{ ...rule, alert: rule.alert, labels: rule.labels ?? {}, annotations: rule.annotations ?? {} }] : [],
  );
}

export function recorded(): string[] {
  return rules().flatMap((rule) => rule.record ?? []);
}

/** The anchor of an alert's heading in docs/runbook.md, as GitHub makes it: "### Alert: breaker open". */
export function anchor(alert: string): string {
  const words = alert.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase();
  return `alert-${words}`;
}
