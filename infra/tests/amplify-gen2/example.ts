// What must hold of the example wherever it is deployed, read from its templates.

import assert from 'node:assert/strict'

import { Template } from 'aws-cdk-lib/assertions'

import { type Assembly, everyStack, type Resource, resourcesOf, type Stack, stackOf } from './assembly.ts'
import { circle, dependencies, stackEdges } from './graph.ts'
import { customOutputs, Place } from './values.ts'

/** Amplify's name of the table of a model: the API's id and the literal NONE. */
export const TABLE = /^UserProfile-[\w.]+-NONE$/

/** CloudFormation takes each template: no circle in any, none empty, none beyond its quotas. */
export function assertDeployable(assembly: Assembly): void {
  for (const [name, { template, bytes }] of everyStack(assembly.root)) {
    const resources = Object.keys(template.Resources).length
    assert.equal(circle(dependencies(template)), undefined, name)
    assert.ok(resources > 0 && resources <= 500, `${name} has ${resources} resources`)
    assert.ok(bytes <= 1_000_000, `${name} has ${bytes} bytes`)
    // The CDK's own look for circles.
    Template.fromJSON(template as never)
  }
}

/** The sign-up's side stands in the pool's stack, complete, and needs no other stack. */
export function assertSignUps(assembly: Assembly): void {
  const auth = stackOf(assembly, 'auth')
  const [triggerId, trigger] = only(auth, 'AWS::Lambda::Function')
  const [poolId, pool] = only(auth, 'AWS::Cognito::UserPool')
  assert.deepEqual(pool.Properties?.['LambdaConfig'], { PostConfirmation: { 'Fn::GetAtt': [triggerId, 'Arn'] } })
  const [, permission] = only(auth, 'AWS::Lambda::Permission')
  assert.deepEqual(permission.Properties, {
    Action: 'lambda:InvokeFunction',
    FunctionName: { 'Fn::GetAtt': [triggerId, 'Arn'] },
    Principal: 'cognito-idp.amazonaws.com',
    SourceArn: { 'Fn::GetAtt': [poolId, 'Arn'] },
  })

  const queues = resourcesOf(auth, 'AWS::SQS::Queue')
  const [queueId] = queues.find(([, { Properties }]) => Properties?.['RedrivePolicy']) ?? assert.fail('no queue redrives')
  assert.equal(queues.length, 2)
  assert.equal(trigger.Properties?.['Runtime'], 'provided.al2023')
  // Amplify adds a variable of its own to a function that it is given, and leaves ours.
  const { QUEUE_URL, AMPLIFY_SSM_ENV_CONFIG } = environmentOf(trigger)
  assert.deepEqual(QUEUE_URL, { Ref: queueId })
  assert.equal(AMPLIFY_SSM_ENV_CONFIG, '{}')

  assert.deepEqual(needs(assembly, 'auth'), [])
  assert.deepEqual(needs(assembly, 'data'), ['auth'])
  assert.doesNotMatch(JSON.stringify(auth.template), /dynamodb:|appsync:/)
}

/** The worker in its own stack may write Amplify's table, and no other stack knows of it. */
export function assertWorker(assembly: Assembly): void {
  const worker = placeOf(assembly, 'ProfileWorker')
  assert.equal(worker.resources('AWS::ECS::Service').length, 1)
  const tasks = worker.resources('AWS::ECS::TaskDefinition')
  const [, task] = tasks.find(([id]) => /^WorkerTask/.test(id)) ?? assert.fail('no task')
  const [container] = task.Properties?.['ContainerDefinitions'] as [{ Environment: { Name: string; Value: unknown }[] }]
  const environment = new Map(container.Environment.map(({ Name, Value }) => [Name, worker.text(Value)]))
  assert.match(environment.get('TABLE_NAME') ?? '', TABLE)
  assert.match(environment.get('QUEUE_URL') ?? '', /^Confirmations(Receiver)?Queue\w+$/)
  assert.match(environment.get('USER_POOL_IDS') ?? '', /^amplifyAuthUserPool\w+$/)

  const statements = worker.resources('AWS::IAM::Policy').flatMap(([, policy]) => statementsOf(policy))
  const writes = statements.filter(({ Action }) => [Action].flat().includes('dynamodb:PutItem'))
  assert.ok(writes.length > 0)
  for (const { Resource } of writes) {
    assert.match(worker.text(Resource), /^arn:aws:dynamodb:eu-central-1:111122223333:table\/UserProfile-[\w.]+-NONE$/)
  }
  assert.deepEqual(needs(assembly, 'ProfileWorker'), ['auth', 'data'])
}

/** What `backend.addOutput` puts into amplify_outputs.json, for `profile-worker run --amplify-outputs`. */
export function assertOutputs(assembly: Assembly): void {
  const { queueUrl, deadLetterQueueUrl, tableName, ...rest } = customOutputs(assembly)
  assert.match(queueUrl!, /^Confirmations(Receiver)?Queue\w+$/)
  assert.match(deadLetterQueueUrl!, /^ConfirmationsDeadLetters\w+$/)
  assert.match(tableName!, TABLE)
  assert.deepEqual(rest, {})
}

/** The stacks that have to be there before this one. */
export function needs(assembly: Assembly, name: string): readonly string[] {
  return [...(stackEdges(assembly.root).get(name) ?? assert.fail(`no stack ${name}`))].sort()
}

export function placeOf(assembly: Assembly, name: string): Place {
  const stack = stackOf(assembly, name)
  return new Place(assembly.root).everywhere().find((place) => place.stack === stack) ?? assert.fail(name)
}

export function only(stack: Stack, type: string): readonly [string, Resource] {
  const found = resourcesOf(stack, type)
  assert.equal(found.length, 1, `${type}: ${found.map(([id]) => id).join(', ')}`)
  return found[0]!
}

export function environmentOf(lambda: Resource): Readonly<Record<string, unknown>> {
  return (lambda.Properties?.['Environment'] as { Variables: Record<string, unknown> }).Variables
}

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

export function statementsOf(policy: Resource): readonly Statement[] {
  return (policy.Properties?.['PolicyDocument'] as { Statement: Statement[] }).Statement
}
