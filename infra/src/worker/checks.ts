// What is wrong with the props, before the first resource is made: all of it at once. What is right comes out as
// places. Nothing here makes a resource.

import { Stack, Token } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type * as ec2 from 'aws-cdk-lib/aws-ec2'
import type * as ecs from 'aws-cdk-lib/aws-ecs'
import type * as sqs from 'aws-cdk-lib/aws-sqs'

import { TRIGGER_SOURCES } from '../ingress/check.ts'
import { USER_PROFILE } from '../model.ts'
import type { Problems } from '../problems.ts'
import { checkSettings } from './budgets.ts'
import { collectorOf } from './collector.ts'
import { checkReconcile } from './commands.ts'
import { checkSize } from './fargate-size.ts'
import { checkModel } from './fit.ts'
import { publishedImage } from './image.ts'
import { type Access, SUBNET_TYPE } from './network.ts'
import type { Places } from './places.ts'
import type { CapacityProps, ProfileWorkerProps } from './props.ts'
import { keyOf } from './table-key.ts'

/** Capacity with its defaults. */
export const CAPACITY: Required<CapacityProps> = {
  min: 1,
  max: 4,
  backlogPerTask: 1000,
  spot: true,
  cpu: 256,
  memory: 512,
}

/** The places; `undefined` if a problem was found without which there are none. */
export function checkPlaces(props: ProfileWorkerProps, problems: Problems): Places | undefined {
  const queues = checkQueues(props, problems)
  const model = props.model ?? USER_PROFILE
  checkModel(
    model,
    {
      tableKey: props.tableKey ?? keyOf(props.table),
      tableName: nameOf(props.table),
      forwardAttributes: props.ingress?.forwardAttributes ?? props.forwardAttributes,
    },
    problems,
  )
  if (props.triggerSources?.length === 0) {
    problems.add(
      'triggerSources',
      'is empty, so no confirmation makes a profile',
      'leave it out, or name ConfirmSignUp',
    )
  }
  checkSettings(props.settings ?? {}, problems)
  if (queues === undefined) return undefined
  const queueKey = props.ingress?.encryptionKey ?? props.queueKey ?? queues.queue.encryptionMasterKey
  return {
    ...queues,
    table: props.table,
    userPools: [props.userPool, ...(props.otherUserPools ?? [])],
    ...(queueKey && { queueKey }),
    ...(props.table.encryptionKey && { tableKey: props.table.encryptionKey }),
    model,
    triggerSources: props.triggerSources ?? props.ingress?.triggerSources ?? TRIGGER_SOURCES,
  }
}

/** What only what runs here needs: image, size, network, schedule. */
export function checkService(scope: Stack, props: ProfileWorkerProps, problems: Problems): void {
  checkCapacity({ ...CAPACITY, ...props.capacity }, problems)
  checkNetwork(props, problems)
  if (props.reconcile) checkReconcile(props.reconcile, problems)
  const access = props.network?.access ?? 'public'
  if (access === 'endpoints') checkReach(scope, props, problems)
  if (props.image === undefined && access !== 'endpoints' && publishedImage() === undefined) {
    problems.add(
      'image',
      'is missing, and this copy of the package belongs to no release, so there is no image that it could name',
      'build worker/Dockerfile, push it to ECR and give image: ecs.ContainerImage.fromEcrRepository(repository, tag)',
    )
  }
}

function checkQueues(
  props: ProfileWorkerProps,
  problems: Problems,
): Pick<Places, 'queue' | 'deadLetterQueue'> | undefined {
  if (props.ingress !== undefined) {
    for (const name of ['queue', 'deadLetterQueue', 'queueKey', 'triggerFunction', 'forwardAttributes'] as const) {
      if (props[name] !== undefined)
        problems.add(name, 'contradicts ingress, which has its own', `leave out ${name} or ingress`)
    }
    return { queue: props.ingress.queue, deadLetterQueue: props.ingress.deadLetterQueue }
  }
  const { queue } = props
  if (queue === undefined) {
    problems.add('ingress', 'is missing, and there is no queue either', 'give ingress, or queue and deadLetterQueue')
    return undefined
  }
  // Not instanceof: an app may hold two copies of the CDK. An imported queue does not have the property at all.
  const known = 'deadLetterQueue' in queue ? (queue as sqs.Queue) : undefined
  const redrive = known?.deadLetterQueue?.queue
  const deadLetterQueue = props.deadLetterQueue ?? redrive
  refuseFifo('queue', queue, problems)
  if (deadLetterQueue === undefined) {
    problems.add(
      'deadLetterQueue',
      'is missing: bad messages would stay in the queue and be retried until they expire',
      'give the queue that the RedrivePolicy of queue names',
    )
    return undefined
  }
  refuseFifo('deadLetterQueue', deadLetterQueue, problems)
  if (deadLetterQueue === queue) {
    problems.add('deadLetterQueue', 'is the queue itself', 'give the queue that the RedrivePolicy of queue names')
  } else if (known !== undefined && redrive === undefined) {
    problems.add(
      'queue',
      'has no RedrivePolicy: a message that kills the worker would come back for ever',
      'give it deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: 100 }',
    )
  } else if (redrive !== undefined && redrive !== deadLetterQueue) {
    problems.add('deadLetterQueue', "is not the one in the queue's RedrivePolicy", 'leave it out, or name that one')
  }
  return { queue, deadLetterQueue }
}

