// A pool whose PostConfirmation function was there already: it gets the permission and the variables, and stays the trigger.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { type Assembly, resourcesOf, stackOf, synthesise } from '../assembly.ts'
import { assertDeployable, assertOutputs, assertWorker, environmentOf, needs, only, statementsOf } from '../example.ts'

let assembly: Assembly
before(async () => {
  assembly = await synthesise('cases/existing-function/amplify', 'branch')
})

test('every stack can be deployed', () => assertDeployable(assembly))

test('the function that was there is the trigger, and may send', () => {
  const auth = stackOf(assembly, 'auth')
  const [id, lambda] = only(auth, 'AWS::Lambda::Function')
  const [, pool] = only(auth, 'AWS::Cognito::UserPool')
  assert.deepEqual(pool.Properties?.['LambdaConfig'], { PostConfirmation: { 'Fn::GetAtt': [id, 'Arn'] } })
  assert.match(String(lambda.Properties?.['Runtime']), /^nodejs/)

  const queue = resourcesOf(auth, 'AWS::SQS::Queue').find(([, { Properties }]) => Properties?.['RedrivePolicy'])?.[0]
  const variables = environmentOf(lambda)
  assert.deepEqual(variables['QUEUE_URL'], { Ref: queue })
  assert.equal(variables['ON_ENQUEUE_FAILURE'], 'pass')
  const sends = resourcesOf(auth, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties?.['Roles']) === JSON.stringify([{ Ref: roleOf(lambda) }]))
    .flatMap(([, policy]) => statementsOf(policy))
    .filter(({ Action }) => Action === 'sqs:SendMessage')
  assert.deepEqual(sends.map(({ Resource }) => Resource), [{ 'Fn::GetAtt': [queue, 'Arn'] }])
  assert.deepEqual(needs(assembly, 'auth'), [])
})

test('the worker is the same as ever', () => {
  assertWorker(assembly)
  assertOutputs(assembly)
})

function roleOf({ Properties }: { readonly Properties?: Readonly<Record<string, unknown>> }): string {
  return (Properties?.['Role'] as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0]
}
