// The rules are checked for what a person who is woken needs, and promtool runs each alert's histories. Then every guard in
// the rules is taken out, one at a time: a history must notice, or the guard is decoration.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ALERTMANAGER_FILE, RULES_FILE, alerts, anchor, recorded, rules } from "../alerts/rules.ts";
import { metricsOf, storedNames } from "../grafana/contract.ts";

const run = promisify(execFile);
const HISTORIES = fileURLToPath(new URL("../alerts/tests", import.meta.url));
const histories = readdirSync(HISTORIES).filter((name) => name.endsWith(".test.yml"));

test("the alerts are those of the contract, with their severities", () => {
  const found = new Map(alerts().map((alert) => [alert.alert, alert.labels["severity"]]));
  assert.deepEqual(Object.fromEntries(found), {
    ConfirmationToProfileFastBurn: "page",
    ConfirmationToProfileSlowBurn: "ticket",
    BreakerOpen: "page",
    NoReceive: "page",
    OldestMessageTooOld: "page",
    DeadLetterQueueNotEmpty: "ticket",
    OwnerConflict: "ticket",
  });
});

test("every alert says what it means, one command, what that prints, and where to read on", () => {
  for (const { alert, annotations } of alerts()) {
    for (const name of ["summary", "description", "command", "expect", "runbook_url"]) {
      assert.ok(annotations[name]?.trim(), `${alert} has no ${name}`);
    }
    const { summary = "", description = "", command = "", expect = "", runbook_url: url = "" } = annotations;
    assert.ok(summary.length <= 160, `${alert}: the summary is longer than a phone shows`);
    assert.ok(description.length <= 600, `${alert}: the description is longer than a page shows`);
    assert.ok(!/\n/.test(command.trim()), `${alert}: the command is more than one line`);
    assert.match(expect, /Well[:,].*Not well:/s, `${alert}: expect does not say both what is well and what is not`);
    assert.equal(url, `docs/runbook.md#${anchor(alert)}`);
  }
});

const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
const unwritten = runbook.includes("### Alert: ") ? false : "the runbook has no alerts yet";

test("every alert has its heading in the runbook", { skip: unwritten }, () => {
  const headings = [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading ?? ""));
  for (const { alert } of alerts()) assert.ok(headings.includes(anchor(alert)), `docs/runbook.md has no #${anchor(alert)}`);
});

/** As GitHub makes anchors of headings. */
function slug(heading: string): string {
  return heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

test("what an alert says is bounded: values, job and instance, nobody", () => {
  for (const { alert, annotations, labels } of alerts()) {
    for (const text of [...Object.values(annotations), ...Object.values(labels)]) {
      for (const [template] of text.matchAll(/\{\{.*?\}\}/g)) {
        assert.match(template, /^\{\{ (\$value( \| humanize\w*)?|\$labels\.(job|instance)) \}\}$/, alert);
      }
    }
  }
});

test("the rules read only what a worker exports, by labels it has, and what they record themselves", () => {
  const known = storedNames();
  const own = new Set(recorded());
  let read = 0;
  for (const rule of rules()) {
    for (const name of metricsOf(rule.expr)) {
      read += 1;
      assert.ok(known.has(name) || own.has(name), `${rule.alert ?? rule.record} reads ${name}, which nobody exports`);
    }
    for (const [, name, matchers] of rule.expr.matchAll(/([a-z_:]+)\s*\{([^}]*)\}/g)) {
      for (const [, label] of (matchers ?? "").matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) {
        const labels = [...(known.get(name ?? "") ?? []), "job", "instance"];
        assert.ok(labels.includes(label ?? ""), `${rule.alert ?? rule.record}: ${name} has no label ${label}`);
      }
    }
  }
  assert.ok(read >= 30, `only ${read} names were found; is metricsOf blind?`);
});

test("promtool and amtool take the files", async () => {
  await run("promtool", ["check", "rules", RULES_FILE]);
  await run("amtool", ["check-config", ALERTMANAGER_FILE]);
});

test("every alert has histories in which it fires and in which it does not", () => {
  const text = histories.map((name) => readFileSync(join(HISTORIES, name), "utf8")).join("\n");
  for (const { alert, labels } of alerts()) {
    const workers = labels["workers"] ? new RegExp(`workers="?:? ?"?${labels["workers"]}`) : /./;
    const firing = new RegExp(`alertname="${alert}", alertstate="firing"`);
    assert.match(text, firing, `${alert} never fires in a test`);
    assert.match(text, workers, `${alert} of ${labels["workers"]} workers never fires in a test`);
    const family = alert.startsWith("Confirmation") ? '(?:Confirm\\.\\*|' + alert + ")" : alert;
    assert.match(text, new RegExp(`alertname=~?"${family}"[^\\n]*exp_samples: \\[\\]`), `${alert} is never silent in a test`);
  }
});

for (const name of histories) {
  test(`histories: ${name}`, async () => {
    await run("promtool", ["test", "rules", name], { cwd: HISTORIES });
  });
}

