// The product on this machine: the endpoints of `local serve`, the real worker, and a table in between that can be
// made to fail. Built before: `cargo build -p worker -p local`. Leaves no process behind.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { failingTable } from "./table.mjs";

const built = (name) => fileURLToPath(new URL(`../../../target/${process.env.PROFILE ?? "debug"}/${name}`, import.meta.url));
export const POOL = "eu-central-1_A1b2C3d4E";
const PATIENCE = 60_000;

/** Looks until `condition` answers with something true, and gives that. */
export async function eventually(what, condition) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((look) => setTimeout(look, 50));
  }
}

/** A port at which nobody listens now: a worker that is started again is to be found where it was. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A child whose output is kept, and which ends with us. */
class Child {
  constructor(program, args, env, input) {
    this.text = "";
    this.process = spawn(program, args, { env, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    this.ended = once(this.process, "exit");
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (part) => (this.text += part));
    // `null`: it is written to later.
    if (typeof input === "string") this.process.stdin.end(input);
  }

  async says(what, pattern) {
    return eventually(what, () => {
      if (this.process.exitCode !== null) throw new Error(`ended before ${what}:\n${this.text}`);
      return pattern.exec(this.text);
    });
  }

  async end(signal) {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
    await this.ended;
  }
}

export class World {
  /** Endpoints, queue and table; no worker yet. */
  static async start() {
    const world = new World();
    world.children = [];
    world.stack = world.child(built("local"), ["serve"], {});
    await world.stack.says("the endpoints are up", /Serving;/);
    const lines = [...world.stack.text.matchAll(/^export (\w+)=(.*)$/gm)];
    world.variables = Object.fromEntries(lines.map(([, name, value]) => [name, value]));
    world.table = await failingTable(world.variables.AWS_ENDPOINT_URL_DYNAMODB);
    world.port = await freePort();
    world.url = `http://127.0.0.1:${world.port}/`;
    return world;
  }

  child(program, args, env, input) {
    const child = new Child(program, args, env, input);
    this.children.push(child);
    return child;
  }

  /** The worker, always at the same address. */
  async startWorker(settings = {}) {
    this.worker = this.child(built("profile-worker"), ["run"], {
      ...this.variables,
      AWS_ENDPOINT_URL_DYNAMODB: this.table.url,
      ADMIN_ADDR: `127.0.0.1:${this.port}`,
      USER_POOL_IDS: POOL,
      WAIT_TIME: "1s",
      VISIBILITY_TIMEOUT: "30s",
      LOG_FORMAT: "json",
      ...settings,
    });
    await this.worker.says("the admin endpoint is up", /admin_listening/);
    if (!settings.TABLE_NAME && !settings.QUEUE_URL) await this.worker.says("the worker receives", /"event":"ready"/);
  }

  async killWorker() {
    await this.worker.end("SIGKILL");
  }

  /** Puts messages into the queue. */
  async send(messages) {
    const lines = messages.map((message) => JSON.stringify(message)).join("\n");
    const { QUEUE_URL, AWS_ENDPOINT_URL_SQS } = this.variables;
    const sender = this.child(built("local"), ["send", "-"], { QUEUE_URL, AWS_ENDPOINT_URL_SQS }, lines);
    await sender.ended;
    if (sender.process.exitCode !== 0) throw new Error(sender.text);
  }

  /** A sender that stays: lines that are written to it are sent. */
  open(command, env) {
    return this.child(built("local"), [command, "-"], env, null).process.stdin;
  }

  async status() {
    return (await fetch(new URL("status.json", this.url))).json();
  }

  /** Waits until `/status.json` says so. */
  async until(what, condition) {
    return eventually(what, async () => {
      const status = await this.status();
      return condition(status) && status;
    });
  }

  async end() {
    await Promise.all(this.children.map((child) => child.end("SIGKILL")));
    this.table?.close();
  }
}

let people = 0;

/** A live confirmation of somebody who has not signed up before. */
export function signUp(changes = {}) {
  people += 1;
  const sub = `00000000-0000-7000-8000-${String(people).padStart(12, "0")}`;
  return {
    v: 1,
    kind: "user.confirmed",
    source: "cognito.trigger",
    userPoolId: POOL,
    sub,
    username: sub,
    email: `person${people}@example.com`,
    observedAt: new Date().toISOString(),
    ...changes,
  };
}

export const signUps = (count) => Array.from({ length: count }, () => signUp());
