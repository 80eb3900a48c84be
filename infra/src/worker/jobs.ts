// The jobs as task definitions, each with a role of its own, and the schedule of `reconcile`. They run when somebody starts
// them (`aws ecs run-task`, printed as outputs) and are never a service. A role limits what the task may do whatever
// command it is given; who may start tasks is up to who may call ecs:RunTask.

import { CfnOutput, Duration, Stack, Validations } from 'aws-cdk-lib'
import type * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as logs from 'aws-cdk-lib/aws-logs'
import type * as s3 from 'aws-cdk-lib/aws-s3'
import * as scheduler from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'

import { type CommandFacts, commandsOf, JOB_NAMES, type JobName } from './commands.ts'
import { USER } from './image.ts'
import type { Places } from './places.ts'
import type { ReconcileProps } from './profile-worker.ts'
import {
  grantAdopt,
  grantBackfill,
  grantCheck,
  grantExplain,
  grantFiles,
  grantQuarantine,
  grantReconcile,
  grantRedrive,
  type RunNeeds,
} from './roles.ts'
import { runLine } from './run-line.ts'
import { ReconcileSchedule } from './schedule.ts'
import { addScratch, SCRATCH_ENVIRONMENT, SCRATCH_PATH } from './scratch.ts'
import { wildcardFinding } from './wildcard-finding.ts'

export interface JobsProps {
  readonly places: Places
  readonly cluster: ecs.ICluster
  readonly image: ecs.ContainerImage
  readonly architecture: ecs.CpuArchitecture
  readonly logGroup: logs.ILogGroup
  /** Of worker and jobs alike: places, model, pools, log settings (environment.ts). */
  readonly environment: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, ecs.Secret>>
  readonly vpc: ec2.IVpc
  readonly subnets: ec2.SubnetSelection
  readonly securityGroup: ec2.ISecurityGroup
  readonly assignPublicIp: boolean
  readonly reconcile: ReconcileProps | false
  /** No schedule is enabled; the task definitions are there. */
  readonly paused: boolean
  /**
   * Where state, plans, backups and rejected lines go that are to outlive their task, under `profile-worker/`. They are
   * personal data: encrypt the bucket and let its objects expire.
   * @default none: `adopt` can only plan and `quarantine drop` deletes nothing, because their backups would be lost
   */
  readonly filesBucket?: s3.IBucket
  /**
   * What `check` looks with: the worker's own role tells most about the worker's permissions.
   * @default a role of its own with the same statements
   */
  readonly run?: {
    readonly role?: iam.IRole
    readonly needs?: RunNeeds
    readonly environment?: Readonly<Record<string, string>>
  }
}

/** The container of every job. */
export const JOB_CONTAINER = 'profile-worker'

/** Begins the keys of the objects in {@link JobsProps.filesBucket}. */
const FILES_PREFIX = 'profile-worker/'

/** Small ones are enough: what grows with the pool is counted in bytes a user. `run-task` can override both. */
const SIZE = { cpu: 256, memoryLimitMiB: 512 } as const

const NEEDS: RunNeeds = { writeStrategy: 'auto', verifyLate: true }

export class Jobs extends Construct {
  readonly #props: JobsProps
  readonly #facts: CommandFacts
  readonly #executionRole: iam.Role
  readonly #subnetIds: readonly string[]
  /** By command. */
  readonly taskDefinitions: Readonly<Record<JobName, ecs.FargateTaskDefinition>>

