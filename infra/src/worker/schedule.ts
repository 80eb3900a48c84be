// `reconcile` on a schedule: EventBridge Scheduler starts its task. The role may start that one task definition in that one
// cluster, and hand it its own two roles.

import { Duration, Stack, Validations } from 'aws-cdk-lib'
import type * as ecs from 'aws-cdk-lib/aws-ecs'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as scheduler from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'

import { wildcardFinding } from './wildcard-finding.ts'

export interface ReconcileScheduleProps {
  readonly schedule: scheduler.ScheduleExpression
  readonly enabled: boolean
  readonly cluster: ecs.ICluster
  readonly task: ecs.FargateTaskDefinition
  readonly executionRole: iam.IRole
  readonly subnetIds: readonly string[]
  readonly securityGroupId: string
  readonly assignPublicIp: boolean
}

/** Deployments that were made in the same minute do not all ask Cognito at the same time. */
const WINDOW = Duration.minutes(15)

/**
 * Scheduler's own default is 185 tries in 24 hours, which would start yesterday's run beside today's. There is no
 * dead-letter queue: a start that failed holds nothing that the next one does not find again, and nobody would read it.
 * That runs fail to start shows in ReconcileUsers, which has no data then, and in Scheduler's own TargetErrorCount.
 */
const RETRY = { maximumEventAgeInSeconds: Duration.minutes(30).toSeconds(), maximumRetryAttempts: 5 }

export class ReconcileSchedule extends Construct {
  constructor(scope: Construct, id: string, props: ReconcileScheduleProps) {
    super(scope, id)
    const role = this.#role(props)
    const target: scheduler.IScheduleTarget = {
      bind: () => ({
        arn: props.cluster.clusterArn,
        role,
        retryPolicy: RETRY,
        ecsParameters: {
          taskDefinitionArn: props.task.taskDefinitionArn,
          // Not Spot: a run that is cut short has enqueued nothing.
          launchType: 'FARGATE',
          taskCount: 1,
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...props.subnetIds],
              securityGroups: [props.securityGroupId],
              assignPublicIp: props.assignPublicIp ? 'ENABLED' : 'DISABLED',
            },
          },
        },
      }),
    }
    new scheduler.Schedule(this, 'Schedule', {
      description: 'profile-worker reconcile: users without a profile',
      schedule: props.schedule,
      timeWindow: scheduler.TimeWindow.flexible(WINDOW),
      enabled: props.enabled,
      target,
    })
  }

  #role({ cluster, task, executionRole }: ReconcileScheduleProps): iam.Role {
    const stack = Stack.of(this)
    const role = new iam.Role(this, 'Role', {
      description: 'Starts profile-worker reconcile',
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnEquals: {
            'aws:SourceArn': stack.formatArn({
              service: 'scheduler',
              resource: 'schedule-group',
              resourceName: 'default',
            }),
          },
        },
      }),
    })
    // Every revision of this family: the schedule and this policy change one after the other when it gets a new one.
    const revisions = stack.formatArn({ service: 'ecs', resource: 'task-definition', resourceName: `${task.family}:*` })
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        sid: 'StartReconcile',
        actions: ['ecs:RunTask'],
        resources: [revisions],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
    )
    Validations.of(role).acknowledge({
      id: wildcardFinding(this, revisions),
      reason: 'Revisions of one family, of which each deployment makes another',
    })
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        sid: 'HandOverRoles',
        actions: ['iam:PassRole'],
        resources: [task.taskRole.roleArn, executionRole.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    )
    return role
  }
}
