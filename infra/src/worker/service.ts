// The worker as a Fargate service: one task definition, one service. What it may do is roles.ts, what it is told is
// environment.ts; here is how it is run, stopped, watched and replaced.

import { Duration, RemovalPolicy, Size, Stack, Validations } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'

import { STOP_TIMEOUT } from './budgets.ts'
import { addCollector, collectorEnvironment } from './collector.ts'
import type { Environment } from './environment.ts'
import { BINARY, USER } from './image.ts'
import type { Network } from './network.ts'
import type { Places } from './places.ts'
import type { CapacityProps, CollectorProps } from './props.ts'
import { grantRun, type RunNeeds } from './roles.ts'

/**
 * When is a task well? `profile-worker health` asks the worker's own admin endpoint on loopback (ADMIN_ADDR, by default
 * 127.0.0.1:9464) for /health/live. A worker that waits for its queue or table is well; one that was refused a
 * permission for two minutes before its first success is not, and one that stalls is not.
 *
 * ECS calls a deployment done once its tasks are healthy, and a task is healthy with the first check that passes. A
 * check within the first two minutes would pass while permissions are refused, the old tasks would be stopped, and the
 * circuit breaker would have nothing left to roll back. So the first check comes after them: the runtime makes it one
 * interval after the start, and the interval is longer than two minutes. There is no start period, for in it a failed
 * check does not count.
 *
 * The price: a deployment takes two and a half minutes at least, and a worker that stalls is replaced within five.
 * Nothing is lost meanwhile; its messages come back to the queue.
 */
export const HEALTH_CHECK = {
  command: ['CMD', BINARY, 'health'],
  interval: Duration.seconds(150),
  // `health` itself gives up after 5 s.
  timeout: Duration.seconds(10),
  // One check may fail for want of CPU; two in a row are no accident.
  retries: 2,
} as const

/** Bounded: a log service that hangs costs log lines, never the worker's progress. */
const LOG_BUFFER = Size.mebibytes(4)

export interface ServiceOf {
  readonly places: Places
  readonly cluster: ecs.ICluster
  readonly network: Network
  readonly image: ecs.ContainerImage
  readonly architecture: ecs.CpuArchitecture
  readonly capacity: Required<CapacityProps>
  readonly environment: Environment
  readonly secrets: Readonly<Record<string, ecs.Secret>>
  /** Of the worker alone. */
  readonly own: Environment
  readonly needs: RunNeeds
  readonly collector?: CollectorProps
  readonly logGroup: logs.ILogGroup
  readonly paused: boolean
}

/** The log group of worker and jobs. It goes with its stack: what it holds expires by itself. */
export function workerLogGroup(scope: Construct, retention: logs.RetentionDays): logs.LogGroup {
  return new logs.LogGroup(scope, 'Logs', { retention, removalPolicy: RemovalPolicy.DESTROY })
}

/**
 * A cluster of its own. Container Insights is on because scaling needs its RunningTaskCount. The capacity providers
 * stand on the cluster itself: an association of its own would be deleted while the service still uses it.
 */
export function ownCluster(scope: Construct, vpc: ec2.IVpc): ecs.Cluster {
  const cluster = new ecs.Cluster(scope, 'Cluster', { vpc, containerInsightsV2: ecs.ContainerInsights.ENABLED })
  const resource = cluster.node.defaultChild as ecs.CfnCluster
  resource.capacityProviders = ['FARGATE', 'FARGATE_SPOT']
  return cluster
}

export class Service extends Construct {
  readonly service: ecs.FargateService

  constructor(scope: Construct, id: string, of: ServiceOf) {
    super(scope, id)
    const task = this.#task(of)
    const { min, spot } = of.capacity
    this.service = new ecs.FargateService(this, 'Service', {
      cluster: of.cluster,
      taskDefinition: task,
      // Written out: after a pause nothing else would raise it from 0. A deployment begins with `min` again.
      desiredCount: of.paused ? 0 : min,
      ...(spot && {
        capacityProviderStrategies: [
          // `min` tasks are not Spot. A provider of weight 0 is not used for placement, hence 1; of what comes beyond,
          // practically all goes to Spot.
          { capacityProvider: 'FARGATE', base: min, weight: 1 },
          { capacityProvider: 'FARGATE_SPOT', weight: 99 },
        ],
      }),
      // The new one is healthy before the old one is stopped. Two versions at work at once are harmless: a row is
      // written once.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      vpcSubnets: of.network.subnets,
      securityGroups: [of.network.securityGroup],
      assignPublicIp: of.network.assignPublicIp,
      enableExecuteCommand: false,
      enableECSManagedTags: true,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
    })
    // Routes and endpoints before tasks, or the first ones cannot pull their image.
    this.service.node.addDependency(of.network)
  }

  #task(of: ServiceOf): ecs.FargateTaskDefinition {
    const { account, partition, region } = Stack.of(this)
    const taskRole = new iam.Role(this, 'TaskRole', {
      // As the ECS developer guide has it ("Amazon ECS task IAM role"), against being used for somebody else's task.
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:${partition}:ecs:${region}:${account}:*` },
        },
      }),
      description: 'What the profile worker calls',
    })
    grantRun(taskRole, of.places, of.needs)
    const task = new ecs.FargateTaskDefinition(this, 'Task', {
      cpu: of.capacity.cpu,
      memoryLimitMiB: of.capacity.memory,
      runtimePlatform: { cpuArchitecture: of.architecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
      taskRole,
    })
    Validations.of(task).acknowledge(
      {
        id: 'AwsSolutions::AwsSolutions-ECS2',
        reason: 'Places and numbers are no secrets; the one secret, LOG_HASH_KEY, comes from Secrets Manager or SSM',
      },
      {
        id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
        reason: 'ecr:GetAuthorizationToken, for an image of ECR, knows no resource',
      },
    )
    task.addContainer('worker', {
      containerName: 'worker',
      image: of.image,
      command: ['run'],
      essential: true,
      environment: {
        ...of.environment,
        ...of.own,
        ...(of.collector && collectorEnvironment(of.collector)),
      },
      secrets: { ...of.secrets },
      user: USER,
      readonlyRootFilesystem: true,
      privileged: false,
      linuxParameters: this.#noCapabilities(),
      stopTimeout: Duration.millis(STOP_TIMEOUT),
      healthCheck: { ...HEALTH_CHECK, command: [...HEALTH_CHECK.command] },
      logging: this.#logging(of.logGroup, 'worker'),
    })
    if (of.collector !== undefined)
      addCollector({ task, logging: this.#logging(of.logGroup, 'collector'), props: of.collector })
    return task
  }

  /** The worker opens a port above 1024 and files of nobody: it needs none. It is its own init, and has no children. */
  #noCapabilities(): ecs.LinuxParameters {
    const parameters = new ecs.LinuxParameters(this, 'Linux')
    parameters.dropCapabilities(ecs.Capability.ALL)
    return parameters
  }

  #logging(logGroup: logs.ILogGroup, streamPrefix: string): ecs.LogDriver {
    return ecs.LogDrivers.awsLogs({
      logGroup,
      streamPrefix,
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: LOG_BUFFER,
    })
  }
}
