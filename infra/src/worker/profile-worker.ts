// The half that belongs to profiles: the worker as a Fargate service, its jobs, its alarms. It refers to queue, pool and
// table and stands in a stack of its own, to which nothing refers.

import { CfnOutput, type Duration, Names, Stack } from 'aws-cdk-lib'
import type * as cognito from 'aws-cdk-lib/aws-cognito'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import type * as kms from 'aws-cdk-lib/aws-kms'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type * as scheduler from 'aws-cdk-lib/aws-scheduler'
import type * as sns from 'aws-cdk-lib/aws-sns'
import type * as sqs from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

import { inSandbox } from '../ingress/amplify.ts'
import type { ConfirmationIngress, TriggerSource } from '../ingress/confirmation-ingress.ts'
import type { ProfileModel } from '../model.ts'
import { Monitoring } from '../monitoring/monitoring.ts'
import { Problems } from '../problems.ts'
import { CAPACITY, checkPlaces, checkService, givenVpc } from './checks.ts'
import { commonEnvironment } from './environment.ts'
import { publishedImage } from './image.ts'
import { Jobs } from './jobs.ts'
import { Network, type NetworkOf } from './network.ts'
import { Scaling } from './scaling.ts'
import { Service, ownCluster, workerLogGroup } from './service.ts'

/** The names of the table's key attributes. */
export interface TableKey {
  readonly partition: string
  readonly sort?: string
}

/** How the tasks reach AWS. */
export interface NetworkProps {
  /** @default a VPC of its own, of the `access` kind */
  readonly vpc?: ec2.IVpc
  /** @default public subnets if `access` is 'public', else private ones */
  readonly subnets?: ec2.SubnetSelection
  /**
   * 'public': tasks have public addresses and nothing listens (no hourly cost but the address) · 'endpoints': isolated
   * subnets with interface endpoints · 'nat': private subnets behind a NAT gateway.
   * @default 'public'
   */
  readonly access?: 'public' | 'endpoints' | 'nat'
}

/** How many tasks, and of which kind. */
export interface CapacityProps {
  /** @default 1; 0 is refused, use `paused` */
  readonly min?: number
  /** @default 4 */
  readonly max?: number
  /** Messages waiting for each running task that scaling aims at. @default 1000 */
  readonly backlogPerTask?: number
  /** Tasks beyond `min` run on Fargate Spot. @default true */
  readonly spot?: boolean
  /** CPU units of a task: 256, 512, 1024… @default 256 */
  readonly cpu?: number
  /** MiB. @default 512 */
  readonly memory?: number
}

/** The worker's own settings (docs/configuration.md). What is not given is the binary's default. */
export interface WorkerSettings {
  readonly writeStrategy?: 'auto' | 'put' | 'batch'
  readonly maxInFlight?: number
  readonly maxReceivers?: number
  readonly waitTime?: Duration
  readonly visibilityTimeout?: Duration
  readonly linger?: Duration
  readonly writeDeadline?: Duration
  readonly holdBudget?: Duration
  readonly verifyLateRate?: number
  /** Log filter. @default 'info' */
  readonly log?: string
  /** Keys the hash by which users are named in logs; a secret of Secrets Manager or SSM. */
  readonly logHashKey?: ecs.Secret
}

/** `reconcile`, started by EventBridge Scheduler. */
export interface ReconcileProps {
  /** @default every hour */
  readonly schedule?: scheduler.ScheduleExpression
  /** Enqueues who is missing (`--fix missing`). @default true */
  readonly fix?: boolean
  /** No row stands under another key: spares the scan of the table (`--no-legacy-rows`). @default false */
  readonly noLegacyRows?: boolean
  /** ListUsers calls a second; large pools: docs/infra. @default 5 */
  readonly rate?: number
}

export interface MonitoringProps {
  /** Who is woken. @default nobody: the alarms are there and notify nobody */
  readonly page?: sns.ITopic
  /** Who reads in the morning. @default nobody */
  readonly ticket?: sns.ITopic
  /** Begins the name of every alarm, of the dashboard and of the saved queries. @default by the construct's path */
  readonly prefix?: string
}

