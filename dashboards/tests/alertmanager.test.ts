// The shipped alertmanager.yml in the real Alertmanager, with a receiver of ours behind it: one outage pages once. Only
// the two URLs and the waiting times are other than shipped.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse, stringify } from "yaml";
import { ALERTMANAGER_FILE, alerts } from "../alerts/rules.ts";

interface Notified {
  readonly receiver: "pages" | "tickets";
  readonly alert: string;
  readonly job: string;
}

let receiver: Server;
let place: string;
let notified: Notified[] = [];

before(async () => {
  place = mkdtempSync(join(tmpdir(), "alertmanager-"));
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const to = request.url === "/pages" ? "pages" : "tickets";
      for (const alert of (JSON.parse(body) as { alerts: { labels: Record<string, string> }[] }).alerts) {
        notified.push({ receiver: to, alert: alert.labels["alertname"] ?? "", job: alert.labels["job"] ?? "" });
      }
      response.end();
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
});

after(() => {
  receiver.close();
  rmSync(place, { recursive: true });
});

/** Fires these alerts at an Alertmanager of their own and answers who was told what, once `marker` was: it is a ticket that
 * nothing inhibits, of a group that is flushed after the others. */
async function told(fired: readonly Record<string, string>[]): Promise<Notified[]> {
  const alertmanager = await start();
  notified = [];
  try {
    const now = new Date().toISOString();
    const send = async (labels: readonly Record<string, string>[]): Promise<void> => {
      const body = JSON.stringify(labels.map((each) => ({ labels: each, startsAt: now })));
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: "POST", headers, body });
      assert.equal(answer.status, 200, await answer.text());
    };
    await send(fired);
    // A second flush of every group follows the first, so whoever is to be told has been told by then.
    await eventually(`the groups of ${fired.length} alerts`, async () => {
      const groups = (await (await fetch(`${alertmanager.url}/api/v2/alerts/groups`)).json()) as { alerts: unknown[] }[];
      return groups.flatMap((group) => group.alerts).length === fired.length;
    });
    for (const round of [1, 2]) {
      const marker = { alertname: `Marker${round}`, job: "marker", severity: "ticket" };
      await send([marker]);
      await eventually(marker.alertname, () => notified.some((one) => one.alert === marker.alertname));
    }
    return notified.filter((one) => one.job !== "marker");
  } finally {
    alertmanager.process.kill();
    await once(alertmanager.process, "exit");
  }
}

async function start(): Promise<{ url: string; process: ChildProcess }> {
  const config = parse(readFileSync(ALERTMANAGER_FILE, "utf8")) as {
    route: { group_wait: string; group_interval: string };
    receivers: { name: string; webhook_configs: { url: string }[] }[];
  };
  config.route.group_wait = "300ms";
  config.route.group_interval = "300ms";
  const { port } = receiver.address() as AddressInfo;
  for (const { name, webhook_configs } of config.receivers) {
    for (const webhook of webhook_configs) webhook.url = `http://127.0.0.1:${port}/${name}`;
  }
  const file = join(place, "alertmanager.yml");
  writeFileSync(file, stringify(config));
  const free = await freePort();
  const started = spawn(
    process.env["ALERTMANAGER"] ?? "prometheus-alertmanager",
    [`--config.file=${file}`, `--storage.path=${mkdtempSync(join(place, "data-"))}`,
      `--web.listen-address=127.0.0.1:${free}`, "--cluster.listen-address="],
    { stdio: "ignore" },
  );
  const url = `http://127.0.0.1:${free}`;
  await eventually("Alertmanager", async () => (await fetch(`${url}/-/ready`)).ok);
  return { url, process: started };
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (await Promise.resolve(holds()).catch(() => false)) return;
    assert.ok(Date.now() < deadline, `${what} did not come within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The labels with which Prometheus sends an alert, as the rules say. */
function firing(name: string, job = "profile-worker", workers?: string): Record<string, string> {
  const alert = alerts().find((one) => one.alert === name && (workers ?? "all") === (one.labels["workers"] ?? "all"));
  assert.ok(alert, `there is no alert ${name}`);
  const labels: Record<string, string> = { alertname: name, job, ...alert.labels };
  if (workers === "some") labels["instance"] = "10.0.0.7:9464";
  return labels;
}

const BLOCKED = ["OldestMessageTooOld", "NoReceive", "ConfirmationToProfileFastBurn", "ConfirmationToProfileSlowBurn"];
const names = (told: readonly Notified[], to: Notified["receiver"]): string[] =>
  [...new Set(told.filter((one) => one.receiver === to).map((one) => one.alert))].sort();

test("one outage, and exactly one page", async () => {
  const who = await told([firing("BreakerOpen", "profile-worker", "all"), ...BLOCKED.map((name) => firing(name))]);
  assert.deepEqual(who, [{ receiver: "pages", alert: "BreakerOpen", job: "profile-worker" }]);
});

test("without BreakerOpen each of the others pages for itself", async () => {
  const who = await told(BLOCKED.map((name) => firing(name)));
  assert.deepEqual(names(who, "pages"), ["ConfirmationToProfileFastBurn", "NoReceive", "OldestMessageTooOld"]);
  assert.deepEqual(names(who, "tickets"), [], "whoever was woken needs no ticket for the slow burn");
});

test("another job's outage silences nobody", async () => {
  const who = await told([firing("BreakerOpen", "staging", "all"), ...BLOCKED.map((name) => firing(name))]);
  assert.deepEqual(names(who, "pages"), [
    "BreakerOpen",
    "ConfirmationToProfileFastBurn",
    "NoReceive",
    "OldestMessageTooOld",
  ]);
});

test("one worker's open breaker does not explain that nobody receives", async () => {
  const who = await told([firing("BreakerOpen", "profile-worker", "some"), ...BLOCKED.map((name) => firing(name))]);
  assert.deepEqual(names(who, "pages"), ["BreakerOpen", "NoReceive"]);
});

test("tickets are tickets, and an outage does not hide them", async () => {
  const tickets = ["DeadLetterQueueNotEmpty", "OwnerConflict"];
  const who = await told([firing("BreakerOpen", "profile-worker", "all"), ...tickets.map((name) => firing(name))]);
  assert.deepEqual(names(who, "pages"), ["BreakerOpen"]);
  assert.deepEqual(names(who, "tickets"), tickets);
});
