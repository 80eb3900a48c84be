// The real Alertmanager with the shipped alertmanager.yml, and a receiver of ours behind it that keeps what it was told. Only
// the URLs, and the waiting times by a factor, are other than shipped.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { ALERTMANAGER_FILE } from "../alerts/rules.ts";
import { eventually, freePort } from "./processes.ts";

export interface Notified {
  readonly receiver: "pages" | "tickets";
  readonly alert: string;
  readonly job: string;
  readonly status: string;
  readonly summary: string;
}

export interface Pager {
  readonly url: string;
  /** Everything that reached a person, in order. */
  readonly notified: Notified[];
  stop(): Promise<void>;
}

interface Webhook {
  alerts: { status: string; labels: Record<string, string>; annotations: Record<string, string> }[];
}

/** `wait` stands for both of the route's waiting times. */
export async function startPager(wait: string): Promise<Pager> {
  const notified: Notified[] = [];
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      for (const { status, labels, annotations } of (JSON.parse(body) as Webhook).alerts) {
        notified.push({
          receiver: request.url === "/pages" ? "pages" : "tickets",
          alert: labels["alertname"] ?? "",
          job: labels["job"] ?? "",
          status,
          summary: annotations["summary"] ?? "",
        });
      }
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");

  const place = mkdtempSync(join(tmpdir(), "alertmanager-"));
  const file = join(place, "alertmanager.yml");
  writeFileSync(file, shipped((receiver.address() as AddressInfo).port, wait));
  const port = await freePort();
  const child: ChildProcess = spawn(
    process.env["ALERTMANAGER"] ?? "prometheus-alertmanager",
    [`--config.file=${file}`, `--storage.path=${join(place, "data")}`, `--web.listen-address=127.0.0.1:${port}`, "--cluster.listen-address="],
    { stdio: "ignore" },
  );
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill();
    await once(child, "exit");
    receiver.closeAllConnections();
    receiver.close();
    rmSync(place, { recursive: true });
  };
  await eventually("Alertmanager", async () => (await fetch(`${url}/-/ready`)).ok);
  return { url, notified, stop };
}

function shipped(port: number, wait: string): string {
  const config = parse(readFileSync(ALERTMANAGER_FILE, "utf8")) as {
    route: { group_wait: string; group_interval: string };
    receivers: { name: string; webhook_configs: { url: string }[] }[];
  };
  config.route.group_wait = wait;
  config.route.group_interval = wait;
  for (const { name, webhook_configs } of config.receivers) {
    for (const webhook of webhook_configs) webhook.url = `http://127.0.0.1:${port}/${name}`;
  }
  return stringify(config);
}
