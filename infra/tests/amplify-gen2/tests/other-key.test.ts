// A schema whose table has another key than the model is refused now, and not by a worker that ends with 78.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SynthesisFailed, synthesise } from '../assembly.ts'

test("the key of Amplify's table is known, and one that does not fit the model is an error", async () => {
  await assert.rejects(synthesise('cases/other-key/amplify', 'sandbox'), (error: unknown) => {
    assert.ok(error instanceof SynthesisFailed)
    assert.match(error.message, /ProfileWorker\/Worker cannot be made:\n/)
    assert.match(error.message, /- model\.key: the model's key is \(id\), the table's is \(profileOwner\); /)
    return true
  })
})