function refuseFifo(prop: string, queue: sqs.IQueue, problems: Problems): void {
  const name = Token.isUnresolved(queue.queueName) ? '' : queue.queueName
  if (!queue.fifo && !name.endsWith('.fifo')) return
  problems.add(
    prop,
    'is a FIFO queue, which costs throughput for an order that profiles do not need',
    'give a standard queue',
  )
}

function checkCapacity(capacity: Required<CapacityProps>, problems: Problems): void {
  const { min, max, backlogPerTask, cpu, memory } = capacity
  if (min === 0) {
    problems.add(
      'capacity.min',
      '0 tasks leave nothing to scale from: the backlog is divided by them',
      'use paused: true to stop',
    )
  } else if (!Number.isInteger(min) || min < 0) {
    problems.add('capacity.min', `${min} is no number of tasks`, 'give 1 or more')
  }
  if (!Number.isInteger(max) || max < min) {
    problems.add(
      'capacity.max',
      `${max} is less than min, which is ${min}, or no number of tasks`,
      `give ${Math.max(min, 1)} or more`,
    )
  }
  if (!(backlogPerTask >= 1)) {
    problems.add('capacity.backlogPerTask', `${backlogPerTask} is no number of messages`, 'give 1 or more')
  }
  checkSize(cpu, memory, problems)
}

/** The VPC that was given, in whichever way; `undefined` where one is to be made. */
export function givenVpc(props: Pick<ProfileWorkerProps, 'cluster' | 'network'>): ec2.IVpc | undefined {
  return props.network?.vpc ?? (props.cluster && vpcOf(props.cluster))
}

/** A cluster that was imported by its ARN does not know its VPC and throws. */
function vpcOf(cluster: ecs.ICluster): ec2.IVpc | undefined {
  try {
    return cluster.vpc
  } catch {
    return undefined
  }
}

function checkNetwork({ cluster, network }: ProfileWorkerProps, problems: Problems): void {
  const vpc = givenVpc({ cluster, network })
  const clusters = cluster && vpcOf(cluster)
  if (cluster !== undefined && vpc === undefined) {
    problems.add(
      'network.vpc',
      'is missing, and the cluster does not tell its own',
      'give the VPC in which the tasks run',
    )
    return
  }
  if (network?.vpc !== undefined && clusters !== undefined && network.vpc.vpcId !== clusters.vpcId) {
    problems.add('network.vpc', "is not the cluster's", 'leave out network.vpc or cluster')
  }
  if (vpc === undefined) {
    if (network?.subnets === undefined) return
    problems.add('network.subnets', 'names subnets of a VPC that is yet to be made', 'give network.vpc too')
    return
  }
  const access = network?.access ?? 'public'
  try {
    vpc.selectSubnets(network?.subnets ?? { subnetType: SUBNET_TYPE[access] })
  } catch (fault) {
    problems.add(
      network?.subnets === undefined ? 'network.access' : 'network.subnets',
      `the VPC has no such subnets (${fault instanceof Error ? fault.message : fault})`,
      network?.subnets === undefined
        ? `give network.subnets, or another access than '${access}'`
        : 'name subnets that it has',
    )
  }
}

/** Without a way out, what has no endpoint cannot be reached. */
function checkReach(scope: Stack, props: ProfileWorkerProps, problems: Problems): void {
  const endpoints: Access = 'endpoints'
  if (props.image === undefined) {
    problems.add(
      'image',
      `is missing, and the published one is not reached with network.access '${endpoints}'`,
      'copy it to a repository of ECR and give image: ecs.ContainerImage.fromEcrRepository(repository, tag)',
    )
  }
  const collector = collectorOf(props)
  if (collector !== undefined && collector.image === undefined) {
    problems.add(
      'collector.image',
      `is missing, and the public one is not reached with network.access '${endpoints}'`,
      'copy it to a repository of ECR and give that',
    )
  }
  const asksCognito = props.verifyLate !== false || props.reconcile !== false
  const pools = [props.userPool, ...(props.otherUserPools ?? [])]
  if (asksCognito && pools.some((pool) => hasDomain(scope, pool))) {
    problems.add(
      'network.access',
      `'${endpoints}' does not reach a user pool that has a domain: Cognito refuses interface endpoints for it`,
      "use 'nat' or 'public', or set verifyLate: false and reconcile: false",
    )
  }
}

/** A pool with a domain is out of reach (Cognito developer guide, "Access Amazon Cognito using an interface endpoint"). */
function hasDomain(scope: Stack, pool: cognito.IUserPool): boolean {
  const id = JSON.stringify(Stack.of(pool).resolve(pool.userPoolId))
  return scope.node.root.node
    .findAll()
    .some(
      (node) =>
        cognito.CfnUserPoolDomain.isCfnUserPoolDomain(node) &&
        JSON.stringify(node.stack.resolve(node.userPoolId)) === id,
    )
}

/** The table's name where it is known now. */
function nameOf(table: dynamodb.ITable): string | undefined {
  const resource = table.node.defaultChild
  const name = resource !== undefined && dynamodb.CfnTable.isCfnTable(resource) ? resource.tableName : table.tableName
  return name === undefined || Token.isUnresolved(name) ? undefined : name
}
