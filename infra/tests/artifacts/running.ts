// Runs programs for the tests of the artifacts: what is built, unpacked and executed here is what is shipped. A test waits
// for a condition with a deadline, never for a time.

import { execFile, type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'

export const REPOSITORY = resolve(__dirname, '../../..')

/** Far beyond what anything here takes: a guard against hanging, no measurement. */
const PATIENCE = 120_000

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs to the end, whatever that is. */
export function run(command: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  return new Promise<Ended>((done) => {
    const limits = { maxBuffer: 256 * 1024 * 1024, timeout: 15 * 60_000 }
    execFile(command, args, { ...limits, ...options }, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : null) : 0
      done({ status, stdout, stderr: error && status === null ? `${error.message}\n${stderr}` : stderr })
    })
  })
}

/** Runs what must succeed. */
export async function must(command: string, args: readonly string[], options: Parameters<typeof run>[2] = {}) {
  const ended = await run(command, args, options)
  if (ended.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${ended.status}:\n${ended.stderr}\n${ended.stdout}`)
  }
  return ended.stdout
}

/** A command line that runs as root, which chroot(2) asks for. */
export function asRoot(...command: string[]): [string, string[]] {
  const [first, ...rest] = process.getuid?.() === 0 ? command : ['sudo', '--non-interactive', ...command]
  return [first!, rest]
}

/** A binary of this repository: the one that `variable` names, or what `cargo build` left. */
export function binary(name: 'profile-worker' | 'local', variable: string): string {
  const places = [process.env[variable], join(REPOSITORY, 'target/debug', name)]
  const found = places.find((place) => place && existsSync(place))
  if (!found) throw new Error(`${name} is not built: cargo build -p worker -p local, or name it in ${variable}`)
  return found
}

/** A program that goes on. */
export class Running {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  stdout = ''
  stderr = ''

  constructor(command: string, args: readonly string[], env?: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.child.stdout!.on('data', (text) => (this.stdout += text))
    this.child.stderr!.on('data', (text) => (this.stderr += text))
    this.ended = new Promise((done) => {
      this.child.on('close', (status) => done(status))
      this.child.on('error', () => done(null))
    })
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return this.ended
  }
}

/** Asks until there is an answer. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const until = Date.now() + PATIENCE
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > until) throw new Error(`waited in vain: ${what}`)
    await new Promise((next) => setTimeout(next, 50))
  }
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}

/** The embedded endpoints, and the variables with which others find them. */
export async function localStack(): Promise<{ readonly env: Record<string, string>; readonly stack: Running }> {
  const stack = new Running(binary('local', 'LOCAL_BIN'), ['serve'])
  await eventually('the local stack serves', () => /^Serving/m.test(stack.stderr) || undefined)
  const env = Object.fromEntries([...stack.stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
  return { env, stack }
}
