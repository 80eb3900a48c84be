// The service as it is deployed: what the task may do to the machine, when it is well, how it is stopped and replaced,
// and what there is when it is paused or runs elsewhere.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { type Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager'

import { ConfirmationIngress, ProfileWorker, USER_PROFILE } from '../src/index.ts'
import { publishedImage } from '../src/worker/image.ts'
import { triggerZipFile } from './trigger-zip.ts'
import { EVERY_SETTING, IMAGE, VPC, environmentOf, least, made, runTask, surroundings, workerContainer } from './worker-stack.ts'

const plain = made()

test('the container is nobody, may change nothing and has no capability', () => {
  const container = workerContainer(plain.template)
  assert.equal(container.User, '65532:65532')
  assert.equal(container.ReadonlyRootFilesystem, true)
  assert.equal(container.Privileged, false)
  assert.deepEqual(container.LinuxParameters, { Capabilities: { Drop: ['ALL'] } })
  assert.deepEqual(container.Command, ['run'])
  assert.equal(container.Image, IMAGE)
  // The image's own entry point is the binary; another one would be a shell's way in.
  assert.equal(container.EntryPoint, undefined)
  assert.equal(container.PortMappings, undefined)
  plain.template.allResourcesProperties('AWS::ECS::Service', { EnableExecuteCommand: false })
})

test('Graviton unless said otherwise', () => {
  assert.deepEqual(runTask(plain.template).RuntimePlatform, {
    CpuArchitecture: 'ARM64',
    OperatingSystemFamily: 'LINUX',
  })
  const { template } = made({ architecture: ecs.CpuArchitecture.X86_64, capacity: { cpu: 1024, memory: 3072 } })
  const { RuntimePlatform, Cpu, Memory } = runTask(template)
  assert.deepEqual(
    [RuntimePlatform, Cpu, Memory],
    [{ CpuArchitecture: 'X86_64', OperatingSystemFamily: 'LINUX' }, '1024', '3072'],
  )
})

test('the first health check comes after the two minutes in which refused permissions still pass', () => {
  const { HealthCheck } = workerContainer(plain.template) as { HealthCheck?: Record<string, unknown> }
  assert.deepEqual(HealthCheck, {
    Command: ['CMD', '/profile-worker', 'health'],
    Interval: 150,
    Timeout: 10,
    Retries: 2,
  })
})

test('a deployment that is not well is rolled back, and the old tasks stay until the new are well', () => {
  plain.template.hasResourceProperties('AWS::ECS::Service', {
    DesiredCount: 1,
    DeploymentConfiguration: {
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
    },
  })
})

test('logs go to a group of their own, expire, and are dropped before the worker waits for them', () => {
  plain.template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
  const { LogConfiguration } = workerContainer(plain.template)
  const { LogDriver, Options } = LogConfiguration as { LogDriver: string; Options: Record<string, unknown> }
  assert.equal(LogDriver, 'awslogs')
  assert.equal(Options.mode, 'non-blocking')
  assert.equal(Options['max-buffer-size'], `${4 * 1024 * 1024}b`)
  const [group] = Object.keys(plain.template.findResources('AWS::Logs::LogGroup'))
  assert.deepEqual(Options['awslogs-group'], { Ref: group })
})

test('min tasks are not Spot, what comes beyond is; without spot there is none', () => {
  const { template } = made({ capacity: { min: 2 } })
  template.hasResourceProperties('AWS::ECS::Service', {
    DesiredCount: 2,
    CapacityProviderStrategy: [
      { CapacityProvider: 'FARGATE', Base: 2, Weight: 1 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 99 },
    ],
  })
  template.hasResourceProperties('AWS::ECS::Cluster', { CapacityProviders: ['FARGATE', 'FARGATE_SPOT'] })
  made({ capacity: { spot: false } }).template.hasResourceProperties('AWS::ECS::Service', {
    LaunchType: 'FARGATE',
    CapacityProviderStrategy: Match.absent(),
  })
})

test('what was not given is not said: the defaults are the binary’s', () => {
  const names = Object.keys(environmentOf(workerContainer(plain.template))).sort()
  assert.deepEqual(names, [
    'DEAD_LETTER_QUEUE_URL',
    'DRAIN_DEADLINE',
    'LOG_FORMAT',
    'METRICS_EMF',
    'QUEUE_URL',
    'STOP_TIMEOUT',
    'TABLE_NAME',
    'TRIGGER_SOURCES',
    'USER_POOL_IDS',
    'VERIFY_LATE',
  ])
})

