// Deploys the templates as they are in the repository into an engine of another origin, and lets the real trigger and
// the real worker work with what came out. Not shown here: that AWS takes them. The engine checks types, references and
// conditions, and few properties; it starts no task.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs'

import { type Container, Trigger, runWorker } from './binaries.ts'
import { type Deployed, deploy } from './cloudformation.ts'
import { CREDENTIALS, type Engine, REGION, call, signature, startEngine } from './engine.ts'

const ROOT = join(__dirname, '..', '..', '..')
const template = (name: string): string =>
  readFileSync(join(ROOT, 'infra', 'templates', `${name}.template.json`), 'utf8')
const fixture = (path: string): string => readFileSync(join(ROOT, 'domain', 'tests', 'fixtures', path), 'utf8')

const INGRESS = template('profile-ingress')
const WORKER = template('profile-worker')

/**
 * Beside what the ingress has put out. As many tasks at least as at most: the engine knows no scaling. Paused: it counts with a
 * number that is a parameter as if it were text, and has no containers to run anyway.
 */
const OF_THE_WORKER = {
  VpcId: 'vpc-0123456789abcdef0',
  SubnetA: 'subnet-0123456789abcdef0',
  SubnetB: 'subnet-0123456789abcdef1',
  Image: 'example.com/profile-worker:1',
  MinTasks: '1',
  MaxTasks: '1',
  Paused: 'yes',
}

let engine: Engine
let ingress: Deployed
let worker: Deployed
let container: Container
let trigger: Trigger

before(async () => {
  engine = await startEngine()
  ingress = await deploy(engine, 'ingress', INGRESS, { TriggerCodeBucket: 'code', TriggerCodeKey: 'trigger.zip' })
  worker = await deploy(engine, 'worker', WORKER, { ...ingress.outputs, ...OF_THE_WORKER })
  container = await containerOfService()
  const functionName = output(ingress, 'FunctionName')
  trigger = await Trigger.start(engine, await environmentOfFunction(functionName), functionName)
})

after(async () => {
  await trigger?.stop()
  await engine?.stop()
})

test('the engine takes every resource but those of scaling', async () => {
  const all = typesIn(WORKER, () => true)
  const untaken = ['AWS::ApplicationAutoScaling::ScalableTarget', 'AWS::ApplicationAutoScaling::ScalingPolicy']
  const scaling = deploy(engine, 'scaling', WORKER, {
    ...ingress.outputs,
    ...OF_THE_WORKER,
    MaxTasks: '4',
    Paused: 'no',
  })
  await assert.rejects(scaling, new RegExp(`Unrecognized resource types: \\[${untaken.join(', ')}\\]`))
  const running = deploy(engine, 'running', WORKER, { ...ingress.outputs, ...OF_THE_WORKER, Paused: 'no' })
  await assert.rejects(
    running,
    /ROLLBACK_COMPLETE: \w+Service\w+: unsupported operand type/,
    'deploy without Paused now',
  )
  const conditional = typesIn(WORKER, (condition) => condition === 'Scales')
  assert.deepEqual(conditional, [
    'AWS::ApplicationAutoScaling::ScalableTarget',
    'AWS::ApplicationAutoScaling::ScalingPolicy',
    'AWS::CloudWatch::Alarm',
  ])
  assert.deepEqual(
    worker.types,
    typesIn(WORKER, (condition) => condition === undefined),
  )
  assert.deepEqual(
    all.filter((type) => !worker.types.includes(type)),
    conditional,
  )
  assert.deepEqual(
    ingress.types,
    typesIn(INGRESS, (condition) => condition !== 'TakesUserPool'),
  )
})

test('the queues are as the worker demands', async () => {
  const queue = await attributes(output(ingress, 'QueueUrl'))
  const deadLetters = await attributes(output(ingress, 'DeadLetterQueueUrl'))
  assert.deepEqual(JSON.parse(queue.RedrivePolicy ?? ''), {
    deadLetterTargetArn: deadLetters.QueueArn,
    maxReceiveCount: 100,
  })
  assert.deepEqual(JSON.parse(deadLetters.RedriveAllowPolicy ?? ''), {
    redrivePermission: 'byQueue',
    sourceQueueArns: [queue.QueueArn],
  })
  assert.equal(Number(queue.MessageRetentionPeriod), 4 * 24 * 3600)
  assert.equal(Number(deadLetters.MessageRetentionPeriod), 14 * 24 * 3600)
  assert.ok(Number(queue.VisibilityTimeout) >= 60)
  for (const { SqsManagedSseEnabled, Policy, QueueArn } of [queue, deadLetters]) {
    assert.equal(SqsManagedSseEnabled, 'true')
    const statements = (
      JSON.parse(Policy ?? '') as { Statement: { Effect: string; Condition: object; Resource: string }[] }
    ).Statement
    const withoutTls = statements.find(
      ({ Condition }) => JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
    )
    assert.deepEqual([withoutTls?.Effect, withoutTls?.Resource], ['Deny', QueueArn])
  }
})

