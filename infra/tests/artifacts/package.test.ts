// The npm package: what is in it, and that it can be used as it is packed. RELEASE=1 asks for all that a release must have.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { must, REPOSITORY } from './running.ts'

const INFRA = join(REPOSITORY, 'infra')
const released = process.env.RELEASE === '1'

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

describe('the npm package', { timeout: 300_000 }, () => {
  let dir: string
  let packed: Packed
  let files: Set<string>
  let manifest: { main: string; types: string; license: string; config?: { image?: string }; dependencies?: object }
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'package-'))
    await must('npm', ['run', 'build', '--silent'], { cwd: INFRA })
    const said = await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], { cwd: INFRA })
    packed = (JSON.parse(said) as Packed[])[0]!
    files = new Set(packed.files.map((file) => file.path))
    await must('tar', ['-xzf', join(dir, packed.filename), '-C', dir])
    manifest = JSON.parse(readFileSync(join(dir, 'package/package.json'), 'utf8')) as typeof manifest
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  test('has the code, its types and its licence', () => {
    for (const path of [manifest.main, manifest.types, 'LICENSE']) assert.ok(files.has(path), path)
    assert.equal(readFileSync(join(dir, 'package/LICENSE'), 'utf8'), readFileSync(join(REPOSITORY, 'LICENSE'), 'utf8'))
  })

  test('carries every zip that has been made, as it is', () => {
    const made = ['x86_64', 'arm64'].map((name) => `assets/trigger-${name}.zip`).filter((path) => existsSync(join(INFRA, path)))
    assert.ok(made.length >= (released ? 2 : 1), 'npm run assets')
    for (const path of made) {
      assert.ok(files.has(path), path)
      assert.ok(readFileSync(join(dir, 'package', path)).equals(readFileSync(join(INFRA, path))), path)
    }
  })

  test('has no sources, tests, settings or anything else that nobody there needs', () => {
    const known = /^(lib\/|assets\/trigger-(x86_64|arm64)\.zip$|templates\/|package\.json$|LICENSE$|README\.md$|API\.md$)/
    for (const path of files) {
      assert.match(path, known)
      assert.ok(!path.endsWith('.ts') || path.endsWith('.d.ts'), path)
      assert.doesNotMatch(path, /(^|\/)(tests?|node_modules|\.env[^/]*|\.npmrc)(\/|$)/)
    }
  })

  test('can be required where there is the CDK and nothing else', async () => {
    const script = 'const all = require(process.argv[1]); console.log(typeof all.ConfirmationIngress, typeof all.ProfileWorker)'
    const env = { ...process.env, NODE_PATH: join(INFRA, 'node_modules') }
    assert.equal(manifest.dependencies, undefined, 'what the package needs is the peers that every CDK app has')
    assert.equal(await must(process.execPath, ['-e', script, join(dir, 'package')], { env, cwd: dir }), 'function function\n')
  })

  test('of a release names an image by digest and has the templates', { skip: released ? false : 'this is no release' }, () => {
    assert.match(manifest.config?.image ?? '', /^ghcr\.io\/.+@sha256:[0-9a-f]{64}$/)
    assert.ok([...files].some((path) => path.startsWith('templates/')), 'templates')
    assert.ok(files.has('README.md') && files.has('API.md'), 'documents')
  })
})
