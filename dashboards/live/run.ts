// The dashboards and rules, executed: real workers under load, a real Prometheus, every expression of every panel and every
// rule. An error fails, and so does an empty answer that is not on the list of those that have a reason to be empty.
//
//   npm run live               starts everything, drives traffic, asks, stops everything
//   npm run live -- --keep     leaves it running until Ctrl-C, to be looked at
//   npm run live -- --beside   asks the Prometheus of one that is kept, and starts nothing

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { alerts, rules } from "../alerts/rules.ts";
import { METRICS, TARGET_LABELS, storedNames } from "../grafana/contract.ts";
import { NAMES, read, shown } from "../grafana/read.ts";
import { PLACE, type Stack, eventually, start } from "./processes.ts";
import { Prometheus, type Span, something } from "./queries.ts";
import { Crowd, dropTable, envelope, makeTable, raw, replayed, signUp, squat } from "./traffic.ts";

/** Panels that may show nothing after this run, and why. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  "worker: How long stopping took": "counted when a worker ends, and none has ended while it was scraped",
};

const failures: string[] = [];
const say = (text: string): void => console.log(text);
const fail = (text: string): void => {
  failures.push(text);
  console.log(`FAIL ${text}`);
};

async function drive(stack: Stack, prometheus: Prometheus): Promise<void> {
  const grew = (what: string): (() => Promise<boolean>) => () => prometheus.holds(`sum(${what}) > 0`);
  const outcome = (name: string, source = ".+"): string => `profile_worker_outcomes_total{outcome="${name}",source=~"${source}"}`;
  // Nothing before every worker was scraped: what is counted before the first scrape is in no increase().
  await eventually("every worker is scraped", () => prometheus.holds(`count(profile_worker_ready == 1) == ${stack.workers.length}`));
  const crowd = new Crowd(stack, 20);
  try {
    await eventually("sign-ups are made", grew(outcome("created", "live")));
    await eventually("repeats are seen", grew(outcome("already_present", "live")));

    const id = await squat(stack);
    crowd.send([signUp(id)]);
    for (const body of ["Hello, queue!", "[".repeat(2000), '{"Records":[]}']) await raw(stack, body);
    await eventually("the squatted id is seen", grew(outcome("owner_conflict")));
    await eventually("bad messages are quarantined", grew('profile_worker_quarantined_total{reason="not_json"}'));

    crowd.send(Array.from({ length: 300 }, () => envelope("backfill.file", 5)));
    crowd.send(Array.from({ length: 20 }, () => envelope("reconcile", 5)));
    for (let n = 0; n < 10; n += 1) await raw(stack, replayed(3600));
    for (const source of ["backfill", "reconcile", "replay"]) {
      await eventually(`${source} is counted apart`, grew(outcome("created", source)));
    }
    // A minute and a half late each: the promise is broken for them.
    crowd.send(Array.from({ length: 12 }, () => envelope("cognito.trigger", 90)));

    await eventually("a minute of it is stored", () => prometheus.holds("sum(count_over_time(profile_worker_ready[2m])) >= 120"), 90);
    await dropTable(stack);
    await eventually("every breaker opens", () => prometheus.holds("min(profile_worker_breaker_state) == 1"));
    // SQS is asked for its depth every half minute.
    await eventually("what waits is seen", () => prometheus.holds('max(profile_worker_queue_messages{queue="source",state="visible"}) > 50'), 90);
    await makeTable(stack);
    await eventually("every breaker closes", () => prometheus.holds("max(profile_worker_breaker_state) == 0"), 90);
    // Again, now that both are counted already: the first of a series is in no rate().
    crowd.send(Array.from({ length: 40 }, () => envelope("reconcile", 20)));
    for (let n = 0; n < 20; n += 1) await raw(stack, replayed(3600));

    await eventually("the queue's depth is known", () => prometheus.holds('max(profile_worker_queue_messages{queue="dead_letter",state="visible"}) > 0'), 90);
    await eventually("the promise is counted, a minute behind", () => prometheus.holds("job:profile_worker_late_profiles:increase1h >= 10"), 120);
    await eventually("the table's absence has passed through it", () => prometheus.holds("sum(count_over_time(profile_worker_ready[10m])) >= 400"), 120);
  } finally {
    await crowd.stop();
  }
}

async function contract(prometheus: Prometheus): Promise<void> {
  const asked = await prometheus.ask<Record<string, string>[]>("series", { "match[]": '{job="profile-worker"}', limit: "0" });
  const labelsOf = new Map<string, Set<string>>();
  for (const { __name__: name = "", ...labels } of asked) {
    const seen = labelsOf.get(name) ?? new Set();
    Object.keys(labels).forEach((label) => seen.add(label));
    labelsOf.set(name, seen);
  }
  for (const [name, labels] of storedNames()) {
    const seen = labelsOf.get(name);
    const metric = METRICS[name.replace(/_(bucket|sum|count)$/, "")] ?? METRICS[name];
    if (!seen) {
      if (metric?.mayBeAbsent) say(`  absent, which may be: ${name}: ${metric.mayBeAbsent}`);
      else fail(`no worker shows ${name}`);
      continue;
    }
    const other = [...seen].filter((label) => !labels.includes(label) && !(TARGET_LABELS as readonly string[]).includes(label));
    if (other.length) fail(`${name} has labels that nobody promised: ${other.join(", ")}`);
    const lacking = labels.filter((label) => !seen.has(label) && label !== "error_type");
    if (lacking.length) fail(`${name} lacks the labels ${lacking.join(", ")}`);
  }
  say(`contract: ${storedNames().size} names compared with ${labelsOf.size} stored ones`);
}

async function panels(prometheus: Prometheus, span: Span): Promise<void> {
  let executed = 0;
  for (const name of NAMES) {
    const dashboard = read(name);
    for (const panel of shown(dashboard)) {
      for (const target of panel.targets ?? []) {
        if (target.expr === undefined) continue;
        executed += 1;
        const where = `${name}: ${panel.title}`;
        try {
          const found = something(await prometheus.target(target, dashboard, span));
          if (!found && where in MAY_BE_EMPTY) say(`  empty, which may be: ${where}: ${MAY_BE_EMPTY[where]}`);
          else if (!found) fail(`${where} (${target.refId}) shows nothing`);
        } catch (fault) {
          fail(`${where} (${target.refId}): ${(fault as Error).message}`);
        }
      }
    }
    for (const variable of dashboard.templating.list) {
      const text = typeof variable.query === "object" ? variable.query?.query : undefined;
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(text ?? "") ?? [];
      if (!selector || !label) continue;
      const match = selector.replaceAll("$job", ".*");
      const values = await prometheus.ask<string[]>(`label/${label}/values`, { "match[]": match });
      if (!values.length) fail(`${name}: the variable ${variable.name} has no values`);
    }
  }
  say(`panels: ${executed} expressions executed`);
}

async function ruled(prometheus: Prometheus, span: Span): Promise<void> {
  const { groups } = await prometheus.ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>("rules");
  const judged = groups.flatMap((group) => group.rules);
  if (judged.length !== rules().length) fail(`Prometheus has ${judged.length} rules of ${rules().length}`);
  for (const rule of judged) if (rule.health !== "ok") fail(`rule ${rule.name} is ${rule.health}: ${rule.lastError}`);
  let selectors = 0;
  for (const rule of rules()) {
    const name = rule.record ?? rule.alert ?? "";
    try {
      await prometheus.range(rule.expr, span);
      if (rule.record && !something(await prometheus.range(rule.record, span))) fail(`${name} records nothing`);
    } catch (fault) {
      fail(`rule ${name}: ${(fault as Error).message}`);
    }
    // An alert is silent when all is well. What it listens to must not be.
    const listened = rule.expr.replace(/\s+/g, " ").match(/[a-z_]+(?::[a-z_0-9]+)*\{[^}]*\}|job(?:_instance)?:[a-z_]+:\w+/g) ?? [];
    for (const selector of new Set(listened)) {
      selectors += 1;
      const both = /source=~"backfill/.test(selector) ? `sum(${selector}) > 0` : selector;
      if (!something(await prometheus.range(both, span))) fail(`rule ${name} listens to what is not there: ${selector}`);
    }
  }
  say(`rules: ${judged.length} healthy, ${selectors} selectors have data`);
}

/** These two were provoked; what is paged is what a person reads and pastes. */
async function provoked(stack: Stack, prometheus: Prometheus): Promise<void> {
  interface Firing {
    labels: Record<string, string>;
    annotations: Record<string, string>;
    state: string;
  }
  const expected = ["DeadLetterQueueNotEmpty", "OwnerConflict"];
  const firing = async (): Promise<Firing[]> =>
    (await prometheus.ask<{ alerts: Firing[] }>("alerts")).alerts.filter((alert) => alert.state === "firing");
  await eventually("what was provoked fires", async () => {
    const names = (await firing()).map((alert) => alert.labels["alertname"]);
    return expected.every((name) => names.includes(name));
  });
  for (const { labels, annotations } of await firing()) say(`firing: ${labels["alertname"]} (${labels["severity"]}): ${annotations["summary"]}`);
  const run = promisify(execFile);
  const env = { ...stack.environment, ADMIN_ADDR: stack.workers[0]?.instance ?? "" };
  let report = "";
  for (const { alert, labels, annotations } of alerts()) {
    const command = annotations["command"] ?? "";
    try {
      const { stdout } = await run("bash", ["-c", command], { env, timeout: 60_000 });
      if (!stdout.trim()) fail(`${alert}: its command prints nothing: ${command}`);
      report += `${alert} ${labels["workers"] ?? ""}\n$ ${command}\n${stdout}\n`;
    } catch (fault) {
      // Exit code 1 is a finding, and a squatted id and dead letters are found here.
      const { code, stdout, stderr } = fault as { code?: number; stdout?: string; stderr?: string };
      report += `${alert} ${labels["workers"] ?? ""}\n$ ${command}\n${stdout}${stderr}exit code ${code}\n\n`;
      if (code !== 1) fail(`${alert}: its command ends with ${code}: ${command}`);
    }
  }
  writeFileSync(join(PLACE, "commands.txt"), report);
  say(`commands: ${alerts().length} of alerts executed; what they printed is in ${join(PLACE, "commands.txt")}`);
}