test('what was given is said as the worker reads it', () => {
  const { template, stack, queue, deadLetterQueue, table, userPool } = made((of) => ({
    model: USER_PROFILE,
    verifyLate: false,
    triggerSources: ['ConfirmSignUp'],
    otherUserPools: [new cognito.UserPool(of.stack, 'Others')],
    settings: {
      ...EVERY_SETTING,
      logHashKey: ecs.Secret.fromSecretsManager(new secretsmanager.Secret(of.stack, 'HashKey')),
    },
  }))
  const container = workerContainer(template)
  const { PROFILE_MODEL, USER_POOL_IDS, ...rest } = environmentOf(container)
  assert.match(String(PROFILE_MODEL), /^type = "UserProfile"$/m)
  const others = stack.node.findChild('Others') as cognito.UserPool
  assert.deepEqual(USER_POOL_IDS, { 'Fn::Join': [',', stack.resolve([userPool.userPoolId, others.userPoolId])] })
  assert.deepEqual(rest, {
    QUEUE_URL: stack.resolve(queue.queueUrl),
    DEAD_LETTER_QUEUE_URL: stack.resolve(deadLetterQueue.queueUrl),
    TABLE_NAME: stack.resolve(table.tableName),
    TRIGGER_SOURCES: 'ConfirmSignUp',
    VERIFY_LATE: 'off',
    VERIFY_LATE_RATE: '5',
    METRICS_EMF: 'on',
    LOG_FORMAT: 'json',
    RUST_LOG: 'worker=debug,info',
    WRITE_STRATEGY: 'batch',
    MAX_IN_FLIGHT: '500',
    MAX_RECEIVERS: '8',
    WAIT_TIME: '10s',
    VISIBILITY_TIMEOUT: '120s',
    LINGER: '20ms',
    WRITE_DEADLINE: '15s',
    HOLD_BUDGET: '7200s',
    STOP_TIMEOUT: '120s',
    DRAIN_DEADLINE: '110s',
  })
  const [secret] = container.Secrets as { Name: string }[]
  assert.equal(secret?.Name, 'LOG_HASH_KEY')
})

test('a pause stops the tasks and the scaling, and changes nothing else', () => {
  const before = plain.template.toJSON().Resources
  const after = made({ paused: true }).template.toJSON().Resources
  const gone = Object.keys(before).filter((id) => !(id in after))
  assert.deepEqual(
    new Set(gone.map((id) => before[id].Type)),
    new Set([
      'AWS::ApplicationAutoScaling::ScalableTarget',
      'AWS::ApplicationAutoScaling::ScalingPolicy',
      'AWS::CloudWatch::Alarm',
    ]),
  )
  assert.deepEqual(
    Object.keys(after).filter((id) => !(id in before)),
    [],
  )
  const changed = Object.keys(after).filter((id) => JSON.stringify(after[id]) !== JSON.stringify(before[id]))
  const expected = changed.filter((id) => !['AWS::Scheduler::Schedule'].includes(after[id].Type))
  assert.deepEqual(
    expected.map((id) => after[id].Type),
    ['AWS::ECS::Service'],
  )
  const [service] = expected as [string]
  assert.deepEqual(after[service], {
    ...before[service],
    Properties: { ...before[service].Properties, DesiredCount: 0 },
  })
})

test('an Amplify sandbox has no service, but tells where queue and table are', () => {
  const of = surroundings({ 'amplify-backend-type': 'sandbox' })
  const types = (template: Template) => Object.values(template.toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type)
  const before = types(Template.fromStack(surroundings().stack))
  const { worker, template, stack, queue, deadLetterQueue, table } = made({}, of)
  // One resource there must be, or the stack cannot be deployed: one that costs and does nothing.
  assert.deepEqual(types(template).sort(), [...before, 'AWS::CloudFormation::WaitConditionHandle'].sort())
  assert.equal(worker.service, undefined)
  assert.deepEqual(stack.resolve(worker.amplifyOutputs), {
    custom: {
      profileWorker: stack.resolve({
        queueUrl: queue.queueUrl,
        deadLetterQueueUrl: deadLetterQueue.queueUrl,
        tableName: table.tableName,
      }),
    },
  })
})

test('a service may be asked for in a sandbox and left out elsewhere', () => {
  const inSandbox = made({ service: true }, surroundings({ 'amplify-backend-type': 'sandbox' }))
  inSandbox.template.resourceCountIs('AWS::ECS::Service', 1)
  const elsewhere = made({ service: false, image: undefined }, surroundings({ 'amplify-backend-type': 'branch' }))
  elsewhere.template.resourceCountIs('AWS::ECS::Service', 0)
  elsewhere.template.resourceCountIs('AWS::EC2::VPC', 0)
})

test('the collector is not essential, is fed over loopback and may write traces', () => {
  const { template } = made({ collector: true })
  const [worker, collector] = runTask(template).ContainerDefinitions
  assert.equal(environmentOf(worker!).OTEL_EXPORTER_OTLP_ENDPOINT, 'http://localhost:4318')
  assert.equal(worker!.DependsOn, undefined)
  assert.equal(collector?.Essential, false)
  assert.match(String(collector?.Image), /^public\.ecr\.aws\/aws-observability\/aws-otel-collector:v\d+\.\d+\.\d+$/)
  assert.match(String(environmentOf(collector!).AOT_CONFIG_CONTENT), /endpoint: localhost:4318/)
  assert.deepEqual((collector?.HealthCheck as { Command: string[] }).Command, ['CMD', '/healthcheck'])
  const traces = statements(template).filter(({ Sid }) => Sid === 'Traces')
  assert.deepEqual(traces, [
    {
      Sid: 'Traces',
      Effect: 'Allow',
      Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
      Resource: '*',
    },
  ])
  assert.deepEqual(
    statements(plain.template).filter(({ Sid }) => Sid === 'Traces'),
    [],
  )
})

