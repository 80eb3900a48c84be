// The product's own programs on loopback: endpoints with a queue and a table, the trigger's handler, the worker. What is
// missing is an error with the command that builds it: nothing here is skipped.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Table } from './api.ts'
import { confirmation, type Person, POOL } from './people.ts'

export interface Product {
  readonly table: Table
  /** What a backend that was deployed here would have for outputs. */
  readonly places: Readonly<Record<string, string>>
  /**
   * Confirmations of these people, through trigger, queue and worker; back when the queue is empty. With `outputs` the worker
   * knows queue, table and pool by this amplify_outputs.json and nothing else.
   */
  confirm(people: readonly Person[], outputs?: object): Promise<Summary>
  stop(): Promise<void>
}

/** What the worker says at its end, as far as it is of interest. */
export interface Summary {
  readonly received: number
  readonly created: number
  readonly already_present: number
  readonly owner_conflict: number
  readonly drained: boolean
}

function program(variable: string, name: string): string {
  const path = process.env[variable] || fileURLToPath(new URL(`../../../target/debug/${name}`, import.meta.url))
  if (existsSync(path)) return path
  throw new Error(`${path} is not there: run cargo build -p worker -p local, or set ${variable}`)
}

/** Starts the endpoints. */
export async function start(): Promise<Product> {
  const local = program('LOCAL', 'local')
  const worker = program('PROFILE_WORKER', 'profile-worker')
  const serving = spawn(local, ['serve'], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] })
  const variables = await exported(serving)
  const { QUEUE_URL, DEAD_LETTER_QUEUE_URL, TABLE_NAME, ...endpoints } = variables as Record<string, string>
  const places = { queueUrl: QUEUE_URL!, deadLetterQueueUrl: DEAD_LETTER_QUEUE_URL!, tableName: TABLE_NAME! }
  const settings = { ADMIN_ADDR: 'off', RUST_LOG: 'warn', LOG_FORMAT: 'json' }
  const file = join(mkdtempSync(join(tmpdir(), 'read-back-')), 'amplify_outputs.json')
  return {
    table: { endpoint: variables['AWS_ENDPOINT_URL_DYNAMODB']!, name: places.tableName },
    places,
    async confirm(people, outputs) {
      const events = people.map((person) => JSON.stringify(confirmation(person))).join('\n')
      await output(local, ['send', '-'], variables, events)
      if (outputs) writeFileSync(file, JSON.stringify(outputs))
      const found = outputs ? { AMPLIFY_OUTPUTS: file } : { ...variables, USER_POOL_IDS: POOL }
      const env = { ...endpoints, ...found, ...settings }
      return JSON.parse(await output(worker, ['run', '--until-empty', '3s', '--output', 'json'], env)) as Summary
    },
    async stop() {
      serving.kill('SIGTERM')
      if (serving.exitCode === null) await once(serving, 'exit')
    },
  }
}

/** The variables that `local serve` prints, once it has printed them all. */
async function exported(serving: ChildProcess): Promise<Readonly<Record<string, string>>> {
  let text = ''
  for await (const chunk of serving.stdout!) {
    text += chunk
    const lines = [...text.matchAll(/^export (\w+)=(.*)\n/gm)].map(([, name, value]) => [name, value])
    if (lines.some(([name]) => name === 'USER_POOL_ID')) return Object.fromEntries(lines)
  }
  throw new Error(`local serve ended: ${text}`)
}

async function output(path: string, args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<string> {
  const child = spawn(path, args, { env, stdio: 'pipe' })
  let said = ''
  let complained = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  child.stderr.on('data', (chunk) => (complained += chunk))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${path} ${args.join(' ')} ended with ${code}: ${complained}`)
  return said
}
