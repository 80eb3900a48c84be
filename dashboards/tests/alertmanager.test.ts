// The shipped alertmanager.yml in the real Alertmanager, with a receiver of ours behind it: one outage pages once. Only
// the two URLs and the waiting times are other than shipped.

import assert from "node:assert/strict";
import { test } from "node:test";
import { alerts } from "../alerts/rules.ts";
import { type Notified, startPager } from "../live/pager.ts";
import { eventually } from "../live/processes.ts";

type Told = Pick<Notified, "receiver" | "alert" | "job">;

/** Fires these alerts at an Alertmanager of their own and answers who was told what. */
async function told(fired: readonly Record<string, string>[]): Promise<Told[]> {
  const pager = await startPager("300ms");
  try {
    const startsAt = new Date().toISOString();
    const send = async (labels: readonly Record<string, string>[]): Promise<void> => {
      const body = JSON.stringify(labels.map((each) => ({ labels: each, startsAt })));
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${pager.url}/api/v2/alerts`, { method: "POST", headers, body });
      assert.equal(answer.status, 200, await answer.text());
    };
    await send(fired);
    await eventually(`the groups of ${fired.length} alerts`, async () => {
      const groups = (await (await fetch(`${pager.url}/api/v2/alerts/groups`)).json()) as { alerts: unknown[] }[];
      return groups.flatMap((group) => group.alerts).length === fired.length;
    });
    // Two groups that come later, one after the other, and wait as long: when they were told of, so were the others.
    for (const round of [1, 2]) {
      const marker = { alertname: `Marker${round}`, job: "marker", severity: "ticket" };
      await send([marker]);
      await eventually(marker.alertname, () => pager.notified.some((one) => one.alert === marker.alertname));
    }
    return pager.notified.flatMap(({ receiver, alert, job }) => (job === "marker" ? [] : { receiver, alert, job }));
  } finally {
    await pager.stop();
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
const names = (told: readonly Told[], to: Told["receiver"]): string[] =>
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
