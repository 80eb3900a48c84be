// For everybody: both themes, a phone, a keyboard, a screen reader, less motion, no JavaScript.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, launch, live, open } from "./harness/browser.mjs";
import { World, signUp, signUps } from "./harness/world.mjs";

let world, browser;
before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  await world.startWorker();
  await world.send([...signUps(100), signUp({ userPoolId: "eu-central-1_Other" })]);
  await world.until("all is settled", (status) => status.created === 100 && status.rejected === 1);
  // Something in every table.
  world.table.fails = true;
  await world.send(signUps(10));
  await world.until("writes fail", (status) => status.breaker_open);
});
after(async () => {
  await browser?.close();
  await world?.end();
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1280]) {
    test(`axe finds nothing: ${colorScheme}, ${width} px`, async () => {
      const page = await open(browser, world.url, { colorScheme, viewport: { width, height: 900 } });
      await live(page);
      await page.click("#minutes summary");
      assert.deepEqual(await findings(page), []);
      await page.close();
    });
  }
}

test("nothing has to be scrolled sideways on a phone", async () => {
  for (const width of [320, 360]) {
    const page = await open(browser, world.url, { viewport: { width, height: 740 } });
    await live(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `wider than ${width} px`);
  }
});

test("the theme is the system's until the button says otherwise, and stays chosen", async () => {
  const page = await open(browser, world.url, { colorScheme: "dark" });
  await live(page);
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await paper();
  assert.equal(await page.getAttribute("#theme", "aria-pressed"), "true");
  await page.click("#theme");
  assert.equal(await page.getAttribute("#theme", "aria-pressed"), "false");
  const light = await paper();
  assert.notEqual(light, dark);
  await page.reload();
  await live(page);
  assert.equal(await paper(), light);
});

test("the keyboard reaches everything, and it is seen where it is", async () => {
  const page = await open(browser, world.url);
  await live(page);
  const reached = [];
  for (let step = 0; step < 9; step += 1) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(() => {
        const at = document.activeElement;
        const style = getComputedStyle(at);
        return `${at.id || at.textContent.trim()}${style.outlineStyle === "none" ? ", not seen" : ""}`;
      }),
    );
  }
  assert.deepEqual(reached.slice(0, 7), ["Skip to the numbers", "theme", "The same minute by minute", "status.json", "metrics", "health/live", "health/ready"]);
  await page.focus(".skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "numbers");
});

test("who wants less motion gets none", async () => {
  const moving = async (reducedMotion) => {
    const page = await open(browser, world.url, { reducedMotion });
    await live(page);
    return page.evaluate(() => document.getAnimations().length);
  };
  assert.equal(await moving("reduce"), 0);
  assert.equal(await moving("no-preference"), 1);
});

test("without JavaScript there is the sentence and the way to the numbers", async () => {
  const page = await open(browser, world.url, { javaScriptEnabled: false });
  assert.match(await page.textContent("h1"), /^The table cannot be written/);
  assert.equal(await page.getAttribute("html", "data-tone"), "stopped");
  assert.ok(await page.isVisible("text=status.json >> nth=0"));
  assert.ok(!(await page.isVisible("#numbers")), "empty tables are shown");
});