test('a confirmation becomes an item, and the same confirmation again no second one', async () => {
  const event = JSON.stringify({
    ...JSON.parse(fixture('events/self-sign-up.json')),
    userPoolId: output(ingress, 'UserPoolId'),
  })
  for (const outcome of ['created', 'already_present']) {
    const answer = await trigger.confirm(event)
    assert.deepEqual([answer.kind, JSON.parse(answer.body)], ['response', JSON.parse(event)])
    const summary = await runWorker(engine, container)
    assert.deepEqual([summary.received, summary[outcome], summary.drained], [1, 1, true])
    const rows = await items()
    assert.equal(rows.length, 1)
    const { createdAt, updatedAt, ...rest } = rows[0] ?? {}
    const {
      createdAt: _,
      updatedAt: __,
      ...expected
    } = JSON.parse(fixture('items/self-sign-up.json')) as Record<string, unknown>
    assert.deepEqual(rest, expected)
    assert.deepEqual(createdAt, updatedAt)
  }
})

test('what can never become an item is in the dead-letter queue, with the reason', async () => {
  const sqs = client()
  const body = '{"v":1,"kind":"user.confirmed"'
  await sqs.send(new SendMessageCommand({ QueueUrl: output(ingress, 'QueueUrl'), MessageBody: body }))
  // Of a pool that is not the stack's.
  await trigger.confirm(fixture('events/self-sign-up.json'))
  const summary = await runWorker(engine, container)
  assert.deepEqual([summary.received, summary.rejected], [2, 2])
  assert.equal((await items()).length, 1)
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: output(ingress, 'DeadLetterQueueUrl'),
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
    }),
  )
  const reasons = Messages.map(({ MessageAttributes }) => {
    return (JSON.parse(MessageAttributes?.['profile_worker.quarantine']?.StringValue ?? '{}') as { reason?: string })
      .reason
  })
  assert.deepEqual(reasons.sort(), ['not_json', 'pool_not_allowed'])
  assert.ok(Messages.some((message) => message.Body === body))
})

function output(of: Deployed, name: string): string {
  const value = of.outputs[name]
  assert.ok(value, `there is no output ${name}`)
  return value
}

/** Types of the resources whose condition is wanted, each once, sorted. */
function typesIn(text: string, wanted: (condition: string | undefined) => boolean): readonly string[] {
  const { Resources } = JSON.parse(text) as { Resources: Record<string, { Type: string; Condition?: string }> }
  const types = Object.values(Resources)
    .filter(({ Condition }) => wanted(Condition))
    .map(({ Type }) => Type)
  return [...new Set(types)].sort()
}

const client = (): SQSClient => new SQSClient({ endpoint: engine.endpoint, region: REGION, credentials: CREDENTIALS })

async function attributes(QueueUrl: string): Promise<Readonly<Record<string, string>>> {
  const { Attributes } = await client().send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
  return Attributes as Record<string, string>
}

async function items(): Promise<readonly Record<string, unknown>[]> {
  const dynamodb = new DynamoDBClient({ endpoint: engine.endpoint, region: REGION, credentials: CREDENTIALS })
  const { Items = [] } = await dynamodb.send(
    new ScanCommand({ TableName: output(ingress, 'TableName'), ConsistentRead: true }),
  )
  return Items
}

/** What the engine says that the function is told. */
async function environmentOfFunction(name: string): Promise<Readonly<Record<string, string>>> {
  const answer = await fetch(`${engine.endpoint}/2015-03-31/functions/${name}`, { headers: signature('lambda') })
  const { Configuration } = (await answer.json()) as {
    Configuration: { Environment: { Variables: Record<string, string> } }
  }
  return Configuration.Environment.Variables
}

/** What the engine says that the service runs: its task definition, by the service's own reference. */
async function containerOfService(): Promise<Container> {
  const ecs = (operation: string, body: object): Promise<any> =>
    call(engine, 'ecs', `AmazonEC2ContainerServiceV20141113.${operation}`, body)
  const { services } = await ecs('DescribeServices', {
    cluster: output(worker, 'ClusterName'),
    services: [output(worker, 'ServiceName')],
  })
  const { taskDefinition } = await ecs('DescribeTaskDefinition', { taskDefinition: services[0].taskDefinition })
  const main = taskDefinition.containerDefinitions.find((one: { name: string }) => one.name === 'worker')
  return {
    command: main.command,
    environment: Object.fromEntries(
      main.environment.map(({ name, value }: { name: string; value: string }) => [name, value]),
    ),
  }
}
