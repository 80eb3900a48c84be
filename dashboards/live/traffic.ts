// What people and troublemakers do to the stack in a live run: sign-ups through the trigger's handler, repeats, a backfill,
// late ones, bad messages, a squatted id, and a table that goes away for a while. Everybody here is made up.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { openSync } from "node:fs";
import { join } from "node:path";
import { PLACE, POOL, type Stack, program } from "./processes.ts";

/** A Cognito event, as the trigger gets it. */
export function signUp(sub: string = randomUUID(), trigger = "ConfirmSignUp"): string {
  return JSON.stringify({
    version: "1",
    region: "eu-central-1",
    userPoolId: POOL,
    userName: sub,
    callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId: "4s1example2client3id4five6" },
    triggerSource: `PostConfirmation_${trigger}`,
    request: { userAttributes: { sub, email: `${sub}@example.com`, email_verified: "true" } },
    response: {},
  });
}

/** An envelope, version 1. */
export function envelope(source: string, secondsAgo = 0): string {
  const sub = randomUUID();
  const observedAt = new Date(Date.now() - secondsAgo * 1000).toISOString();
  const person = { userPoolId: POOL, sub, username: sub, email: `${sub}@example.com` };
  return JSON.stringify({ v: 1, kind: "user.confirmed", source, ...person, observedAt });
}

/** An envelope that an EventBridge archive tells again. */
export function replayed(secondsAgo: number): string {
  return JSON.stringify({
    version: "0",
    id: randomUUID(),
    "detail-type": "user.confirmed",
    source: "profile.trigger",
    account: "111122223333",
    time: new Date(Date.now() - secondsAgo * 1000).toISOString(),
    region: "eu-central-1",
    resources: [],
    "replay-name": "after-the-incident",
    detail: JSON.parse(envelope("cognito.trigger", secondsAgo)),
  });
}

/** Sign-ups, one after another, through `local send`, until told to stop. */
export class Crowd {
  private readonly sender: ChildProcess;
  private readonly timer: NodeJS.Timeout;
  private sent = 0;

  constructor(stack: Stack, private readonly perSecond: number) {
    const log = openSync(join(PLACE, "send.log"), "w");
    this.sender = spawn(program("local"), ["send", "-"], { env: { ...stack.environment }, stdio: ["pipe", log, log] });
    this.timer = setInterval(() => this.second(), 1000);
  }

  /** These too, now. */
  send(lines: readonly string[]): void {
    this.sender.stdin?.write(lines.map((line) => `${line}\n`).join(""));
  }

  private second(): void {
    // Waves, so that a chart shows more than a line; every tenth resets his password or is told of twice.
    const now = Math.round(this.perSecond * (1 + 0.5 * Math.sin(this.sent / (8 * this.perSecond))));
    const lines = Array.from({ length: now }, () => signUp());
    const again = lines.filter((_, index) => index % 10 === 0).map((line) => line.replace("ConfirmSignUp", "ConfirmForgotPassword"));
    this.send([...lines, ...again]);
    this.sent += now;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.sender.stdin?.end();
    await once(this.sender, "exit");
  }
}

async function aws(endpoint: string, target: string, version: string, body: unknown): Promise<void> {
  const headers = {
    "content-type": `application/x-amz-json-${version}`,
    "x-amz-target": target,
    authorization: "AWS4-HMAC-SHA256 Credential=local/20261122/eu-central-1/x/aws4_request, SignedHeaders=host, Signature=0",
    "x-amz-date": "20261122T200000Z",
  };
  const answer = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${target}: ${answer.status} ${await answer.text()}`);
}

const dynamodb = ({ variables }: Stack, operation: string, body: unknown): Promise<void> =>
  aws(variables["AWS_ENDPOINT_URL_DYNAMODB"] ?? "", `DynamoDB_20120810.${operation}`, "1.0", body);

/** A body that no trigger would send. */
export function raw(stack: Stack, body: string): Promise<void> {
  const message = { QueueUrl: stack.variables["QUEUE_URL"], MessageBody: body };
  return aws(stack.variables["AWS_ENDPOINT_URL_SQS"] ?? "", "AmazonSQS.SendMessage", "1.0", message);
}

/** Somebody takes a key; answers the user whose key it is. */
export async function squat(stack: Stack): Promise<string> {
  const id = randomUUID();
  const Item = { id: { S: id }, profileOwner: { S: "somebody::else" }, email: { S: "somebody@example.org" } };
  await dynamodb(stack, "PutItem", { TableName: stack.variables["TABLE_NAME"], Item });
  return id;
}

export function dropTable(stack: Stack): Promise<void> {
  return dynamodb(stack, "DeleteTable", { TableName: stack.variables["TABLE_NAME"] });
}

export function makeTable(stack: Stack): Promise<void> {
  return dynamodb(stack, "CreateTable", {
    TableName: stack.variables["TABLE_NAME"],
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  });
}
