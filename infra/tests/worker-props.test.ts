// What is refused, and how: by the prop's name, with what is wrong and what to do, everything at once, before anything
// is made.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Duration } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as kms from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as sqs from 'aws-cdk-lib/aws-sqs'

import { ConfirmationIngress, ProfileWorker, type ProfileWorkerProps } from '../src/index.ts'
import { keyOf } from '../src/worker/table-key.ts'
import { triggerZipFile } from './trigger-zip.ts'
import { type Surroundings, VPC, least, made, surroundings } from './worker-stack.ts'

type Props = Partial<ProfileWorkerProps>

/** The lines of what is wrong. */
function refused(props: Props | ((of: Surroundings) => Props), of = surroundings()): readonly string[] {
  const given = typeof props === 'function' ? props(of) : props
  try {
    new ProfileWorker(of.stack, 'Worker', { ...least(of), ...given })
  } catch (fault) {
    const [head, ...lines] = String(fault instanceof Error ? fault.message : fault).split('\n')
    assert.equal(head, 'Profiles/Worker cannot be made:')
    return lines.map((line) => line.replace(/^ {2}- /, ''))
  }
  return []
}

/** One problem, with these words in it. */
function refusedOnce(props: Props | ((of: Surroundings) => Props), prop: string, ...words: readonly RegExp[]): void {
  const lines = refused(props)
  assert.equal(lines.length, 1, `${prop}: ${JSON.stringify(lines)}`)
  assert.ok(lines[0]!.startsWith(`${prop}: `), lines[0])
  for (const word of words) assert.match(lines[0]!, word)
}

const imported = (of: Surroundings, name: string): sqs.IQueue =>
  sqs.Queue.fromQueueArn(of.stack, name, `arn:aws:sqs:eu-central-1:111122223333:${name}`)

test('the least is enough', () => {
  assert.deepEqual(refused({}), [])
})

test('everything that is wrong is told at once, and nothing is made', () => {
  const of = surroundings()
  const lines = refused(
    {
      deadLetterQueue: of.queue,
      image: undefined,
      capacity: { min: 0, cpu: 300 },
      settings: { waitTime: Duration.seconds(21), maxInFlight: 0 },
      network: { subnets: { subnetType: ec2.SubnetType.PUBLIC } },
    },
    of,
  )
  assert.deepEqual(lines.map((line) => line.slice(0, line.indexOf(':'))).sort(), [
    'capacity.cpu',
    'capacity.min',
    'deadLetterQueue',
    'image',
    'network.subnets',
    'settings.maxInFlight',
    'settings.waitTime',
  ])
  assert.deepEqual(of.stack.node.tryFindChild('Worker')?.node.children, [])
})

test('a queue there must be, from one side', () => {
  refusedOnce(
    { queue: undefined, deadLetterQueue: undefined },
    'ingress',
    /is missing/,
    /give ingress, or queue and deadLetterQueue/,
  )
  const of = surroundings()
  const ingress = new ConfirmationIngress(of.stack, 'Ingress', { code: lambda.Code.fromAsset(triggerZipFile()) })
  const lines = refused({ ingress, queueKey: new kms.Key(of.stack, 'Key'), forwardAttributes: ['locale'] }, of)
  assert.deepEqual(
    lines,
    ['queue', 'deadLetterQueue', 'queueKey', 'forwardAttributes'].map(
      (name) => `${name}: contradicts ingress, which has its own; leave out ${name} or ingress`,
    ),
  )
})

test('a FIFO queue is refused, made or imported', () => {
  refusedOnce((of) => ({ queue: imported(of, 'confirmations.fifo') }), 'queue', /FIFO/, /give a standard queue/)
  refusedOnce(
    (of) => ({ queue: imported(of, 'confirmations'), deadLetterQueue: imported(of, 'dead.fifo') }),
    'deadLetterQueue',
    /FIFO/,
  )
  const lines = refused((of) => {
    const deadLetterQueue = new sqs.Queue(of.stack, 'FifoDead', { fifo: true })
    return {
      deadLetterQueue,
      queue: new sqs.Queue(of.stack, 'Fifo', {
        fifo: true,
        deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: 1 },
      }),
    }
  })
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    ['queue', 'deadLetterQueue'],
  )
})

test('a queue without a dead-letter queue is refused', () => {
  refusedOnce(
    (of) => ({ queue: imported(of, 'confirmations'), deadLetterQueue: undefined }),
    'deadLetterQueue',
    /is missing/,
    /RedrivePolicy/,
  )
  refusedOnce(
    (of) => ({ queue: new sqs.Queue(of.stack, 'Alone') }),
    'queue',
    /no RedrivePolicy/,
    /maxReceiveCount: 100/,
  )
  refusedOnce(
    (of) => ({ queue: imported(of, 'c'), deadLetterQueue: imported(of, 'd'), capacity: { max: 0 } }),
    'capacity.max',
  )
  refusedOnce((of) => ({ deadLetterQueue: new sqs.Queue(of.stack, 'Another') }), 'deadLetterQueue', /not the one/)
})

