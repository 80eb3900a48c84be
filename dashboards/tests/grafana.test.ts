// The committed dashboards are what the generator writes, and every panel has what a reader needs and reads only what is
// there. Whether its queries answer is for npm run live.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { recorded } from "../alerts/rules.ts";
import { LAMBDA, METRICS, TARGET_LABELS, TRIGGER, metricsOf, storedNames } from "../grafana/contract.ts";
import { UIDS } from "../grafana/frame.ts";
import { file, json } from "../grafana/generate.ts";
import { NAMES, read, shown } from "../grafana/read.ts";

/** Units that Grafana knows and these dashboards use. */
const UNITS = ["short", "s", "ms", "ops", "percentunit", "bytes"];

for (const name of NAMES) {
  const dashboard = read(name);
  const panels = shown(dashboard);

  test(`${name}: what is committed is what the generator writes`, () => {
    const hint = "run npm run generate and commit what it writes";
    assert.equal(readFileSync(file(name), "utf8"), json(name), hint);
  });

  test(`${name}: uid, title, description, and a way to the others and to the runbook`, () => {
    assert.equal(dashboard.uid, UIDS[name]);
    assert.ok(dashboard.title && dashboard.description);
    const urls = dashboard.links.map((link) => link.url);
    for (const [other, uid] of Object.entries(UIDS)) {
      if (other !== name) assert.ok(urls.includes(`/d/${uid}`), `no link to ${other}`);
    }
    assert.ok(urls.some((url) => url.includes("runbook")), "no link to the runbook");
  });

  test(`${name}: every panel says what is good and what is bad, in a unit`, () => {
    assert.ok(panels.length >= 8);
    assert.equal(new Set(panels.map((panel) => panel.title)).size, panels.length, "two panels have one title");
    assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length, "two panels have one id");
    for (const panel of panels) {
      assert.ok(panel.title, `panel ${panel.id} has no title`);
      assert.match(panel.description ?? "", /Good: .*Bad[:,] /s, `${panel.title}: what is good, what is bad?`);
      assert.ok(UNITS.includes(panel.fieldConfig?.defaults.unit ?? ""), `${panel.title} has no unit`);
      assert.ok(panel.targets?.length, `${panel.title} asks nothing`);
    }
  });

  test(`${name}: every data source is a variable`, () => {
    const variables = new Map(dashboard.templating.list.map((variable) => [variable.name, variable]));
    const asks = (who: string, source: { readonly type?: string; readonly uid?: string } | undefined): void => {
      const variable = variables.get(/^\$\{(\w+)\}$/.exec(source?.uid ?? "")?.[1] ?? "");
      assert.equal(variable?.type, "datasource", `${who} has ${source?.uid} for a data source`);
      assert.equal(variable?.query, source?.type, `${who}: the variable picks another kind of source`);
    };
    for (const panel of panels) {
      asks(panel.title, panel.datasource);
      (panel.targets ?? []).forEach((target) => asks(panel.title, target.datasource));
    }
    for (const variable of variables.values()) if (variable.type === "query") asks(variable.name, variable.datasource);
  });

  test(`${name}: no variable is used that is not there, none is there that is not used`, () => {
    const declared = dashboard.templating.list.map((variable) => variable.name);
    const used = new Set<string>();
    const text = JSON.stringify([panels, dashboard.templating.list.map((v) => [v.query, v.datasource])]);
    for (const [, braced, bare] of text.matchAll(/\$\{(\w+)\}|\$(\w+)/g)) {
      const variable = braced ?? bare ?? "";
      if (!variable.startsWith("__")) used.add(variable);
    }
    assert.deepEqual([...used].sort(), [...declared].sort());
  });

  test(`${name}: panels lie side by side`, () => {
    const places = dashboard.panels.map((panel) => ({ title: panel.title, ...panel.gridPos }));
    for (const [index, a] of places.entries()) {
      assert.ok(a.x >= 0 && a.x + a.w <= 24 && a.w > 0 && a.h > 0, `${a.title} lies outside`);
      for (const b of places.slice(index + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        assert.ok(apart, `${a.title} and ${b.title} lie upon each other`);
      }
    }
  });

  test(`${name}: queries read only what a worker exports or a rule records, by labels it has`, () => {
    const known = storedNames();
    const own = new Set(recorded());
    for (const { type, name: variable, query } of dashboard.templating.list) {
      if (type !== "query") continue;
      const [, metric = ""] = /^label_values\((\w+)/.exec(typeof query === "object" ? (query.query ?? "") : "") ?? [];
      assert.ok(known.has(metric), `the variable ${variable} reads ${metric}`);
    }
    for (const panel of panels) {
      for (const { expr } of panel.targets ?? []) {
        if (expr === undefined) continue;
        const names = metricsOf(expr);
        assert.ok(names.size > 0, `${panel.title} reads no metric`);
        for (const metric of names) assert.ok(known.has(metric) || own.has(metric), `${panel.title} reads ${metric}`);
        for (const [, metric, matchers] of expr.matchAll(/([a-z0-9_:]+)\s*\{([^}]*)\}/g)) {
          const labels: string[] = [...(known.get(metric ?? "") ?? []), ...TARGET_LABELS];
          for (const [, label] of (matchers ?? "").matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) {
            assert.ok(labels.includes(label ?? ""), `${panel.title}: ${metric} has no label ${label}`);
          }
          assert.match(matchers ?? "", /job=~"\$job"/, `${panel.title}: ${metric} of every job there is`);
        }
      }
    }
  });

  test(`${name}: each target of a panel has its own letter, and its legend only labels that are left`, () => {
    for (const panel of panels) {
      const letters = (panel.targets ?? []).map((target) => target.refId);
      assert.equal(new Set(letters).size, letters.length, panel.title);
      for (const { expr = "", legendFormat = "" } of panel.targets ?? []) {
        const kept = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, by]) => (by ?? "").split(",").map((each) => each.trim()));
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          assert.ok(kept.includes(label ?? ""), `${panel.title}: {{${label}}} is summed away`);
        }
      }
    }
  });
}

