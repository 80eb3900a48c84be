// Controls, on the documented page's own backend: what goes wrong there goes wrong here too, so that the tests beside this
// one would see it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'

import { synthesise } from '../../amplify-gen2/assembly.ts'
import { type Api, run } from '../api.ts'
import { PLAIN, STRANGER } from '../people.ts'
import { type Product, start } from '../product.ts'
import { CREATE, DELETE, GET, LIST } from '../queries.ts'

let product: Product
let api: Api

before(async () => {
  product = await start()
  api = await run(await synthesise('cases/documented/amplify', 'sandbox'), product.table)
})

after(async () => {
  await api?.stop()
  await product?.stop()
})

test("a row without timestamps breaks its owner's list", async () => {
  const dynamodb = new DynamoDBClient({
    endpoint: product.table.endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const Item = {
    id: { S: STRANGER.sub },
    __typename: { S: 'UserProfile' },
    profileOwner: { S: `${STRANGER.sub}::${STRANGER.username}` },
  }
  await dynamodb.send(new PutItemCommand({ TableName: product.table.name, Item }))
  dynamodb.destroy()
  const { data, errors } = await api.as(STRANGER, LIST)
  assert.deepEqual(data?.['listUserProfiles'].items, [null])
  assert.match(errors?.[0]?.message ?? '', /Cannot return null for non-nullable field UserProfile\.createdAt/)
})

test('two identical creates make two rows, and their owner may delete them', async () => {
  const ids = []
  for (let n = 0; n < 2; n += 1) {
    const { data, errors } = await api.as(PLAIN, CREATE, { input: { email: PLAIN.email } })
    assert.equal(errors, undefined)
    ids.push(data?.['createUserProfile'].id)
  }
  const listed = async (): Promise<readonly string[]> =>
    (await api.as(PLAIN, LIST)).data?.['listUserProfiles'].items.map(({ id }: { id: string }) => id)
  assert.deepEqual(new Set(await listed()), new Set(ids))
  assert.equal((await listed()).length, 2)

  const { errors } = await api.as(PLAIN, DELETE, { input: { id: ids[0] } })
  assert.equal(errors, undefined)
  assert.deepEqual(await listed(), [ids[1]])
})

test("an owner may take another user's id before his profile is written, and the worker leaves it alone", async () => {
  const victim = { ...PLAIN, sub: '0f6a1c2e-0b7d-4c55-8a41-77b7c0d9e133', username: '0f6a1c2e-0b7d-4c55-8a41-77b7c0d9e133' }
  const { errors } = await api.as(PLAIN, CREATE, { input: { id: victim.sub, email: 'squatted@example.net' } })
  assert.equal(errors, undefined)
  const { received, created, owner_conflict } = await product.confirm([victim])
  assert.deepEqual({ received, created, owner_conflict }, { received: 1, created: 0, owner_conflict: 1 })
  const { data } = await api.as(PLAIN, GET, { id: victim.sub })
  assert.equal(data?.['getUserProfile'].email, 'squatted@example.net')
})