test('the dead-letter queue of a queue that is made here need not be named', () => {
  const { worker, stack, deadLetterQueue } = made({ deadLetterQueue: undefined })
  assert.deepEqual(
    stack.resolve(worker.amplifyOutputs.custom.profileWorker.deadLetterQueueUrl),
    stack.resolve(deadLetterQueue.queueUrl),
  )
})

test('capacity that Fargate or scaling does not take', () => {
  refusedOnce({ capacity: { min: 0 } }, 'capacity.min', /use paused: true/)
  refusedOnce({ capacity: { min: -1 } }, 'capacity.min', /give 1 or more/)
  refusedOnce({ capacity: { min: 1.5 } }, 'capacity.min')
  refusedOnce({ capacity: { min: 5 } }, 'capacity.max', /4 is less than min, which is 5/, /give 5 or more/)
  refusedOnce({ capacity: { backlogPerTask: 0 } }, 'capacity.backlogPerTask')
  refusedOnce({ capacity: { backlogPerTask: Number.NaN } }, 'capacity.backlogPerTask')
  refusedOnce({ capacity: { cpu: 300 } }, 'capacity.cpu', /give one of 256, 512, 1024, 2048, 4096, 8192, 16384$/)
  const pairs: readonly [number, number, boolean][] = [
    [256, 512, true],
    [256, 1536, false],
    [256, 4096, false],
    [512, 1024, true],
    [512, 4096, true],
    [512, 5120, false],
    [1024, 1024, false],
    [1024, 2048, true],
    [2048, 4096, true],
    [2048, 4608, false],
    [4096, 30_720, true],
    [8192, 17_408, false],
    [8192, 20_480, true],
    [16_384, 40_960, true],
    [16_384, 122_880, true],
    [16_384, 131_072, false],
  ]
  for (const [cpu, memory, fits] of pairs) {
    const lines = refused({ capacity: { cpu, memory } })
    assert.deepEqual(
      lines.map((line) => line.split(':')[0]),
      fits ? [] : ['capacity.memory'],
      `${cpu} ${memory}`,
    )
  }
})

test('settings outside their ranges, each by its name', () => {
  const ranges: readonly [keyof NonNullable<Props['settings']>, readonly unknown[]][] = [
    ['waitTime', [Duration.seconds(21)]],
    ['visibilityTimeout', [Duration.millis(500), Duration.hours(13)]],
    ['linger', [Duration.seconds(11)]],
    ['writeDeadline', [Duration.millis(99), Duration.minutes(61)]],
    ['holdBudget', [Duration.hours(12)]],
    ['maxInFlight', [0, 120_001, 1.5]],
    ['maxReceivers', [0, 257]],
    ['verifyLateRate', [0, 1001]],
  ]
  for (const [name, values] of ranges) {
    for (const value of values)
      refusedOnce({ settings: { [name]: value } }, `settings.${name}`, /is out of range; give a /)
  }
})

test('settings that do not go together', () => {
  const { seconds } = Duration
  // 20 + 5 + 2 × 10.
  assert.deepEqual(refused({ settings: { visibilityTimeout: seconds(45) } }), [])
  refusedOnce(
    { settings: { visibilityTimeout: seconds(44) } },
    'settings.visibilityTimeout',
    /44s does not last/,
    /at least 45s/,
  )
  // A drain of 110 s, 5 s of which are for deleting.
  assert.deepEqual(refused({ settings: { writeDeadline: seconds(105), visibilityTimeout: seconds(235) } }), [])
  refusedOnce(
    { settings: { writeDeadline: seconds(106), visibilityTimeout: seconds(237) } },
    'settings.writeDeadline',
    /106s is longer than a drain/,
    /at most 105s/,
  )
  // 12 h less two visibility timeouts.
  const hold = Duration.hours(11)
  assert.deepEqual(refused({ settings: { holdBudget: hold, visibilityTimeout: Duration.minutes(30) } }), [])
  refusedOnce(
    { settings: { holdBudget: hold, visibilityTimeout: Duration.minutes(31) } },
    'settings.holdBudget',
    /at most 39480s/,
  )
  assert.deepEqual(refused({ settings: { maxInFlight: 40, maxReceivers: 4 } }), [])
  refusedOnce(
    { settings: { maxInFlight: 39, maxReceivers: 4 } },
    'settings.maxInFlight',
    /at least 40, or settings.maxReceivers to at most 3/,
  )
  assert.deepEqual(refused({ settings: { maxInFlight: 5 } }), [], 'one receiver may ask for fewer')
})

test('relations are told only of settings that are right by themselves', () => {
  refusedOnce(
    { settings: { waitTime: Duration.seconds(21), visibilityTimeout: Duration.seconds(10) } },
    'settings.waitTime',
  )
})

