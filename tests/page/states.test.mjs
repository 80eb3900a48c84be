// Every state has its sentence: waiting, idle, working, the table down, and working again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, live, open } from "./harness/browser.mjs";
import { World, signUps } from "./harness/world.mjs";

let world, browser;
before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await world?.end();
});

const plain = (text) => text.replaceAll("\u00a0", " ");

async function says(page, pattern) {
  await page.waitForFunction((source) => new RegExp(source).test(document.querySelector("h1").textContent.replaceAll("\u00a0", " ")), pattern.source, { timeout: 60_000 });
  return plain(await page.textContent("h1"));
}

const state = (page) => page.evaluate(() => [document.documentElement.dataset.tone, document.querySelector("#word").textContent, document.querySelector("#mark").getAttribute("d"), document.title]);

test("each state is said in words, with a word and a shape of its own", async () => {
  await world.startWorker({ TABLE_NAME: "NoSuchTable" });
  let page = await open(browser, world.url);
  await live(page);
  await says(page, /^Waiting for the queue and the table: missing$/);
  const waiting = await state(page);
  assert.deepEqual([waiting[0], waiting[1], waiting[3]], ["waiting", "Waiting", "Waiting · profile-worker"]);
  assert.match(await page.textContent("#notes"), /profile-worker check/);
  await world.killWorker();

  await world.startWorker();
  await page.waitForSelector("[data-stream=live]", { state: "attached" });
  await says(page, /^Nothing to do$/);
  const idle = await state(page);

  await world.send(signUps(200));
  await says(page, /^Sign-ups become profiles: .+, half of them within [\d.]+ s$/);
  const working = await state(page);
  assert.equal(working[0], "working");
  assert.equal(await page.getAttribute("#announcement", "role"), "status");
  await page.waitForFunction(() => document.querySelector("#announcement").textContent.startsWith("Sign-ups become profiles"));

  world.table.fails = true;
  await world.send(signUps(60));
  const said = await says(page, /^The table cannot be written: \d+ messages? (is|are) held, the rest waits in the queue$/);
  const stopped = await state(page);
  assert.equal(stopped[0], "stopped");
  assert.equal(await page.textContent("[data-field=breaker_open]"), "open");
  const status = await world.until("the page's sentence has the number in hand", async (now) =>
    plain(await page.textContent("h1")).includes(`: ${now.in_flight} message`));
  assert.equal(status.breaker_open, true, said);
  await page.waitForSelector("figure#rate rect", { state: "attached" });
  await page.waitForSelector(".legend.used");
  assert.match(await page.textContent("#notes"), /goes on by itself. The last write: unavailable/);
  assert.match(await page.textContent("#errors"), /write: unavailable/);

  world.table.fails = false;
  await says(page, /^Sign-ups become profiles: /);
  await world.until("all have profiles", (now) => now.created === 260 && now.in_flight === 0);

  const all = [waiting, idle, working, stopped];
  for (const part of [0, 1, 2, 3]) assert.equal(new Set(all.map((each) => each[part])).size, 4, `states share ${all.map((each) => each[part])}`);
  assert.deepEqual(page.complaints.filter((complaint) => !/ERR_(CONNECTION|INCOMPLETE)/.test(complaint)), []);
});
