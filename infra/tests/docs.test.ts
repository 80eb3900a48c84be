// What the docs show is what is there: the example backend, the settings of the standalone app, the list of props.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { SETTINGS } from '../src/standalone/settings.ts'

const INFRA = join(__dirname, '..')
const read = (path: string): string => readFileSync(join(INFRA, path), 'utf8')

test("the quick start's files are the example's", () => {
  const blocks = [...read('../docs/amplify.md').matchAll(/```ts\n\/\/ (amplify\/\S+)\n([\s\S]*?)```/g)]
  const shown = blocks.map(([, path, code]) => [path, code])
  const paths = ['auth/post-confirmation/resource.ts', 'auth/resource.ts', 'data/resource.ts', 'backend.ts']
  const there = paths.map((path) => [`amplify/${path}`, read(`tests/amplify-gen2/amplify/${path}`)])
  assert.deepEqual(shown, there)
})

test('every setting of the standalone app is in its table, as the program describes it', () => {
  const rows = read('../docs/standalone.md').split('\n').filter((line) => /^\| `\w+` \|/.test(line))
  const expected = Object.entries(SETTINGS).map(([name, [ifAbsent, meaning]]) => `| \`${name}\` | ${ifAbsent} | ${meaning} |`)
  assert.deepEqual(rows, expected)
})

test('API.md is what the sources say', () => {
  const out = mkdtempSync(join(tmpdir(), 'profile-worker-api-'))
  try {
    const typedoc = join(INFRA, 'node_modules/typedoc/bin/typedoc')
    execFileSync(process.execPath, [typedoc, '--logLevel', 'Error', '--out', out], { cwd: INFRA })
    assert.equal(read('API.md'), readFileSync(join(out, 'API.md'), 'utf8'), 'run `npm run api` and commit API.md')
  } finally {
    rmSync(out, { recursive: true })
  }
})
