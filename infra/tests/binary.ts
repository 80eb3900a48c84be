// The worker's binary, for tests that ask it: `PROFILE_WORKER`, else what `cargo build` leaves. It runs against a service
// that denies whatever is asked, so that a command whose settings are right ends with 69 at its first call.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
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

/** Starts the binary with these words and this environment, and nothing of ours. */
export type Ask = (
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  folder?: string,
) => Promise<Ended>

/** Hands over the binary for as long as `use` takes. */
export async function withDenied(use: (ask: Ask) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(403, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'denied' })
      response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'denied' }))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const aws = {
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
    AWS_REGION: 'eu-central-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }
  try {
    await use(
      (args, environment, cwd) =>
        new Promise((ended) => {
          const child = execFile(PATH, [...args], { cwd, env: { ...aws, ...environment } }, (_, stdout, stderr) =>
            ended({ code: child.exitCode, stdout, stderr }),
          )
        }),
    )
  } finally {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
}
