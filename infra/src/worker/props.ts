// What ProfileWorker can be asked for: meaning, unit and default of each prop. Types alone; what is wrong with a value
// is said by checks.ts.

import type { Duration } from 'aws-cdk-lib'
import type * as cognito from 'aws-cdk-lib/aws-cognito'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type * as ec2 from 'aws-cdk-lib/aws-ec2'
import type * as ecs from 'aws-cdk-lib/aws-ecs'
import type * as kms from 'aws-cdk-lib/aws-kms'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type * as logs from 'aws-cdk-lib/aws-logs'
import type * as s3 from 'aws-cdk-lib/aws-s3'
import type * as scheduler from 'aws-cdk-lib/aws-scheduler'
import type * as sns from 'aws-cdk-lib/aws-sns'
import type * as sqs from 'aws-cdk-lib/aws-sqs'

import type { ConfirmationIngress, TriggerSource } from '../ingress/confirmation-ingress.ts'
import type { ProfileModel } from '../model.ts'

/** The names of the table's key attributes. */
export interface TableKey {
  readonly partition: string
  readonly sort?: string
}

/** How the tasks reach AWS. Nobody reaches them: there is no listener, and their security group lets nothing in. */
export interface NetworkProps {
  /**
   * Used as it is: nothing is added to it. With `access: 'endpoints'` it must have endpoints for SQS, CloudWatch Logs,
   * ECR (api, dkr), DynamoDB, S3 and, unless `verifyLate` and `reconcile` are false, Cognito (cognito-idp).
   * @default the cluster's, if there is one, else a VPC of its own, of the `access` kind, in two availability zones
   */
  readonly vpc?: ec2.IVpc
  /** @default by `access`: public, isolated, or private ones with a way out */
  readonly subnets?: ec2.SubnetSelection
  /**
   * - 'public': tasks have public addresses, and nothing listens. No hourly cost but the address.
   * - 'endpoints': isolated subnets with interface endpoints. Images must come from ECR. Cognito takes no request
   *   through an interface endpoint for a user pool that has a domain (federation, managed login): use another access
   *   for those.
   * - 'nat': private subnets behind a NAT gateway.
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
  /**
   * Tasks beyond `min` run on Fargate Spot. A cluster that was given must have the capacity providers FARGATE and
   * FARGATE_SPOT.
   * @default true
   */
  readonly spot?: boolean
  /** CPU units of a task: 256, 512, 1024… @default 256 */
  readonly cpu?: number
  /** MiB. @default 512 */
  readonly memory?: number
}

/** The worker's own settings (docs/configuration.md). What is not given is the binary's default. */
export interface WorkerSettings {
  /** One item by PutItem and several by a batch of PartiQL inserts, or always the one or the other. @default 'auto' */
  readonly writeStrategy?: 'auto' | 'put' | 'batch'
  /** Messages in hand at most, for each task; 1 to 120,000. @default 1000 */
  readonly maxInFlight?: number
  /** Polls in the air at most, for each task; 1 to 256. @default 16, or a tenth of `maxInFlight` if that is less */
  readonly maxReceivers?: number
  /** The long poll; up to 20 seconds. @default 20 seconds */
  readonly waitTime?: Duration
  /** At least `waitTime` + 5 s + 2 × `writeDeadline`. @default 60 seconds */
  readonly visibilityTimeout?: Duration
  /** How long a write or a delete may wait for company; up to 10 seconds. @default 50 milliseconds */
  readonly linger?: Duration
  /** How long one write is tried; 100 ms to 105 s, for the drain must outlast it. @default 10 seconds */
  readonly writeDeadline?: Duration
  /** How long a message is held in hand while the table fails; up to 11 hours. @default 1 hour */
  readonly holdBudget?: Duration
  /** Questions of `verifyLate` a second at most, for each task; 1 to 1000. @default 20 */
  readonly verifyLateRate?: number
  /** Log filter, such as 'worker=debug,info'. @default 'info' */
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
  /**
   * Where this repository can be read, such as `https://git.example.com/profiles/blob/main`: alarms link to its runbook.
   * @default alarms name the file and the heading
   */
  readonly repository?: string
}

/** An ADOT collector beside the worker, to which it pushes OTLP. Not essential: the worker goes on without it. */
export interface CollectorProps {
  /** @default the public ADOT image, pinned */
  readonly image?: ecs.ContainerImage
  /**
   * Its configuration as YAML, with an OTLP receiver for HTTP on localhost:4318 and the extension `health_check`. What
   * it may call is then yours to grant, to `service.taskDefinition.taskRole`.
   * @default traces to X-Ray; metrics are printed for CloudWatch by the worker itself
   */
  readonly config?: string
}

export interface ProfileWorkerProps {
  /** Gives queue, dead-letter queue, key, trigger sources and forwarded attributes. */
  readonly ingress?: ConfirmationIngress
  /** Without `ingress`: the queue. A standard queue with a dead-letter queue. */
  readonly queue?: sqs.IQueue
  /** Without `ingress`: its dead-letter queue. @default the one that `queue` names, where it is made here */
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
  /** @default read from the table where the construct tells it, else not checked */
  readonly tableKey?: TableKey
  readonly userPool: cognito.IUserPool
  /** Further pools whose users get profiles in the same table. @default none */
  readonly otherUserPools?: readonly cognito.IUserPool[]
  /** @default {@link USER_PROFILE} */
  readonly model?: ProfileModel
  /** @default the published image of this package's version; a copy that no release has made has none */
  readonly image?: ecs.ContainerImage
  /** Of the image. @default ARM64 */
  readonly architecture?: ecs.CpuArchitecture
  /**
   * It must have Container Insights, without which nothing scales, and with `capacity.spot` the Fargate capacity
   * providers.
   * @default a cluster of its own
   */
  readonly cluster?: ecs.ICluster
  readonly network?: NetworkProps
  readonly capacity?: CapacityProps
  readonly settings?: WorkerSettings
  /** Asks Cognito about late messages before a profile is made. @default true */
  readonly verifyLate?: boolean
  /**
   * Limits what the worker's role may write to the attributes of the model (`dynamodb:Attributes`). Whether AWS then still
   * answers a failed condition with a stored row that has others was not tried (docs/unverified.md): look before you leap.
   * @default false
   */
  readonly attributesOnly?: boolean
  /** No task runs and no job is started; nothing is lost, the queue keeps. @default false */
  readonly paused?: boolean
  /**
   * `false` makes no service and no job: the worker runs elsewhere.
   * @default true, but false in an Amplify sandbox, where `profile-worker run --amplify-outputs` serves
   */
  readonly service?: boolean
  /** `false` starts it never. @default hourly, with `--fix missing` */
  readonly reconcile?: ReconcileProps | false
  /**
   * Where the jobs keep state, plans, backups and rejected lines that are to outlive their task, under `profile-worker/`.
   * They are personal data: encrypt the bucket and let its objects expire.
   * @default none: `adopt` can only plan, and `quarantine drop` deletes nothing, because their backups would be lost
   */
  readonly filesBucket?: s3.IBucket
  readonly monitoring?: MonitoringProps
  readonly collector?: CollectorProps | boolean
  /** @default one month */
  readonly logRetention?: logs.RetentionDays
}

/** What `amplify_outputs.json` says under `custom`, which `profile-worker run --amplify-outputs` reads. */
export interface AmplifyOutputs {
  readonly custom: {
    readonly profileWorker: {
      readonly queueUrl: string
      readonly deadLetterQueueUrl: string
      readonly tableName: string
    }
  }
}
