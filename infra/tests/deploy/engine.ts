// ministack, a CloudFormation engine of another origin, with the queues, tables and task definitions that it makes: one
// process on loopback, ended when the test process ends, however it ends.

import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Twelve digits as access key are the account (ministack's README). */
export const CREDENTIALS = { accessKeyId: '111122223333', secretAccessKey: 'none' }
export const REGION = 'eu-central-1'

/** Starts the engine and ends it when this script's standard input closes: a test process that is killed cleans up nothing. */
const KEEPER = '"$0" >/dev/null 2>&1 </dev/null & engine=$!; cat >/dev/null; kill "$engine"; wait "$engine"'

export interface Engine {
  readonly endpoint: string
  /** Ends it, and waits until it has. */
  stop(): Promise<void>
}

export async function startEngine(): Promise<Engine> {
  if (spawnSync('sh', ['-c', 'command -v ministack']).status !== 0) {
    throw new Error('ministack is not on the PATH: pip install ministack==1.5.33')
  }
  const port = await freePort()
  const keeper = spawn('sh', ['-c', KEEPER, 'ministack'], {
    // Its default is every interface.
    env: { ...process.env, GATEWAY_PORT: String(port), BIND_HOST: '127.0.0.1', MINISTACK_HOST: '127.0.0.1' },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => keeper.once('exit', () => resolve()))
  const endpoint = `http://127.0.0.1:${port}`
  await until(
    'ministack answers',
    async () => (await fetch(`${endpoint}/_ministack/health`).catch(() => undefined))?.ok === true,
  )
  return {
    endpoint,
    stop: () => {
      keeper.stdin.end()
      return ended
    },
  }
}

/** What a call of the AWS JSON protocol answers; for services whose whole client is too much for one call. */
export async function call(engine: Engine, service: string, target: string, body: unknown): Promise<any> {
  const answer = await fetch(engine.endpoint, {
    method: 'POST',
    headers: { ...signature(service), 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${target}: HTTP ${answer.status} ${text}`)
  return JSON.parse(text)
}

/** The engine looks at the scope, not at the signature. */
export const signature = (service: string): Record<string, string> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/20261122/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
})

/** Waits for a condition, never for a time: the deadline is there so that a test ends. */
export async function until<T>(what: string, condition: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const met = await condition()
    if (met !== false && met !== undefined) return met
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`)
    await pause(50)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
