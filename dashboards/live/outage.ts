// One outage pages once, from the table to the pager: real workers, the real Prometheus with the shipped rules, the real
// Alertmanager with the shipped routes. The durations of the rules are a tenth of what is shipped, for patience; the
// objective of 60 s and the workers are as they are.
//
//   npm run outage      about five minutes

import { strict as assert } from "node:assert";
import { once } from "node:events";
import { startPager } from "./pager.ts";
import { eventually, start } from "./processes.ts";
import { Prometheus } from "./queries.ts";
import { Crowd, dropTable, makeTable } from "./traffic.ts";

const pager = await startPager("3s");
const stack = await start(2, { faster: 10, alertmanager: pager.url });
const prometheus = new Prometheus(stack.prometheus);
const pages = (): string[] => pager.notified.flatMap((one) => (one.receiver === "pages" && one.status === "firing" ? one.alert : []));
const fires = (alert: string) => () => prometheus.holds(`ALERTS{alertname="${alert}",alertstate="firing"}`);
const silent = (alert: string) => async () => !(await fires(alert)());

try {
  await eventually("every worker is scraped", () => prometheus.holds("count(profile_worker_ready == 1) == 2"));
  const crowd = new Crowd(stack, 20);
  await eventually("sign-ups are made", () => prometheus.holds('sum(profile_worker_outcomes_total{outcome="created"}) > 100'));
  assert.deepEqual(pages(), [], "nobody is paged for a start");

  await dropTable(stack);
  await eventually("the outage pages", () => pages().length > 0, 180);
  assert.deepEqual(pages(), ["BreakerOpen"]);
  // Longer than the objective, so that what was held is late when it is written.
  await eventually("those who wait are late", () => prometheus.holds("min(sum_over_time(profile_worker_breaker_state[5m])) >= 75"), 180);
  await makeTable(stack);
  await eventually("the table takes writes again", () => prometheus.holds("max(profile_worker_breaker_state) == 0"), 180);
  await eventually("what was late burns the promise", fires("ConfirmationToProfileFastBurn"), 60);
  await eventually("it has burned out", silent("ConfirmationToProfileFastBurn"), 180);
  await eventually("the outage is over", silent("BreakerOpen"), 180);
  assert.deepEqual(pages(), ["BreakerOpen"], "one outage, one page");
  console.log("the table was gone, its confirmations were late, and one page was sent: BreakerOpen");

  await crowd.stop();
  const gone = stack.workers.map(async ({ process }) => {
    process.kill("SIGTERM");
    await once(process, "exit");
  });
  await Promise.all(gone);
  await eventually("that no worker is left pages", () => pages().includes("NoReceive"), 180);
  assert.deepEqual(pages(), ["BreakerOpen", "NoReceive"]);
  console.log("no worker is left, and one page was sent: NoReceive");
  for (const { receiver, status, alert, summary } of pager.notified) console.log(`${receiver} ${status} ${alert}: ${summary}`);
} finally {
  await stack.stop();
  await pager.stop();
}
