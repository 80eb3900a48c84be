// The example's backend, with the rule that the documentation advises: owners read and update what the worker has written,
// and nobody else does anything.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { type Assembly, synthesise } from '../../amplify-gen2/assembly.ts'
import { customOutputs } from '../../amplify-gen2/values.ts'
import { type Api, run } from '../api.ts'
import { NEWCOMER, OWNERS, PLAIN, POOL, STRANGER } from '../people.ts'
import { type Product, start } from '../product.ts'
import { CREATE, DELETE, GET, LIST, UPDATE } from '../queries.ts'

let product: Product
let api: Api
let assembly: Assembly

before(async () => {
  product = await start()
  assembly = await synthesise('amplify', 'sandbox')
  api = await run(assembly, product.table)
  const { received, created, drained } = await product.confirm(OWNERS)
  assert.deepEqual({ received, created, drained }, { received: OWNERS.length, created: OWNERS.length, drained: true })
})

after(async () => {
  await api?.stop()
  await product?.stop()
})

for (const owner of OWNERS) {
  test(`an owner ${owner.is} gets and lists his row, and updates it`, async () => {
    const got = await api.as(owner, GET, { id: owner.sub })
    assert.equal(got.errors, undefined)
    const { createdAt, ...profile } = got.data?.['getUserProfile']
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.deepEqual(profile, {
      id: owner.sub,
      email: owner.email ?? null,
      // Amplify shows of the owner what stands behind the last separator.
      profileOwner: owner.username.split('::').at(-1),
      updatedAt: createdAt,
    })

    const listed = await api.as(owner, LIST)
    assert.equal(listed.errors, undefined)
    assert.deepEqual(listed.data?.['listUserProfiles'], { items: [{ ...profile, createdAt }], nextToken: null })

    const updated = await api.as(owner, UPDATE, { input: { id: owner.sub, email: 'new@example.net' } })
    assert.equal(updated.errors, undefined)
    assert.equal(updated.data?.['updateUserProfile'].email, 'new@example.net')
    assert.equal(updated.data?.['updateUserProfile'].createdAt, createdAt)
  })
}

test('what an owner has edited stays when his confirmation comes once more', async () => {
  await api.as(PLAIN, UPDATE, { input: { id: PLAIN.sub, email: 'edited@example.net' } })
  const { received, already_present } = await product.confirm([PLAIN])
  assert.deepEqual({ received, already_present }, { received: 1, already_present: 1 })
  const { data } = await api.as(PLAIN, GET, { id: PLAIN.sub })
  assert.equal(data?.['getUserProfile'].email, 'edited@example.net')
})

test('a stranger may neither get nor update it, and lists nothing', async () => {
  for (const [query, variables] of [
    [GET, { id: PLAIN.sub }],
    [UPDATE, { input: { id: PLAIN.sub, email: STRANGER.email } }],
  ] as const) {
    const { data, errors } = await api.as(STRANGER, query, variables)
    assert.deepEqual(Object.values(data ?? {}), [null])
    assert.match(errors?.[0]?.message ?? '', /^Not Authorized|^Unauthorized/)
  }
  const { data, errors } = await api.as(STRANGER, LIST)
  assert.equal(errors, undefined)
  assert.deepEqual(data?.['listUserProfiles'].items, [])
})

test('a profile that is not written yet is null, without an error', async () => {
  assert.deepEqual(await api.as(STRANGER, GET, { id: STRANGER.sub }), { data: { getUserProfile: null } })
})

test('an owner may neither create nor delete', async () => {
  for (const [query, input] of [
    [CREATE, { email: PLAIN.email }],
    [CREATE, { id: STRANGER.sub, email: PLAIN.email }],
    [DELETE, { id: PLAIN.sub }],
  ] as const) {
    const { data, errors } = await api.as(PLAIN, query, { input })
    assert.deepEqual(Object.values(data ?? {}), [null])
    assert.match(errors?.[0]?.message ?? '', /^Not Authorized|^Unauthorized/)
  }
  const { data } = await api.as(PLAIN, LIST)
  assert.equal(data?.['listUserProfiles'].items.length, 1)
})

test('a worker that knows nothing but amplify_outputs.json of the sandbox serves it', async () => {
  const names = Object.keys(customOutputs(assembly))
  const profileWorker = Object.fromEntries(names.map((name) => [name, product.places[name]]))
  const { received, created } = await product.confirm([NEWCOMER], { custom: { profileWorker }, auth: { user_pool_id: POOL } })
  assert.deepEqual({ received, created }, { received: 1, created: 1 })
  const { data } = await api.as(NEWCOMER, GET, { id: NEWCOMER.sub })
  assert.equal(data?.['getUserProfile'].email, NEWCOMER.email)
})
