// Amplify wraps what is thrown in the callback of `defineFunction`; prop, fault and mend must get through.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SynthesisFailed, synthesise } from '../assembly.ts'

test('what is wrong with the ingress is said', async () => {
  await assert.rejects(synthesise('cases/wrong-ingress/amplify', 'sandbox'), (error: unknown) => {
    assert.ok(error instanceof SynthesisFailed)
    assert.match(error.message, /auth\/Confirmations cannot be made:\n/)
    assert.match(error.message, /- deadLetterRetention: is not longer than `retention`; /)
    return true
  })
})
