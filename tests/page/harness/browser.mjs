// Chromium as the distribution has it, and everything it complains about. It is never asked for anything but the page.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

function executable() {
  for (const name of ["chromium", "chromium-browser"]) {
    try {
      return execFileSync("/bin/sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next name.
    }
  }
  throw new Error("no chromium in PATH; install the distribution's");
}

export const launch = () =>
  chromium.launch({ executablePath: executable(), args: ["--no-sandbox", "--headless=new", "--disable-background-networking", "--disable-component-update"] });

/** A page at `url`, with `complaints` (console errors and warnings, exceptions, policy violations) and `requests`. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.requests = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("request", (request) => page.requests.push(request.url()));
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(event.violatedDirective));
  });
  await page.goto(url);
  return page;
}

export const live = (page) => page.waitForSelector("[data-stream=live]", { state: "attached" });

/** What axe finds. It is put in by the debugger: the page's policy allows no foreign script, and is not lifted. */
export async function findings(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
}

/** Every value that is shown, as the page holds it: field, value, text. */
export const shown = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("[data-field]")].map((element) => ({
      field: element.dataset.field,
      format: element.dataset.format,
      value: element.value,
      text: element.textContent,
    })),
  );
