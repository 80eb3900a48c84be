// `ampx sandbox`: queue and trigger, and instead of a service what the developer's own `profile-worker run` needs to know.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { type Assembly, everyStack, stackOf, synthesise } from '../assembly.ts'
import { assertDeployable, assertOutputs, assertSignUps, only } from '../example.ts'
import { Place } from '../values.ts'

let assembly: Assembly
before(async () => {
  assembly = await synthesise('amplify', 'sandbox')
})

test('every stack can be deployed', () => assertDeployable(assembly))

test('sign-ups are announced', () => assertSignUps(assembly))

test('amplify_outputs.json leads a worker on the developer machine', () => assertOutputs(assembly))

test('nothing is there that costs money by the hour', () => {
  const templates = everyStack(assembly.root).map(([, { template }]) => template)
  const types = templates.flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type))
  assert.deepEqual(types.filter((type) => /^AWS::(ECS|EC2|ApplicationAutoScaling|Scheduler|CloudWatch)::/.test(type)), [])
})

test('Amplify takes a function that is a part of another construct, and calls it by its own id', () => {
  const [, trigger] = only(stackOf(assembly, 'auth'), 'AWS::Lambda::Function')
  const tags = trigger.Properties?.['Tags'] as { Key: string; Value: string }[]
  assert.equal(tags.find(({ Key }) => Key === 'amplify:friendly-name')?.Value, 'Trigger')
  const defined = new Place(assembly.root).text(assembly.root.template.Outputs?.['definedFunctions']?.Value)
  assert.match(defined, /^\["ConfirmationsTrigger\w+"\]$/)
})
