// The zip of the trigger: the one of the package is found or missed by name, and one that cannot run is refused.

import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { Stack } from 'aws-cdk-lib'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as s3 from 'aws-cdk-lib/aws-s3'

import { triggerCode, triggerZip } from '../src/ingress/trigger-code.ts'
import { Problems } from '../src/problems.ts'
import { errorOf, ingressIn, stackOf } from './ingress-stack.ts'
import { type Made, elf, triggerZipFile } from './trigger-zip.ts'

const { ARM_64, X86_64 } = lambda.Architecture

/** What is wrong with `code` for `architecture`; empty if nothing. */
function faults(code: lambda.Code | undefined, architecture: lambda.Architecture, root?: string): string {
  const problems = new Problems(new Stack())
  triggerCode(code, architecture, problems, root)
  try {
    problems.end()
  } catch (error) {
    return String(error)
  }
  return ''
}

const zip = (made: Made): lambda.Code => lambda.Code.fromAsset(triggerZipFile(made))

test('without code it is the zip of this package, by architecture', () => {
  const root = dirname(__dirname)
  assert.equal(triggerZip(ARM_64), join(root, 'assets', 'trigger-arm64.zip'))
  assert.equal(triggerZip(X86_64), join(root, 'assets', 'trigger-x86_64.zip'))
})

test('a zip that was not made is named, with what makes it', () => {
  const root = mkdtempSync(join(tmpdir(), 'package-'))
  const fault = faults(undefined, X86_64, root)
  assert.ok(fault.includes(join(root, 'assets', 'trigger-x86_64.zip')), fault)
  assert.match(fault, /code: .*npm run assets/)
  mkdirSync(join(root, 'assets'))
  cpSync(triggerZipFile({ machine: 'x86_64' }), triggerZip(X86_64, root))
  assert.equal(faults(undefined, X86_64, root), '')
  // The other one under this one's name.
  cpSync(triggerZipFile({ machine: 'arm64' }), triggerZip(X86_64, root))
  assert.match(faults(undefined, X86_64, root), /is built for arm64 and `architecture` is x86_64/)
})

test('the binary must be of the architecture, packed or not', () => {
  for (const deflated of [true, false]) {
    assert.equal(faults(zip({ machine: 'arm64', deflated }), ARM_64), '')
    assert.equal(faults(zip({ machine: 'x86_64', deflated }), X86_64), '')
    assert.match(faults(zip({ machine: 'x86_64', deflated }), ARM_64), /is built for x86_64 and `architecture` is arm64; set/)
    assert.match(faults(zip({ machine: 'riscv', deflated }), ARM_64), /is built for machine 243/)
  }
})

test('what cannot be started is refused', () => {
  assert.match(faults(zip({ name: 'producer-lambda' }), ARM_64), /has no `bootstrap` at its top; call the binary `bootstrap`/)
  assert.match(faults(zip({ mode: 0o644 }), ARM_64), /not executable; chmod 755 bootstrap/)
  assert.match(faults(zip({ content: Buffer.from('#!/bin/sh\nexit 0\n') }), ARM_64), /no 64-bit ELF binary/)
  const text = join(mkdtempSync(join(tmpdir(), 'text-')), 'trigger.zip')
  writeFileSync(text, 'not a zip at all, but long enough to be one')
  assert.match(faults(lambda.Code.fromAsset(text), ARM_64), /is no zip archive/)
  assert.match(faults(lambda.Code.fromAsset(join(dirname(text), 'gone.zip')), ARM_64), /gone\.zip is not there/)
})

test('a folder with a bootstrap is looked at as well, and one without is left to whoever bundles it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'folder-'))
  assert.equal(faults(lambda.Code.fromAsset(folder), ARM_64), '')
  writeFileSync(join(folder, 'bootstrap'), elf('x86_64'), { mode: 0o755 })
  assert.equal(faults(lambda.Code.fromAsset(folder), X86_64), '')
  assert.match(faults(lambda.Code.fromAsset(folder), ARM_64), /is built for x86_64/)
})

test('code that is no file of this machine cannot be looked at', () => {
  const bucket = s3.Bucket.fromBucketName(new Stack(), 'Bucket', 'zips')
  assert.equal(faults(lambda.Code.fromBucketV2(bucket, 'trigger.zip'), ARM_64), '')
})

test('a wrong zip stops the synthesis of the ingress', () => {
  const message = errorOf(() => ingressIn(stackOf(), { code: zip({ machine: 'x86_64' }) }))
  assert.match(message, /^Auth\/Confirmations cannot be made:\n  - code: .*trigger\.zip is built for x86_64/)
})
