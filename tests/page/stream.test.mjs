// A page must never pass old numbers off as new: a stream that is lost is said at once, with the time, and found again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, live, open } from "./harness/browser.mjs";
import { World, eventually, signUps } from "./harness/world.mjs";

let world, browser, page;
before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  await world.startWorker();
  page = await open(browser, world.url);
  await live(page);
});
after(async () => {
  await browser?.close();
  await world?.end();
});

async function isLost() {
  await page.waitForSelector("[data-stream=lost]", { state: "attached", timeout: 60_000 });
  assert.equal(await page.textContent("#stream-word"), "Stream lost");
  assert.equal(await page.title(), "Stream lost · profile-worker");
  assert.match(await page.textContent("#lost"), /Everything here is as it was at \d\d:\d\d:\d\d, (now|.+ ago)\. Trying again\./);
  assert.ok(await page.isVisible("#lost"));
}

async function isBack() {
  await page.waitForSelector("[data-stream=live]", { state: "attached", timeout: 60_000 });
  assert.ok(!(await page.isVisible("#lost")));
  assert.equal(await page.getAttribute("html", "data-lost"), null);
  assert.doesNotMatch(await page.title(), /lost/);
}

test("a worker that was killed is missed, and found again at the same place", async () => {
  await world.send(signUps(20));
  await world.until("they have profiles", (status) => status.created === 20);
  await page.waitForFunction(() => document.querySelector("[data-field=created]").value === "20");
  await world.killWorker();
  await isLost();
  assert.equal(await page.$eval("[data-field=created]", (element) => element.value), "20", "the last numbers stay");
  // Its age goes on.
  await page.waitForFunction(() => / [2-9] s ago/.test(document.querySelector("#lost").textContent));
  await world.startWorker();
  await isBack();
  await page.waitForFunction(() => document.querySelector("[data-field=created]").value === "0");
});

test("a worker that is there and says nothing is missed as well", async () => {
  world.worker.process.kill("SIGSTOP");
  await isLost();
  world.worker.process.kill("SIGCONT");
  await isBack();
});

test("a full house is no end: the page tries until there is room", async () => {
  const taken = await Promise.all(Array.from({ length: 31 }, async () => {
    const stop = new AbortController();
    const answer = await fetch(new URL("events", world.url), { signal: stop.signal });
    assert.equal(answer.status, 200);
    return { stop, reading: answer.body.pipeTo(new WritableStream(), { signal: stop.signal }).catch(() => {}) };
  }));
  const late = await open(browser, world.url);
  await late.waitForSelector("[data-stream=lost]", { state: "attached" });
  assert.match(await late.textContent("#lost"), /There is nothing to show yet/);
  assert.ok(await late.isVisible("h1"), "the sentence comes with the page");
  // It has come in vain again and again.
  await eventually("it tries for the fourth time", () => late.requests.filter((url) => url.endsWith("/events")).length >= 4);
  taken[0].stop.abort();
  await late.waitForSelector("[data-stream=live]", { state: "attached", timeout: 60_000 });
  for (const { stop, reading } of taken) {
    stop.abort();
    await reading;
  }
});
