// A stack with everything a worker needs, for the tests of ProfileWorker: what is made of it and what is refused.

import { App, Duration, Stack, type StackProps } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as sqs from 'aws-cdk-lib/aws-sqs'

import { ProfileWorker, type ProfileWorkerProps, type WorkerSettings } from '../src/index.ts'

export const ENV = { account: '111122223333', region: 'eu-central-1' }

/** Not published anywhere. */
export const IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/profile-worker:1'

/** A VPC that was there before, with subnets of every kind. */
export const VPC = {
  vpcId: 'vpc-0123456789abcdef0',
  availabilityZones: ['eu-central-1a', 'eu-central-1b'],
  publicSubnetIds: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'],
  privateSubnetIds: ['subnet-0a1b2c3d4e5f60011', 'subnet-0a1b2c3d4e5f60012'],
  isolatedSubnetIds: ['subnet-0a1b2c3d4e5f60021', 'subnet-0a1b2c3d4e5f60022'],
}

export interface Surroundings {
  readonly app: App
  readonly stack: Stack
  readonly queue: sqs.Queue
  readonly deadLetterQueue: sqs.Queue
  readonly table: dynamodb.Table
  readonly userPool: cognito.UserPool
}

export function surroundings(context: Record<string, unknown> = {}, props: StackProps = { env: ENV }): Surroundings {
  const app = new App({ context })
  const stack = new Stack(app, 'Profiles', props)
  const deadLetterQueue = new sqs.Queue(stack, 'DeadLetters')
  return {
    app,
    stack,
    deadLetterQueue,
    queue: new sqs.Queue(stack, 'Confirmations', { deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: 100 } }),
    table: new dynamodb.Table(stack, 'Table', {
      partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    }),
    userPool: new cognito.UserPool(stack, 'Users'),
  }
}

/** The least that makes a worker. */
export const least = (of: Surroundings): ProfileWorkerProps => ({
  queue: of.queue,
  deadLetterQueue: of.deadLetterQueue,
  table: of.table,
  userPool: of.userPool,
  image: ecs.ContainerImage.fromRegistry(IMAGE),
})

/** Each with another value than the binary's default. */
export const EVERY_SETTING: WorkerSettings = {
  writeStrategy: 'batch',
  maxInFlight: 500,
  maxReceivers: 8,
  waitTime: Duration.seconds(10),
  visibilityTimeout: Duration.minutes(2),
  linger: Duration.millis(20),
  writeDeadline: Duration.seconds(15),
  holdBudget: Duration.hours(2),
  verifyLateRate: 5,
  log: 'worker=debug,info',
}

export interface Made extends Surroundings {
  readonly worker: ProfileWorker
  readonly template: Template
}

export function made(
  props: Partial<ProfileWorkerProps> | ((of: Surroundings) => Partial<ProfileWorkerProps>) = {},
  of = surroundings(),
): Made {
  const worker = new ProfileWorker(of.stack, 'Worker', {
    ...least(of),
    ...(typeof props === 'function' ? props(of) : props),
  })
  return { ...of, worker, template: Template.fromStack(of.stack) }
}

export interface Container {
  readonly Name: string
  readonly Environment?: readonly { readonly Name: string; readonly Value: unknown }[]
  readonly [property: string]: unknown
}

/** The properties of the service's own task definition: the one with a container that is told `run`. */
export function runTask(template: Template): {
  readonly ContainerDefinitions: readonly Container[]
  readonly [property: string]: unknown
} {
  const tasks = Object.values(template.findResources('AWS::ECS::TaskDefinition')).map(({ Properties }) => Properties)
  const own = tasks.filter(({ ContainerDefinitions: [first] }) => first.Command?.join(' ') === 'run')
  if (own.length !== 1) throw new Error(`${own.length} task definitions run the worker`)
  return own[0]
}

export function workerContainer(template: Template): Container {
  const [first] = runTask(template).ContainerDefinitions
  if (first === undefined) throw new Error('a task without a container')
  return first
}

export function environmentOf(container: Container): Record<string, unknown> {
  return Object.fromEntries((container.Environment ?? []).map(({ Name, Value }) => [Name, Value]))
}