/** Starts everything and asks everything; answers the span in which there is something to see. */
export async function live(then?: (prometheus: Prometheus, span: Span) => Promise<void>): Promise<boolean> {
  const stack = await start(2);
  const interrupted = new Promise<void>((resolve) => process.once("SIGINT", resolve));
  try {
    const prometheus = new Prometheus(stack.prometheus);
    const from = Date.now() / 1000;
    say(`Prometheus is at ${stack.prometheus}`);
    await drive(stack, prometheus);
    const span = { from, to: Date.now() / 1000, step: 1 };
    await contract(prometheus);
    await panels(prometheus, span);
    await ruled(prometheus, span);
    await provoked(stack, prometheus);
    writeFileSync(join(PLACE, "live.json"), JSON.stringify({ url: stack.prometheus, span }));
    await then?.(prometheus, span);
    if (process.argv.includes("--keep")) {
      say("Everything is left running; Ctrl-C ends it.");
      await interrupted;
    }
  } finally {
    await stack.stop();
  }
  say(failures.length ? `${failures.length} failures` : "all of it answers");
  return failures.length === 0;
}

/** Asks once more, of a run that is kept. */
async function beside(): Promise<boolean> {
  const { url, span } = JSON.parse(readFileSync(join(PLACE, "live.json"), "utf8")) as { url: string; span: Span };
  const prometheus = new Prometheus(url);
  await contract(prometheus);
  await panels(prometheus, span);
  await ruled(prometheus, span);
  return failures.length === 0;
}

if (process.argv[1]?.endsWith("run.ts")) {
  (process.argv.includes("--beside") ? beside() : live()).then(
    (well) => process.exit(well ? 0 : 1),
    (fault) => {
      console.error(fault);
      process.exit(1);
    },
  );
}