test("the contract is the worker's own list of names and kinds", () => {
  const source = readFileSync(new URL("../../worker/src/telemetry/names.rs", import.meta.url), "utf8");
  const listed = source.matchAll(/^ {4}\w+ = (?:"([\w.]+)"|metric::(\w+)), "([^"]+)", Kind::(\w+)/gm);
  const names = [...listed].map(([, own, convention, unit, kind]) => {
    const name = own ?? (convention ?? "").toLowerCase();
    const suffix = `${unit === "s" ? "_seconds" : ""}${kind === "Counter" ? "_total" : ""}`;
    return `${name.replaceAll(".", "_")}${suffix} ${kind?.toLowerCase()}`;
  });
  assert.ok(names.length > 15, "names.rs is read wrongly");
  const elsewhere = /^(process_|target_info)/;
  const ours = Object.entries(METRICS).flatMap(([name, { kind }]) => (elsewhere.test(name) ? [] : `${name} ${kind}`));
  assert.deepEqual(names.sort(), ours.sort());
});

test("every metric of the contract is looked at somewhere", () => {
  const queries = NAMES.flatMap((name) => shown(read(name)).flatMap((panel) => (panel.targets ?? []).map((target) => target.expr ?? "")));
  const seen = new Set(queries.flatMap((expr) => [...metricsOf(expr)].map((name) => name.replace(/_(bucket|sum|count)$/, ""))));
  const unseen = Object.keys(METRICS).filter((name) => !seen.has(name));
  assert.deepEqual(unseen, []);
});

test("CloudWatch is asked for what the trigger prints and what Lambda counts, by their dimension, and for all of it", () => {
  const targets = shown(read("producer")).flatMap((panel) => panel.targets ?? []).filter((target) => target.namespace);
  const asked = targets.map(({ namespace, metricName, dimensions }) => [namespace, metricName, Object.keys(dimensions ?? {}).join()].join(" "));
  const printed = [TRIGGER, LAMBDA].flatMap((of) => of.metrics.map((metric) => [of.namespace, metric, of.dimension].join(" ")));
  assert.deepEqual(asked.sort(), printed.sort());
});

test("the trigger prints those metrics: the Rust test that pins them says the same names", () => {
  const report = readFileSync(new URL("../../producer-lambda/src/report.rs", import.meta.url), "utf8");
  assert.ok(report.includes(`const NAMESPACE: &str = "${TRIGGER.namespace}"`));
  assert.ok(report.includes(`const DIMENSION: &str = "${TRIGGER.dimension}"`));
  const pinned = [...report.matchAll(/\(Announcement::\w+(?:\([^"]*?\))?, "(\w+)", \d\)/g)].map(([, name]) => name);
  assert.deepEqual(pinned.sort(), [...TRIGGER.metrics].sort());
});
