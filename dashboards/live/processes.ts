// The real programs of a live run: local's endpoints, workers, Prometheus. Each is started with an environment of its own,
// waited for by a condition, and ended by its id. Nothing here knows a metric.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RULES_FILE } from "../alerts/rules.ts";

const BUILT = process.env["BUILT"] ?? fileURLToPath(new URL("../../target/debug", import.meta.url));
/** Where logs and Prometheus' data of a run are. */
export const PLACE = process.env["LIVE_OUT"] ?? fileURLToPath(new URL("../../target/live", import.meta.url));
/** The pool whose users sign up. */
export const POOL = "eu-central-1_A1b2C3d4E";

export type Variables = Readonly<Record<string, string>>;

export interface Stack {
  readonly variables: Variables;
  readonly workers: readonly { readonly instance: string; readonly process: ChildProcess }[];
  readonly prometheus: string;
  /** The environment of somebody who runs the worker's commands. */
  readonly environment: Variables;
  stop(): Promise<void>;
}

export function program(name: string): string {
  const path = join(BUILT, name);
  if (!existsSync(path)) throw new Error(`${path} is not there: run cargo build -p worker -p local, or set BUILT`);
  return path;
}

/** Waits until something holds, and says what did not. */
export async function eventually(what: string, holds: () => unknown, seconds = 60): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (fault) {
      last = fault;
    }
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}${last ? ` (${last})` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** How a run differs from what is shipped. */
export interface Haste {
  /** Every duration in the rules is divided by it. */
  readonly faster: number;
  /** Where alerts go. */
  readonly alertmanager: string;
}

export async function start(workers: number, haste?: Haste): Promise<Stack> {
  mkdirSync(PLACE, { recursive: true });
  const running: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of running.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await Promise.race([once(child, "exit"), new Promise((resolve) => setTimeout(resolve, 20_000))]);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }
  };
  try {
    const { child, variables } = await serve();
    running.push(child);
    const environment: Variables = {
      PATH: `${BUILT}:${process.env["PATH"] ?? ""}`,
      HOME: process.env["HOME"] ?? "/",
      ...variables,
      // The second is that of local's own users, in whose name the jobs are run.
      USER_POOL_IDS: `${POOL},${variables["USER_POOL_ID"]}`,
      ...(process.env["RUST_MIN_STACK"] ? { RUST_MIN_STACK: process.env["RUST_MIN_STACK"] } : {}),
    };
    const started = [];
    for (let n = 0; n < workers; n += 1) {
      const instance = `127.0.0.1:${await freePort()}`;
      const more = { ADMIN_ADDR: instance, LOG_FORMAT: "json", WAIT_TIME: "2s" };
      const child = background(`worker-${n}`, program("profile-worker"), ["run"], { ...environment, ...more });
      running.push(child);
      await eventually(`worker ${n} is ready`, async () => (await fetch(`http://${instance}/health/ready`)).ok);
      started.push({ instance, process: child });
    }
    const prometheus = await startPrometheus(started.map((one) => one.instance), running, haste);
    return { variables, workers: started, prometheus, environment, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

async function serve(): Promise<{ child: ChildProcess; variables: Variables }> {
  const child = background("local", program("local"), ["serve"], {}, "pipe");
  let text = "";
  child.stdout?.on("data", (chunk) => (text += chunk));
  await eventually("local serve says where it is", () => text.includes("USER_POOL_ID="));
  return { child, variables: Object.fromEntries([...text.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])) };
}

/** The shipped rules, their durations divided: `for: 10m` becomes `for: 60s` at ten. */
export function hastened(rules: string, faster: number): string {
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 };
  return rules.replace(/(\[|offset |for: )(\d+)([smhd])\b/g, (_, before: string, count: string, unit: keyof typeof seconds) =>
    `${before}${Math.ceil((Number(count) * seconds[unit]) / faster)}s`,
  );
}

/** Scrapes each second, and judges each second instead of each half minute; without haste nothing else is other than shipped. */
async function startPrometheus(targets: readonly string[], running: ChildProcess[], haste?: Haste): Promise<string> {
  const rules = readFileSync(RULES_FILE, "utf8").replace(/^( {4}interval:) \w+$/gm, "$1 1s");
  writeFileSync(join(PLACE, "profile-worker.rules.yml"), haste ? hastened(rules, haste.faster) : rules);
  const config = join(PLACE, "prometheus.yml");
  const list = targets.map((target) => `"${target}"`).join(", ");
  writeFileSync(
    config,
    `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [profile-worker.rules.yml]
${haste ? `alerting: {alertmanagers: [{static_configs: [{targets: ["${new URL(haste.alertmanager).host}"]}]}]}` : ""}
scrape_configs:
  - job_name: profile-worker
    static_configs: [{targets: [${list}]}]
`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const data = join(PLACE, `data-${process.pid}`);
  const child = background("prometheus", process.env["PROMETHEUS"] ?? "prometheus", [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${address}`,
    "--log.level=warn",
  ]);
  running.push(child);
  const url = `http://${address}`;
  await eventually("Prometheus", async () => (await fetch(`${url}/-/ready`)).ok);
  return url;
}

function background(log: string, command: string, argv: string[], variables: Variables = {}, stdout: "pipe" | "log" = "log"): ChildProcess {
  const file = openSync(join(PLACE, `${log}.log`), "w");
  const env = Object.keys(variables).length ? { ...variables } : process.env;
  const child = spawn(command, argv, { env, stdio: ["ignore", stdout === "pipe" ? "pipe" : file, file] });
  child.on("error", (fault) => console.error(`${command}: ${fault.message}`));
  return child;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
