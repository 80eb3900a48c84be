// The pictures of the documents, from the real worker: some minutes of sign-ups with an outage among them.
//   node pictures.mjs [minutes]

import { fileURLToPath } from "node:url";
import { launch, live, open } from "./harness/browser.mjs";
import { World, signUp } from "./harness/world.mjs";

const minutes = Number(process.argv[2] ?? 10);
const place = (name) => fileURLToPath(new URL(`../../docs/images/status-${name}.png`, import.meta.url));
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

const [world, browser] = await Promise.all([World.start(), launch()]);
try {
  world.table.delay = 8;
  await world.startWorker();
  const { QUEUE_URL, AWS_ENDPOINT_URL_SQS } = world.variables;
  const sender = world.open("send", { QUEUE_URL, AWS_ENDPOINT_URL_SQS });
  const people = [];
  const begun = Date.now();
  const outage = [0.52, 0.58].map((part) => begun + part * minutes * 60_000);
  for (let nth = 0; Date.now() - begun < minutes * 60_000; nth += 1) {
    const turn = (Date.now() - begun) / 150_000;
    const rate = 36 + 14 * Math.sin(turn * 6.28) + 6 * Math.sin(turn * 31);
    const again = nth % 9 === 8 && people[Math.floor(Math.random() * people.length)];
    const message = nth % 2500 === 900 ? signUp({ userPoolId: "eu-central-1_Other" }) : signUp();
    if (!again && message.userPoolId) people.push(message);
    sender.write(`${JSON.stringify({ ...(again || message), observedAt: new Date().toISOString() })}\n`);
    world.table.fails = Date.now() > outage[0] && Date.now() < outage[1];
    await pause((-Math.log(1 - Math.random()) * 1000) / rate);
  }
  for (const [name, options] of [
    ["light", { colorScheme: "light", viewport: { width: 1280, height: 800 } }],
    ["dark", { colorScheme: "dark", viewport: { width: 1280, height: 800 } }],
    ["phone", { colorScheme: "light", viewport: { width: 360, height: 760 } }],
  ]) {
    const page = await open(browser, world.url, { ...options, deviceScaleFactor: name === "phone" ? 2 : 1 });
    await live(page);
    await page.screenshot({ path: place(name), fullPage: name !== "phone" });
    await page.close();
  }
} finally {
  await browser.close();
  await world.end();
}
