// The package as it lies in node_modules: what would only show at a user's.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

test('it is no link, and shares aws-cdk-lib and constructs with the application', () => {
  assert.equal(lstatSync(`${HERE}node_modules/profile-worker-cdk`).isSymbolicLink(), false)
  const theirs = createRequire(require.resolve('profile-worker-cdk'))
  for (const name of ['aws-cdk-lib', 'constructs']) assert.equal(theirs.resolve(name), require.resolve(name))
})

test('Node itself finds its names, from a module and by require', () => {
  const names = "console.log(typeof p.ConfirmationIngress, typeof p.ProfileWorker, typeof p.USER_PROFILE)"
  const run = (...args: readonly string[]): string => execFileSync(process.execPath, args, { cwd: HERE, encoding: 'utf8' })
  assert.equal(run('--input-type=module', '-e', `import { ConfirmationIngress, ProfileWorker, USER_PROFILE } from 'profile-worker-cdk'; const p = { ConfirmationIngress, ProfileWorker, USER_PROFILE }; ${names}`), 'function function object\n')
  assert.equal(run('--input-type=commonjs', '-e', `const p = require('profile-worker-cdk'); ${names}`), 'function function object\n')
})

test('it carries no tests and no sources', () => {
  const root = `${HERE}node_modules/profile-worker-cdk/`
  assert.deepEqual(['src', 'tests', 'tsconfig.json'].filter((name) => existsSync(root + name)), [])
})
