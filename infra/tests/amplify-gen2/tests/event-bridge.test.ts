// Confirmations through EventBridge, with bus, rule and queue beside the worker: the pool's stack refers to nothing at all.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { type Assembly, stackOf, synthesise } from '../assembly.ts'
import { assertDeployable, assertWorker, environmentOf, needs, only, placeOf, statementsOf } from '../example.ts'

let assembly: Assembly
before(async () => {
  assembly = await synthesise('cases/event-bridge/amplify', 'branch')
})

test('every stack can be deployed', () => assertDeployable(assembly))

test('the trigger knows the bus by its name alone', () => {
  const auth = stackOf(assembly, 'auth')
  const [, lambda] = only(auth, 'AWS::Lambda::Function')
  const [, bus] = only(stackOf(assembly, 'ProfileWorker'), 'AWS::Events::EventBus')
  const { EVENT_BUS_NAME, QUEUE_URL } = environmentOf(lambda)
  assert.equal(QUEUE_URL, undefined)
  assert.equal(EVENT_BUS_NAME, bus.Properties?.['Name'])
  assert.match(String(EVENT_BUS_NAME), /^[\w-]+$/)

  const place = placeOf(assembly, 'auth')
  const puts = place
    .resources('AWS::IAM::Policy')
    .flatMap(([, policy]) => statementsOf(policy))
    .filter(({ Action }) => Action === 'events:PutEvents')
  assert.equal(puts.length, 1)
  assert.ok(place.text(puts[0]!.Resource).endsWith(`:event-bus/${EVENT_BUS_NAME}`))
  assert.deepEqual(needs(assembly, 'auth'), [])
})

test('the worker is the same as ever', () => assertWorker(assembly))
