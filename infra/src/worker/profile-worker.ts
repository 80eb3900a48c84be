// The half that belongs to profiles: the worker as a Fargate service, its jobs, its alarms. It refers to queue, pool
// and table and stands in a stack of its own, to which nothing refers.

import { CfnOutput, CfnWaitConditionHandle, Names, Stack } from 'aws-cdk-lib'
import type * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'

import { inSandbox } from '../ingress/amplify.ts'
import { Monitoring } from '../monitoring/monitoring.ts'
import { Problems } from '../problems.ts'
import { CAPACITY, checkPlaces, checkService, givenVpc } from './checks.ts'
import { collectorOf } from './collector.ts'
import { commonEnvironment, workerEnvironment } from './environment.ts'
import { publishedImage } from './image.ts'
import { Jobs } from './jobs.ts'
import { Network, type NetworkOf } from './network.ts'
import type { AmplifyOutputs, ProfileWorkerProps } from './props.ts'
import type { RunNeeds } from './roles.ts'
import { Scaling } from './scaling.ts'
import { Service, ownCluster, workerLogGroup } from './service.ts'

export type * from './props.ts'

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
    if (!runs) {
      // CloudFormation refuses a stack without a resource; this one is none, costs nothing and is waited for by nobody.
      new CfnWaitConditionHandle(this, 'NoService')
      return
    }

    const { settings = {}, paused = false, verifyLate = true } = props
    const network = new Network(this, 'Network', networkOf(props, verifyLate))
    const cluster =
      props.cluster === undefined ? ownCluster(this, network.vpc) : inVpc(this, props.cluster, network.vpc)
    const logGroup = workerLogGroup(this, props.logRetention ?? logs.RetentionDays.ONE_MONTH)
    const image = props.image ?? ecs.ContainerImage.fromRegistry(publishedImage() ?? '')
    const architecture = props.architecture ?? ecs.CpuArchitecture.ARM64
    const environment = commonEnvironment(places, props)
    const secrets: Record<string, ecs.Secret> =
      settings.logHashKey === undefined ? {} : { LOG_HASH_KEY: settings.logHashKey }
    const own = workerEnvironment(places, settings, verifyLate)
    const needs: RunNeeds = {
      writeStrategy: settings.writeStrategy ?? 'auto',
      verifyLate,
      attributesOnly: props.attributesOnly ?? false,
    }
    const capacity = { ...CAPACITY, ...props.capacity }
    const collector = collectorOf(props)
    const common = { places, cluster, image, architecture, environment, secrets, logGroup, paused }

    const { service } = new Service(this, 'Worker', {
      ...common,
      network,
      capacity,
      own,
      needs,
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
      // `check` says most about the worker when it asks as the worker.
      run: { role: service.taskDefinition.taskRole, needs, environment: own },
      ...(props.filesBucket && { filesBucket: props.filesBucket }),
    })
    const triggerFunction = props.ingress?.triggerFunction ?? props.triggerFunction
    new Monitoring(this, 'Monitoring', {
      ...props.monitoring,
      prefix: props.monitoring?.prefix ?? Names.uniqueResourceName(this, { maxLength: 100, separator: '-' }),
      queue: places.queue,
      deadLetterQueue: places.deadLetterQueue,
      ...(triggerFunction && { triggerFunction }),
      table: places.table,
      // Its alarms are those of `reconcile`.
      ...(props.reconcile !== false && { userPool: props.userPool }),
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
