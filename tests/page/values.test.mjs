// What the page shows is what /status.json says: all of it, and nothing else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, live, open, shown } from "./harness/browser.mjs";
import { World, eventually, signUp, signUps } from "./harness/world.mjs";

let world, browser;
before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  await world.startWorker();
});
after(async () => {
  await browser?.close();
  await world?.end();
});

/** Every number and word of an object, by path. */
function leaves(value, path = []) {
  if (value === null || typeof value !== "object") return [[path.join("."), value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

test("after a load the page says what /status.json says", async () => {
  // It is open before anything happens, and follows.
  const page = await open(browser, world.url);
  await live(page);
  const people = signUps(1234);
  await world.send(people);
  await world.until("they have profiles", (status) => status.created === 1234);
  await world.send([...people.slice(0, 40), ...Array.from({ length: 3 }, () => signUp({ userPoolId: "eu-central-1_Other" }))]);
  await world.until("all is settled", (status) => status.in_flight === 0 && status.already_present === 40 && status.rejected === 3);

  // Both are read within one turn of the page, until they agree: seconds go by and polls come and go in between.
  let differences;
  await eventually("page and /status.json agree", async () => {
    const status = await page.evaluate(async () => (await fetch("status.json")).json());
    const values = await shown(page);
    const said = new Map(leaves(status).filter(([path]) => !/^(errors|last_errors)\b/.test(path)).map(([path, value]) => [path, value === null ? "" : String(value)]));
    differences = [];
    for (const { field, value } of values) {
      // A value that nobody has told has no parts.
      const expected = said.get(field) ?? (said.get(field.split(".")[0]) === "" ? "" : undefined);
      if (value !== expected) differences.push(`${field}: the page has ${value}, /status.json ${expected}`);
    }
    for (const [path, value] of said) {
      const parts = values.some(({ field }) => field.startsWith(`${path}.`)) && value === "";
      if (!parts && !values.some(({ field }) => field === path)) differences.push(`${path} is not on the page`);
    }
    return differences.length === 0;
  }).catch((fault) => assert.fail(`${fault.message}\n${differences.join("\n")}`));

  const texts = new Map((await shown(page)).map(({ field, text }) => [field, text]));
  assert.equal(texts.get("created"), "1,234");
  assert.equal(texts.get("already_present"), "40");
  assert.equal(texts.get("quarantined.pool_not_allowed"), "3");
  assert.equal(texts.get("breaker_open"), "closed");
  assert.match(texts.get("confirmation_to_profile_ms.p50"), /^[\d.]+ (ms|s)$|^\d+ min \d\d s$/);
  for (const { value, format, text } of await shown(page)) {
    if (format === "count" && value !== "") assert.equal(Number(text.replaceAll(",", "")), Number(value));
    if (value === "") assert.equal(text, "–");
  }
});

test("shares are of what has ended, and add up", async () => {
  const page = await open(browser, world.url);
  await live(page);
  const shares = await page.$$eval("#outcomes tr", (rows) => rows.map((row) => [row.dataset.name, row.querySelector(".share").textContent]));
  // 1234 of 1277, 40, 3.
  assert.deepEqual(shares.filter(([, share]) => share !== "0 %"), [["created", "96.6 %"], ["already_present", "3.1 %"], ["rejected", "0.2 %"]]);
});

test("the page complains of nothing and asks nobody else", async () => {
  const page = await open(browser, world.url);
  await live(page);
  await page.click("#minutes summary");
  await page.click("#theme");
  await page.hover("#rate svg");
  await page.waitForSelector("#minutes tbody tr");
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(await page.evaluate(() => globalThis.violations), []);
  assert.ok(page.requests.length >= 6, String(page.requests));
  assert.deepEqual(page.requests.filter((url) => !url.startsWith(world.url) && !url.startsWith("data:")), []);
});

test("the policy holds: what is inline or elsewhere does not run", async () => {
  const page = await open(browser, world.url);
  await live(page);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.ran = true";
    document.body.append(script);
  });
  await page.waitForFunction(() => globalThis.violations.length > 0);
  assert.equal(await page.evaluate(() => globalThis.ran), undefined);
});

test("charts have words, and the last minutes are a table", async () => {
  const page = await open(browser, world.url);
  await live(page);
  const labels = await page.$$eval("figure svg", (charts) => charts.map((chart) => chart.getAttribute("aria-label")));
  assert.equal(labels.length, 4);
  for (const label of labels) assert.match(label, /over the last ten minutes: .*(now, at least .*, at most |nothing yet)/);
  assert.match(labels[0], /at most [1-9]/, "the load is not in the chart");
  await page.click("#minutes summary");
  const rows = await page.$$eval("#minutes tbody tr", (found) => found.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.ok(rows.length >= 1);
  assert.equal(rows[0][0], "now");
});