  constructor(scope: Construct, id: string, props: JobsProps) {
    super(scope, id)
    this.#props = props
    const { filesBucket, reconcile } = props
    this.#facts = {
      reconcile: reconcile === false ? {} : reconcile,
      ...(filesBucket && { files: filesBucket.s3UrlForObject(FILES_PREFIX.slice(0, -1)) }),
    }
    this.#executionRole = new iam.Role(this, 'ExecutionRole', {
      description: 'Pulls the image and writes the logs of the profile worker jobs',
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
    })
    Validations.of(this.#executionRole).acknowledge({
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'ecr:GetAuthorizationToken, for an image of ECR, knows no resource',
    })
    this.#subnetIds = props.vpc.selectSubnets(props.subnets).subnetIds
    const made = JOB_NAMES.map((job) => [job, this.#task(job)] as const)
    this.taskDefinitions = Object.fromEntries(made) as Record<JobName, ecs.FargateTaskDefinition>
    for (const job of JOB_NAMES) this.#tell(job)
    if (reconcile !== false) this.#schedule(reconcile)
  }

  #task(job: JobName): ecs.FargateTaskDefinition {
    const { architecture, environment, image, logGroup, places, run, secrets } = this.#props
    const scratch = this.#hasScratch(job)
    const task = new ecs.FargateTaskDefinition(this, title(job), {
      ...SIZE,
      runtimePlatform: { cpuArchitecture: architecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
      taskRole: this.#role(job),
      executionRole: this.#executionRole,
    })
    const container = task.addContainer(JOB_CONTAINER, {
      image,
      command: [...commandsOf(job, this.#facts).standard],
      essential: true,
      environment: {
        ...environment,
        ...(job === 'check' ? run?.environment : { USER_POOL_ID: places.userPools[0].userPoolId }),
        ...(job === 'reconcile' && { METRICS_EMF: 'on' }),
        LOG_FORMAT: 'json',
        ...(scratch && SCRATCH_ENVIRONMENT),
      },
      secrets: { ...secrets },
      user: USER,
      readonlyRootFilesystem: true,
      ...(scratch && { workingDirectory: SCRATCH_PATH }),
      // A job that is told to stop finishes what is in hand and keeps its state.
      stopTimeout: Duration.seconds(120),
      // Blocking: the last line is the result, and a job has nothing better to do than to wait for its place.
      logging: ecs.LogDrivers.awsLogs({ logGroup, streamPrefix: job, mode: ecs.AwsLogDriverMode.BLOCKING }),
    })
    if (scratch) addScratch(task, container)
    Validations.of(task).acknowledge({
      id: 'AwsSolutions::AwsSolutions-ECS2',
      reason: 'The environment names places and settings; a secret (LOG_HASH_KEY) comes from a secret',
    })
    return task
  }

  /** `quarantine` has none: `drop` must not find a place for a backup that ends with the task. */
  #hasScratch(job: JobName): boolean {
    return job === 'backfill' || job === 'reconcile' || job === 'adopt'
  }

  #role(job: JobName): iam.IRole {
    const { filesBucket, places, reconcile, run } = this.#props
    if (job === 'check' && run?.role !== undefined) return run.role
    const { account, partition, region } = Stack.of(this)
    const role = new iam.Role(this, `${title(job)}Role`, {
      description: `profile-worker ${job}`,
      // As the ECS developer guide has it ("Amazon ECS task IAM role"), against being used for somebody else's task.
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:${partition}:ecs:${region}:${account}:*` },
        },
      }),
    })
    const grants: Readonly<Record<JobName, () => void>> = {
      backfill: () => grantBackfill(role, places),
      reconcile: () => grantReconcile(role, places, { fix: reconcile === false || (reconcile.fix ?? true) }),
      adopt: () => grantAdopt(role, places, { apply: filesBucket !== undefined }),
      quarantine: () => grantQuarantine(role, places),
      redrive: () => grantRedrive(role, places),
      explain: () => grantExplain(role, places),
      check: () => grantCheck(role, places, run?.needs ?? NEEDS),
    }
    grants[job]()
    if (filesBucket !== undefined) {
      grantFiles(role, job, filesBucket, FILES_PREFIX)
      Validations.of(role).acknowledge({
        id: wildcardFinding(this, filesBucket.arnForObjects(`${FILES_PREFIX}*`)),
        reason: 'Files under one prefix, whose names are given when a job is started',
      })
    }
    return role
  }

  #tell(job: JobName): void {
    const { assignPublicIp, cluster, securityGroup } = this.#props
    const value = runLine(this.taskDefinitions[job].family, JOB_CONTAINER, commandsOf(job, this.#facts).example, {
      clusterName: cluster.clusterName,
      subnetIds: this.#subnetIds,
      securityGroupId: securityGroup.securityGroupId,
      assignPublicIp,
    })
    new CfnOutput(this, `Run${title(job)}`, { value, description: `Starts profile-worker ${job}` })
  }

  #schedule(reconcile: ReconcileProps): void {
    const { assignPublicIp, cluster, paused, securityGroup } = this.#props
    new ReconcileSchedule(this, 'ReconcileSchedule', {
      schedule: reconcile.schedule ?? scheduler.ScheduleExpression.rate(Duration.hours(1)),
      enabled: !paused,
      cluster,
      task: this.taskDefinitions.reconcile,
      executionRole: this.#executionRole,
      subnetIds: this.#subnetIds,
      securityGroupId: securityGroup.securityGroupId,
      assignPublicIp,
    })
  }
}

function title(job: JobName): string {
  return job.charAt(0).toUpperCase() + job.slice(1)
}