/** What is taken out, and what it leaves; each must be noticed. */
const GUARDS: readonly (readonly [what: string, file: string, from: string | RegExp, to: string])[] = [
  ["only live is promised", "fast-burn", /source="live"/g, 'source=~".+"'],
  ["a minute ago", "fast-burn", /\} offset 1m/g, "}"],
  ["a new worker had 0", "fast-burn", /0 \* max by \(job, instance\) \(profile_worker_ready\)\n\s+unless/g, "0 * max by (job, instance) (profile_worker_ready == 2)\n            unless"],
  ["an old worker is not a new one", "fast-burn", /\n\s+unless\n\s+sum by \(job, instance\) \(\n[^\n]+\n\s+\)/g, ""],
  ["Prometheus 3's bound", "fast-burn", /le=~"60\(\\\\\.0\)\?"/g, 'le="60"'],
  ["ten late people an hour", "fast-burn", /increase1h >= 10/, "increase1h >= 1"],
  ["ten late people in six hours", "fast-burn", /increase6h >= 10/, "increase6h >= 1"],
  ["the short window of the page", "fast-burn", /and\n\s+job:profile_worker_late_profiles:increase5m[^\n]+\n/, ""],
  ["the share of the page", "fast-burn", /14\.4/g, "1"],
  ["the share of the ticket", "slow-burn", "increase6h > 6 * 0.01", "increase6h > 10 * 0.01"],
  ["every worker", "breaker-open", "expr: min by (job) (last_over_time", "expr: max by (job) (last_over_time"],
  ["ten minutes", "breaker-open", /for: 10m/g, "for: 1m"],
  ["it silences what comes late of it", "breaker-open", /keep_firing_for: 15m/g, "keep_firing_for: 1m"],
  ["a crash loop is bridged", "breaker-open", /last_over_time\((\w+)\[2m\]\)/g, "$1"],
  ["some and all are two things", "breaker-open", /\n\s+unless on \(job\)\n\s+min by \(job\) \(last_over_time\(\w+\[2m\]\)\) == 1\n\s+for: 10m/, "\n        for: 10m"],
  ["some is told by instance", "breaker-open", "          last_over_time(profile_worker_breaker_state[2m]) == 1", "          max by (job) (last_over_time(profile_worker_breaker_state[2m])) == 1"],
  ["nobody left at all", "no-receive", /\n\s+or\n\s+absent\([^\n]+\)/, ""],
  ["answered ones only", "no-receive", ', error_type=""', ""],
  ["receives only", "no-receive", 'messaging_operation_name="ReceiveMessage", ', ""],
  ["the grace of a start", "no-receive", "for: 2m", "for: 0s"],
  ["three minutes", "no-receive", "[3m]", "[30m]"],
  ["of the whole job", "no-receive", "unless on (job)\n          sum by (job) (\n            increase", "unless on (job)\n          min by (job) (\n            increase"],
  ["an open breaker explains it", "no-receive", /\n\s+unless on \(job\)\n\s+min by \(job\) \(last_over_time\(\w+\[2m\]\)\) == 1\n\s+for: 2m/, "\n        for: 2m"],
  ["only where all are open", "no-receive", /min by (\(job\) \(last_over_time\(\w+\[2m\]\)\) == 1\n\s+for: 2m)/, "max by $1"],
  ["a backfill waits in line", "oldest-message-too-old", /\n\s+unless on \(job\)\n[^\n]+backfill[^\n]+\n[^\n]+\n(\s+for: 5m)/, "\n$1"],
  ["most of it, not some of it", "oldest-message-too-old", /> sum by \(job\) \(increase\(profile_worker_outcomes_total\{source=~"live\|unknown"\}\[10m\]\)\)/, "> 0"],
  ["for five minutes", "oldest-message-too-old", /for: 5m\n/, "for: 30s\n"],
  ["five minutes old", "oldest-message-too-old", "> 300", "> 200"],
  ["the dead-letter queue", "dead-letter-queue-not-empty", 'queue="dead_letter", ', ""],
  ["one queue, however many ask", "dead-letter-queue-not-empty", "max by (job) (max_over_time", "sum by (job) (max_over_time"],
  ["a look does not close the ticket", "dead-letter-queue-not-empty", /max_over_time\((profile_worker_queue_messages\{[^}]*\})\[10m\]\)/, "$1"],
  ["a first scrape counts", "owner-conflict", /\(\n\s+profile_worker_outcomes_total\{outcome="owner_conflict"\}\n\s+unless[^\n]+\n\s+\)\n\s+or increase/, "increase"],
  ["a gap is no new worker", "owner-conflict", /\[6h\] offset 1h/, "[1s] offset 1h"],
  ["conflicts only", "owner-conflict", /outcome="owner_conflict"/g, 'outcome!=""'],
];

test("no guard can be taken out unnoticed", async (t) => {
  const rulesText = readFileSync(RULES_FILE, "utf8");
  for (const [what, history, from, to] of GUARDS) {
    await t.test(what, async () => {
      const broken = rulesText.replace(from, to);
      assert.notEqual(broken, rulesText, "the guard is not there any more");
      const place = mkdtempSync(join(tmpdir(), "rules-"));
      try {
        writeFileSync(join(place, "profile-worker.rules.yml"), broken);
        cpSync(HISTORIES, join(place, "tests"), { recursive: true });
        await run("promtool", ["check", "rules", "profile-worker.rules.yml"], { cwd: place });
        const cwd = join(place, "tests");
        await assert.rejects(run("promtool", ["test", "rules", `${history}.test.yml`], { cwd }), `nobody notices: ${what}`);
      } finally {
        rmSync(place, { recursive: true });
      }
    });
  }
});