test('a collector of one’s own gets its configuration, and the metrics, and no permission it may not need', () => {
  const image = ecs.ContainerImage.fromRegistry('example/collector:1')
  const { template } = made({ collector: { image, config: 'receivers: {}' } })
  const [worker, collector] = runTask(template).ContainerDefinitions
  assert.equal(collector?.Image, 'example/collector:1')
  assert.equal(environmentOf(collector!).AOT_CONFIG_CONTENT, 'receivers: {}')
  assert.equal('OTEL_METRICS_EXPORTER' in environmentOf(worker!), false)
  assert.deepEqual(
    statements(template).filter(({ Sid }) => Sid === 'Traces'),
    [],
  )
})

test('a cluster that is there is used, also one that is known by its ARN alone', () => {
  const cases: readonly [number, (stack: Stack, vpc: ec2.IVpc) => ecs.ICluster][] = [
    [1, (stack, vpc) => new ecs.Cluster(stack, 'Known', { vpc })],
    [0, (stack) => ecs.Cluster.fromClusterArn(stack, 'Arn', 'arn:aws:ecs:eu-central-1:111122223333:cluster/shared')],
  ]
  for (const [clusters, clusterOf] of cases) {
    const of = surroundings()
    const vpc = ec2.Vpc.fromVpcAttributes(of.stack, 'Vpc', VPC)
    const cluster = clusterOf(of.stack, vpc)
    const { template, worker } = made({ cluster, network: { vpc } }, of)
    template.resourceCountIs('AWS::ECS::Cluster', clusters)
    template.resourceCountIs('AWS::EC2::VPC', 0)
    template.hasResourceProperties('AWS::ECS::Service', { Cluster: of.stack.resolve(cluster.clusterName) })
    assert.equal(worker.cluster?.clusterName, cluster.clusterName)
  }
})

test('an own cluster counts its running tasks, which scaling needs', () => {
  plain.template.hasResourceProperties('AWS::ECS::Cluster', {
    ClusterSettings: [{ Name: 'containerInsights', Value: 'enabled' }],
  })
})

test('an ingress is all that is needed for the queue: its sources are the worker’s', () => {
  const of = surroundings()
  const ingress = new ConfirmationIngress(of.stack, 'Ingress', {
    code: lambda.Code.fromAsset(triggerZipFile()),
    triggerSources: ['ConfirmSignUp'],
  })
  new ProfileWorker(of.stack, 'Worker', { ...least(of), queue: undefined, deadLetterQueue: undefined, ingress })
  const environment = environmentOf(workerContainer(Template.fromStack(of.stack)))
  assert.deepEqual(environment.QUEUE_URL, of.stack.resolve(ingress.queue.queueUrl))
  assert.deepEqual(environment.DEAD_LETTER_QUEUE_URL, of.stack.resolve(ingress.deadLetterQueue.queueUrl))
  assert.equal(environment.TRIGGER_SOURCES, 'ConfirmSignUp')
})

test('operators are told where to look', () => {
  const { worker, stack, template } = plain
  const values = Object.values(template.toJSON().Outputs as Record<string, { Value: unknown }>).map(({ Value }) =>
    JSON.stringify(Value),
  )
  for (const value of [worker.cluster?.clusterName, worker.service?.serviceName, worker.logGroup?.logGroupName]) {
    assert.ok(values.includes(JSON.stringify(stack.resolve(value))), `${value} is no output`)
  }
})

test('the image is the one that the release has written into the package, and none before', () => {
  const folder = mkdtempSync(join(tmpdir(), 'package-'))
  const inside = join(folder, 'lib', 'src')
  mkdirSync(inside, { recursive: true })
  const written = (manifest: object): string | undefined => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    return publishedImage(inside)
  }
  assert.equal(
    written({ name: 'profile-worker-cdk', config: { image: 'registry.example/worker:1.2.3' } }),
    'registry.example/worker:1.2.3',
  )
  assert.equal(written({ name: 'profile-worker-cdk', config: { image: '' } }), undefined)
  assert.equal(written({ name: 'another', config: { image: 'registry.example/worker:1.2.3' } }), undefined)
})

test('what may be written is limited to the attributes of the model where that is asked for', () => {
  const writes = (template: Template) => statements(template).filter(({ Sid }) => Sid === 'CreateProfiles')
  assert.deepEqual(writes(plain.template).map(({ Condition }) => Condition), [undefined])
  // The worker's own role, with which `check` looks as well.
  const limited = writes(made({ attributesOnly: true }).template).map(({ Condition }) => Condition)
  const attributes = ['__typename', 'createdAt', 'email', 'id', 'profileOwner', 'updatedAt']
  assert.deepEqual(limited, [
    { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes }, Null: { 'dynamodb:Attributes': 'false' } },
  ])
})

interface Statement {
  readonly Sid?: string
  readonly [property: string]: unknown
}

function statements(template: Template): readonly Statement[] {
  return Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  )
}