/** An ADOT collector beside the worker, to which it pushes OTLP. Not essential: the worker goes on without it. */
export interface CollectorProps {
  /** @default the public ADOT image, pinned */
  readonly image?: ecs.ContainerImage
  /** Its configuration as YAML. @default traces to X-Ray */
  readonly config?: string
}

export interface ProfileWorkerProps {
  /** Gives queue, dead-letter queue, key, trigger sources and forwarded attributes. */
  readonly ingress?: ConfirmationIngress
  /** Without `ingress`: the queue. A standard queue with a dead-letter queue. */
  readonly queue?: sqs.IQueue
  /** Without `ingress`: its dead-letter queue. */
  readonly deadLetterQueue?: sqs.IQueue
  /** Without `ingress`: the queues' key, if they have one. */
  readonly queueKey?: kms.IKey
  /** Without `ingress`: the trigger function, for alarms and dashboard. */
  readonly triggerFunction?: lambda.IFunction
  /** Without `ingress`: what the trigger forwards. @default not checked */
  readonly forwardAttributes?: readonly string[]
  /** @default those of the ingress, or both */
  readonly triggerSources?: readonly TriggerSource[]
  readonly table: dynamodb.ITable
  /** @default read from the table where the construct tells it (`dynamodb.Table`, Amplify's tables), else not checked */
  readonly tableKey?: TableKey
  readonly userPool: cognito.IUserPool
  /** Further pools whose users get profiles in the same table. @default none */
  readonly otherUserPools?: readonly cognito.IUserPool[]
  /** @default {@link USER_PROFILE} */
  readonly model?: ProfileModel
  /** @default the published image of this package's version */
  readonly image?: ecs.ContainerImage
  /** Of the image. @default ARM64 */
  readonly architecture?: ecs.CpuArchitecture
  /** @default a cluster of its own */
  readonly cluster?: ecs.ICluster
  readonly network?: NetworkProps
  readonly capacity?: CapacityProps
  readonly settings?: WorkerSettings
  /** Asks Cognito about late messages before a profile is made. @default true */
  readonly verifyLate?: boolean
  /** No task runs and no job is started; nothing is lost, the queue keeps. @default false */
  readonly paused?: boolean
  /**
   * `false` makes no service and no job: the worker runs elsewhere.
   * @default true, but false in an Amplify sandbox, where `profile-worker run --amplify-outputs` serves
   */
  readonly service?: boolean
  /** `false` starts it never. @default hourly, with `--fix missing` */
  readonly reconcile?: ReconcileProps | false
  readonly monitoring?: MonitoringProps
  readonly collector?: CollectorProps | boolean
  /** @default one month */
  readonly logRetention?: logs.RetentionDays
}

/** What `amplify_outputs.json` says under `custom`, which `profile-worker run --amplify-outputs` reads. */
export interface AmplifyOutputs {
  readonly custom: {
    readonly profileWorker: { readonly queueUrl: string; readonly deadLetterQueueUrl: string; readonly tableName: string }
  }
}

/** Service, jobs, alarms and dashboard. */
export class ProfileWorker extends Construct {
  /** To be given to `backend.addOutput`. */
  readonly amplifyOutputs: AmplifyOutputs
  /** Undefined where there is no service (`service: false`, Amplify sandbox). */
  readonly service?: ecs.FargateService
  readonly cluster?: ecs.ICluster
  /** Where worker and jobs write. Undefined where there is no service. */
  readonly logGroup?: logs.ILogGroup

