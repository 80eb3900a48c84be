// What no linter knows of the workflows: that they run what there is to run, and what a release takes for granted.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { parse } from 'yaml'

import { REPOSITORY } from './running.ts'

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly 'timeout-minutes'?: number
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> }
}

interface Workflow {
  readonly permissions?: unknown
  readonly jobs: Readonly<Record<string, Job>>
}

const FOLDER = join(REPOSITORY, '.github/workflows')
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8')
const workflows = readdirSync(FOLDER).map((name) => [name, parse(read(`.github/workflows/${name}`)) as Workflow] as const)

test('every job has the permissions that it names and no others, and an end', () => {
  assert.ok(workflows.length >= 4)
  for (const [name, { permissions, jobs }] of workflows) {
    assert.deepEqual(permissions, {}, name)
    for (const [id, job] of Object.entries(jobs)) {
      assert.ok(job.permissions, `${name}: ${id}`)
      assert.ok(job['timeout-minutes'], `${name}: ${id}`)
    }
  }
})

test('only a release writes, and no job can write to two places', () => {
  for (const [name, { jobs }] of workflows) {
    for (const [id, { permissions = {} }] of Object.entries(jobs)) {
      const writes = Object.keys(permissions).filter((scope) => permissions[scope] === 'write')
      if (name !== 'release.yml') assert.deepEqual(writes, [], `${name}: ${id}`)
      assert.ok(!(writes.includes('contents') && writes.includes('packages')), `${name}: ${id}`)
    }
  }
})

test('the nightly run has every stage of .ci/nightly', () => {
  const stages = [...read('.ci/nightly').matchAll(/^stage (\S+) \d+ /gm)].map((match) => match[1])
  const nightly = workflows.find(([name]) => name === 'nightly.yml')![1]
  assert.deepEqual(nightly.jobs.stage!.strategy!.matrix.stage, stages.filter((name) => name !== 'tools'))
})

test('the images that a release pins are named once, by version', () => {
  for (const name of ['BUILDER', 'BASE']) {
    const named = [...read('worker/Dockerfile').matchAll(new RegExp(`^ARG ${name}=(.+)$`, 'gm'))].map((match) => match[1]!)
    assert.equal(named.length, 1, name)
    assert.match(named[0]!, /^[a-z.]+\/[\w/-]+:(?!latest)[\w.-]+$/, name)
  }
})

test('the versions that a release compares are one version', () => {
  const crates = /^\[workspace\.package\]\nversion = "(.+)"$/m.exec(read('Cargo.toml'))?.[1]
  assert.equal((JSON.parse(read('infra/package.json')) as { version: string }).version, crates)
  assert.match(read('worker/Dockerfile'), new RegExp(`^ARG VERSION=${crates}$`, 'm'))
})
