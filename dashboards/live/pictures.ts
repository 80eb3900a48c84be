// The dashboards as pictures for a reader of the documentation: each panel of the committed JSON, its queries answered by the
// Prometheus of a live run, drawn with uPlot in Chromium. Not Grafana's rendering, which was not checked.
//
//   npm run pictures              a live run, and then pictures of it
//   npm run pictures -- --beside  pictures of a live run that is kept going elsewhere (npm run live -- --keep)

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { NAMES, read, shown } from "../grafana/read.ts";
import { PLACE } from "./processes.ts";
import { Prometheus, type Series, type Span } from "./queries.ts";
import { live } from "./run.ts";

const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const NOTE =
  "Drawn from Prometheus' answers to this dashboard's queries, over two workers under load whose table was taken away for a while. " +
  "Not Grafana's rendering. Times are UTC.";

interface Answer {
  readonly legend: string;
  readonly series: readonly Series[];
}

async function pictures(prometheus: Prometheus, span: Span): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    // Nothing is fetched: the page is whole as it is given.
    args: ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"],
  });
  try {
    for (const name of NAMES) {
      const dashboard = read(name);
      const answers: Record<number, Answer[]> = {};
      for (const panel of shown(dashboard)) {
        for (const target of panel.targets ?? []) {
          if (target.expr === undefined) continue;
          const series = await prometheus.target(target, dashboard, span);
          (answers[panel.id] ??= []).push({ legend: target.legendFormat ?? "", series });
        }
      }
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, deviceScaleFactor: 1 });
      const faults: string[] = [];
      page.on("pageerror", (fault) => faults.push(fault.message));
      await page.setContent(html());
      // As text, since what the page defines is known to nobody here.
      await page.evaluate(`window.draw(${JSON.stringify({ dashboard, answers, span, note: NOTE })})`);
      if (faults.length) throw new Error(`${name}: ${faults.join("; ")}`);
      const path = join(IMAGES, `dashboard-${name}.png`);
      await page.screenshot({ path, fullPage: true });
      console.log(path);
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

function html(): string {
  const uplot = dirname(createRequire(import.meta.url).resolve("uplot/package.json"));
  const own = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
  const theirs = (name: string): string => readFileSync(join(uplot, "dist", name), "utf8");
  return `<!doctype html><meta charset="utf-8"><style>${theirs("uPlot.min.css")}${own("page.css")}</style>
<script>${theirs("uPlot.iife.min.js")}</script><script>${own("page.js")}</script><body></body>`;
}

async function main(): Promise<boolean> {
  if (!process.argv.includes("--beside")) return live(pictures);
  const { url, span } = JSON.parse(readFileSync(join(PLACE, "live.json"), "utf8")) as { url: string; span: Span };
  await pictures(new Prometheus(url), span);
  return true;
}

main().then(
  (well) => process.exit(well ? 0 : 1),
  (fault) => {
    console.error(fault);
    process.exit(1);
  },
);
