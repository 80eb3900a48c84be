// The real trigger and the real worker as processes. They are told what the deployed function and the deployed task are
// told, and beside it only where AWS is: nothing of what the templates say is said again here.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { CREDENTIALS, type Engine, REGION } from './engine.ts'
import { type Answer, RuntimeApi } from './runtime-api.ts'

type Environment = Readonly<Record<string, string>>

const DEBUG = join(__dirname, '..', '..', '..', 'target', 'debug')

/** The path in `variable`, or what `cargo build` has made. */
function binary(variable: string, name: string): string {
  const path = process.env[variable] ?? join(DEBUG, name)
  if (existsSync(path)) return path
  throw new Error(`${path} is not there: cargo build -p worker -p producer-lambda, or name it in ${variable}`)
}

const whereAwsIs = (engine: Engine): Environment => ({
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_ENDPOINT_URL: engine.endpoint,
})

/** `producer-lambda` behind a Runtime API. */
export class Trigger {
  readonly #api: RuntimeApi
  readonly #child: ChildProcess

  private constructor(api: RuntimeApi, child: ChildProcess) {
    this.#api = api
    this.#child = child
  }

  /** @param environment of the function, as it was deployed */
  static async start(engine: Engine, environment: Environment, functionName: string): Promise<Trigger> {
    const path = binary('TRIGGER', 'producer-lambda')
    const api = new RuntimeApi()
    const child = spawn(path, [], {
      env: {
        ...whereAwsIs(engine),
        AWS_LAMBDA_RUNTIME_API: await api.start(),
        AWS_LAMBDA_FUNCTION_NAME: functionName,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return new Trigger(api, child)
  }

  confirm(event: string): Promise<Answer> {
    return this.#api.invoke(event)
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
    this.#api.stop()
  }
}

export interface Container {
  readonly command: readonly string[]
  readonly environment: Environment
}

/** What the worker's summary says of it. */
export type Summary = Readonly<Record<string, unknown>>

/** Runs the container's command with its environment until the queue is empty, and gives the summary. */
export function runWorker(engine: Engine, container: Container): Promise<Summary> {
  const path = binary('PROFILE_WORKER', 'profile-worker')
  // The port of the status page is another one's on this machine.
  const args = [...container.command, '--until-empty', '3s', '--output', 'json', '--admin-addr', 'off']
  const child = spawn(path, args, {
    env: { ...whereAwsIs(engine), ...container.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let written = ''
  let logged = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    logged += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const last = written.trim().split('\n').at(-1) ?? ''
      if (code === 0) resolve(JSON.parse(last) as Summary)
      else reject(new Error(`profile-worker ${args.join(' ')} ended with ${code}: ${last}\n${logged}`))
    })
  })
}
