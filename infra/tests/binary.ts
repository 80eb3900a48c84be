// The worker's binary, for tests that ask it: `PROFILE_WORKER`, else what `cargo build` leaves.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const PATH = process.env['PROFILE_WORKER'] ?? resolve(__dirname, '../../target/debug/profile-worker')

/** Given to `test()`: why there is nothing to ask, if so. */
export const WITH_BINARY = {
  skip: existsSync(PATH) ? false : `no binary at ${PATH}: cargo build -p worker, or set PROFILE_WORKER`,
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where nobody listens, so that a command ends with 69 as soon as its settings are read. */
const NOWHERE = {
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
  AWS_REGION: 'eu-central-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
}

/** Runs it with this environment and nothing of ours. */
export function profileWorker(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((ended) => {
    const child = execFile(PATH, [...args], { env: { ...NOWHERE, ...environment } }, (_, stdout, stderr) =>
      ended({ code: child.exitCode, stdout, stderr }),
    )
  })
}