  constructor(scope: Construct, id: string, props: ProfileWorkerProps) {
    super(scope, id)
    const runs = props.service ?? !inSandbox(this)
    const problems = new Problems(this)
    const places = checkPlaces(props, problems)
    if (runs) checkService(Stack.of(this), props, problems)
    problems.end()
    if (places === undefined) throw new Error(`${this.node.path}: places without a problem and without places`)

    this.amplifyOutputs = {
      custom: {
        profileWorker: {
          queueUrl: places.queue.queueUrl,
          deadLetterQueueUrl: places.deadLetterQueue.queueUrl,
          tableName: places.table.tableName,
        },
      },
    }
    if (!runs) return

    const { settings = {}, paused = false, verifyLate = true } = props
    const network = new Network(this, 'Network', networkOf(props, verifyLate))
    const cluster = props.cluster === undefined ? ownCluster(this, network.vpc) : inVpc(this, props.cluster, network.vpc)
    const logGroup = workerLogGroup(this, props.logRetention ?? logs.RetentionDays.ONE_MONTH)
    const image = props.image ?? ecs.ContainerImage.fromRegistry(publishedImage() ?? '')
    const architecture = props.architecture ?? ecs.CpuArchitecture.ARM64
    const environment = commonEnvironment(places, props)
    const secrets: Record<string, ecs.Secret> =
      settings.logHashKey === undefined ? {} : { LOG_HASH_KEY: settings.logHashKey }
    const capacity = { ...CAPACITY, ...props.capacity }
    const collector = collectorOf(props)
    const common = { places, cluster, image, architecture, environment, secrets, logGroup, paused }

    const { service } = new Service(this, 'Worker', {
      ...common,
      network,
      capacity,
      settings,
      verifyLate,
      ...(collector && { collector }),
    })
    if (!paused) {
      new Scaling(this, 'Scaling', {
        ...capacity,
        service,
        clusterName: cluster.clusterName,
        queueName: places.queue.queueName,
      })
    }
    new Jobs(this, 'Jobs', {
      ...common,
      vpc: network.vpc,
      subnets: network.subnets,
      securityGroup: network.securityGroup,
      assignPublicIp: network.assignPublicIp,
      reconcile: props.reconcile ?? {},
    })
    const triggerFunction = props.ingress?.triggerFunction ?? props.triggerFunction
    new Monitoring(this, 'Monitoring', {
      ...props.monitoring,
      prefix: props.monitoring?.prefix ?? Names.uniqueResourceName(this, { maxLength: 100, separator: '-' }),
      queue: places.queue,
      deadLetterQueue: places.deadLetterQueue,
      ...(triggerFunction && { triggerFunction }),
      table: places.table,
      userPool: props.userPool,
      logGroup,
    })

    new CfnOutput(this, 'ClusterName', { value: cluster.clusterName, description: 'ECS cluster of the profile worker' })
    new CfnOutput(this, 'ServiceName', { value: service.serviceName, description: 'ECS service of the profile worker' })
    new CfnOutput(this, 'LogGroupName', { value: logGroup.logGroupName, description: 'Logs of worker and jobs' })
    this.service = service
    this.cluster = cluster
    this.logGroup = logGroup
  }
}

function collectorOf(props: ProfileWorkerProps): CollectorProps | undefined {
  return props.collector === true ? {} : props.collector || undefined
}

function networkOf(props: ProfileWorkerProps, verifyLate: boolean): NetworkOf {
  const vpc = givenVpc(props)
  const hashKey = props.settings?.logHashKey?.arn
  const parameter = hashKey?.includes(':ssm:') ?? false
  const collector = collectorOf(props)
  return {
    access: props.network?.access ?? 'public',
    ...(vpc && { vpc }),
    ...(props.network?.subnets && { subnets: props.network.subnets }),
    calls: {
      cognito: verifyLate || props.reconcile !== false,
      xray: collector !== undefined && collector.config === undefined,
      secretsManager: hashKey !== undefined && !parameter,
      parameterStore: parameter,
    },
  }
}

/** The cluster with the VPC in which its tasks run here: one that was imported by its ARN knows none. */
function inVpc(scope: Construct, cluster: ecs.ICluster, vpc: ec2.IVpc): ecs.ICluster {
  const { clusterName, clusterArn } = cluster
  return ecs.Cluster.fromClusterAttributes(scope, 'Given', { clusterName, clusterArn, vpc, securityGroups: [] })
}