test('a table whose key does not fit the model is refused where the construct knows it', () => {
  const lines = refused((of) => ({
    table: new dynamodb.Table(of.stack, 'Other', { partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING } }),
  }))
  assert.notDeepEqual(lines, [])
  assert.ok(
    lines.every((line) => /^(tableKey|table|model)/.test(line)),
    JSON.stringify(lines),
  )
  assert.deepEqual(
    refused((of) => ({ table: dynamodb.Table.fromTableName(of.stack, 'Imported', 'profiles') })),
    [],
  )
  assert.notDeepEqual(
    refused((of) => ({
      table: dynamodb.Table.fromTableName(of.stack, 'Imported', 'profiles'),
      tableKey: { partition: 'pk' },
    })),
    [],
  )
})

test('what a table tells of its key', () => {
  const { stack } = surroundings()
  const string = dynamodb.AttributeType.STRING
  const withSort = new dynamodb.Table(stack, 'Sorted', {
    partitionKey: { name: 'pk', type: string },
    sortKey: { name: 'sk', type: string },
  })
  assert.deepEqual(keyOf(withSort), { partition: 'pk', sort: 'sk' })
  assert.deepEqual(keyOf(new dynamodb.Table(stack, 'Plain', { partitionKey: { name: 'id', type: string } })), {
    partition: 'id',
  })
  assert.equal(keyOf(dynamodb.Table.fromTableName(stack, 'Imported', 'profiles')), undefined)
})

test('an image there must be, unless the release has named one or nothing runs here', () => {
  refusedOnce({ image: undefined }, 'image', /belongs to no release/, /ContainerImage\.fromEcrRepository/)
  assert.deepEqual(refused({ image: undefined, service: false }), [])
})

test('cluster and VPC must not contradict each other', () => {
  const vpcs = (of: Surroundings): readonly ec2.IVpc[] =>
    ['vpc-0123456789abcdef1', 'vpc-0123456789abcdef2'].map((vpcId) => ec2.Vpc.fromVpcAttributes(of.stack, vpcId, { ...VPC, vpcId }))
  refusedOnce(
    (of) => {
      const [one, two] = vpcs(of)
      return { cluster: new ecs.Cluster(of.stack, 'Cluster', { vpc: one! }), network: { vpc: two! } }
    },
    'network.vpc',
    /is not the cluster's/,
  )
  refusedOnce(
    (of) => ({
      cluster: ecs.Cluster.fromClusterArn(of.stack, 'Cluster', 'arn:aws:ecs:eu-central-1:111122223333:cluster/shared'),
    }),
    'network.vpc',
    /is missing/,
  )
  refusedOnce(
    { network: { subnets: { subnetType: ec2.SubnetType.PUBLIC } } },
    'network.subnets',
    /give network.vpc too/,
  )
})

test('subnets that the VPC does not have', () => {
  const { isolatedSubnetIds: _, ...without } = VPC
  const vpc = (of: Surroundings): ec2.IVpc => ec2.Vpc.fromVpcAttributes(of.stack, 'Vpc', without)
  refusedOnce((of) => ({ network: { vpc: vpc(of), access: 'endpoints' } }), 'network.access', /give network.subnets/)
  refusedOnce(
    (of) => ({ network: { vpc: vpc(of), subnets: { subnetGroupName: 'Backend' } } }),
    'network.subnets',
    /name subnets that it has/,
  )
})

test('without a way out, images come from ECR', () => {
  const network = { access: 'endpoints' } as const
  refusedOnce({ network, image: undefined }, 'image', /not reached/, /repository of ECR/)
  refusedOnce({ network, collector: true }, 'collector.image', /repository of ECR/)
})

test('without a way out, a pool with a domain is out of reach', () => {
  const withDomain =
    (props: Props) =>
    (of: Surroundings): Props => {
      of.userPool.addDomain('Domain', { cognitoDomain: { domainPrefix: 'profiles' } })
      return { network: { access: 'endpoints' }, ...props }
    }
  refusedOnce(withDomain({}), 'network.access', /a user pool that has a domain/, /'nat' or 'public'/)
  assert.deepEqual(refused(withDomain({ verifyLate: false, reconcile: false })), [])
  assert.deepEqual(refused(withDomain({ network: { access: 'nat' } })), [])
  const another = refused((of) => {
    new cognito.UserPool(of.stack, 'Another').addDomain('Domain', { cognitoDomain: { domainPrefix: 'another' } })
    return { network: { access: 'endpoints' } }
  })
  assert.deepEqual(another, [], 'the domain of another pool')
})

test('sources that leave nobody', () => {
  refusedOnce({ triggerSources: [] }, 'triggerSources', /is empty/)
})

test('an own VPC works in a stack that knows neither account nor region', () => {
  made({}, surroundings({}, {})).template.resourceCountIs('AWS::EC2::Subnet', 2)
})

test('a rate that the binary would refuse is refused here, by its prop', () => {
  for (const rate of [0, -1, 1001, Number.NaN]) {
    const message = /reconcile\.rate: is not a number above 0 and up to 1000; /
    assert.throws(() => made({ reconcile: { rate } }), message)
  }
})
