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
  const names = '{ ConfirmationIngress, ProfileWorker, USER_PROFILE }'
  const say = 'console.log(typeof ConfirmationIngress, typeof ProfileWorker, typeof USER_PROFILE)'
  const run = (type: string, first: string): string =>
    execFileSync(process.execPath, [`--input-type=${type}`, '-e', `${first}; ${say}`], { cwd: HERE, encoding: 'utf8' })
  assert.equal(run('module', `import ${names} from 'profile-worker-cdk'`), 'function function object\n')
  assert.equal(run('commonjs', `const ${names} = require('profile-worker-cdk')`), 'function function object\n')
})

test('it carries no tests and no sources', () => {
  const root = `${HERE}node_modules/profile-worker-cdk/`
  assert.deepEqual(['src', 'tests', 'tsconfig.json'].filter((name) => existsSync(root + name)), [])
})
