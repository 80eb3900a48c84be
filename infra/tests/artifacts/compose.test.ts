// compose.yaml without Docker: its commands and variables are those with which the real programs make a profile. What Docker
// itself would do with the file is not shown here; its schema is checked by the gate.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { compose } from './compose.ts'
import { confirmation, SUB } from './confirmation.ts'
import { asRoot, must, REPOSITORY } from './running.ts'

interface Scene {
  readonly sent: readonly { readonly sent: number; readonly bad_lines: number }[]
  readonly item: { readonly id: { readonly S: string } }
  readonly page: number
  readonly stopped: number
  readonly summary: { readonly created: number; readonly already_present: number }
}

test('who types `docker compose up` and confirms once more has one profile, and a page that says so', { timeout: 180_000 }, async () => {
  const scene = join(REPOSITORY, 'infra/tests/artifacts/compose-scene.ts')
  const inItsNetwork = 'ip link set lo up && exec "$@"'
  const node = [process.execPath, '--import', 'tsx', scene]
  const keep = ['PROFILE_WORKER_BIN', 'LOCAL_BIN'].flatMap((name) => (process.env[name] ? [`${name}=${process.env[name]}`] : []))
  const said = await must(...asRoot('env', ...keep, 'unshare', '--net', 'sh', '-c', inItsNetwork, 'sh', ...node))
  const { sent, item, page, stopped, summary } = JSON.parse(said) as Scene
  for (const each of sent) assert.deepEqual([each.sent, each.bad_lines], [1, 0])
  assert.equal(item.id.S, SUB)
  assert.equal(page, 200)
  assert.equal(stopped, 0)
  assert.deepEqual([summary.created, summary.already_present], [1, 1])
})

test('every service is built from a stage that is there, cannot write, and is reached by this machine alone', () => {
  const { services, configs } = compose()
  const stages = readFileSync(join(REPOSITORY, 'worker/Dockerfile'), 'utf8')
  for (const [name, service] of Object.entries(services)) {
    assert.match(stages, new RegExp(`^FROM \\S+ AS ${service.build.target}$`, 'm'), name)
    assert.equal(service.read_only, true, name)
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name)
  }
  assert.equal(readFileSync(join(REPOSITORY, configs.confirmation!.file), 'utf8'), `${confirmation()}\n`)
})
