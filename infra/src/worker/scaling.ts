// How many tasks. Two policies, of which Application Auto Scaling takes the one that wants more:
//
//  1. Backlog: target tracking on messages waiting for each running task. Its alarm asks for three minutes above the
//     target and for fifteen below 90 % of it, and the count follows the ratio: 12,000 messages, 2 tasks, target 1,000:
//     six times the target, so 12 tasks or `max`.
//  2. Age: one task more every three minutes while the oldest message is older than five minutes AND each task has more
//     waiting than one receive brings. Age alone says nothing: one message that is retried for hours is old, and more
//     tasks do not help it.
//
// While the breaker is open, that is while the table takes no writes, both see nothing to scale for. The backlog then
// grows because nothing can be written, more tasks would write no more, and ten minutes of outage would end with `max`
// tasks that all begin to write at the same moment. What is measured is held at the target, neither above nor below, so
// tasks that are there stay there for the backlog that waits for them.
//
// `breaker_open` is 0 or 1, printed once a minute by every task. Its average is the share of tasks that cannot write;
// from one half on, it is the table and not a task. Where it is missing (no task prints, CloudWatch is late) it must
// not suspend anything: FILL makes 0 of it. A minute that is filled because its line is late cannot start a scale-out
// by itself, for both alarms ask for three minutes in a row.
//
// `RunningTaskCount` is published by Container Insights only. Without it there is no ratio and no policy acts; so min
// is at least 1, and a cluster that was given must have Container Insights.

import { Duration } from 'aws-cdk-lib'
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions'
import type * as ecs from 'aws-cdk-lib/aws-ecs'
import { Construct } from 'constructs'

/** Messages older than this are not kept waiting by chance: the promise is 60 s (docs/telemetry.md). */
const OLD = Duration.minutes(5)
/** One ReceiveMessage brings ten messages at most. */
const ONE_RECEIVE = 10
/** A minute is what SQS, Container Insights and the worker's lines have in common. */
const PERIOD = Duration.minutes(1)
/** A new task is started, pulled and at work within it, and its share of the backlog shows. */
const COOLDOWN = Duration.minutes(3)

export interface ScalingOf {
  readonly service: ecs.FargateService
  readonly clusterName: string
  readonly queueName: string
  readonly min: number
  readonly max: number
  readonly backlogPerTask: number
}

type Dimensions = Readonly<Record<string, string>>

interface Measured {
  readonly id: string
  readonly namespace: string
  readonly metricName: string
  readonly dimensions: Dimensions
  readonly stat: string
}

/** What both policies look at, by the ids of their expressions. */
export function measured(
  of: Pick<ScalingOf, 'clusterName' | 'queueName'> & { readonly serviceName: string },
): readonly Measured[] {
  const queue: Dimensions = { QueueName: of.queueName }
  return [
    // SQS publishes one value a minute: the sum of a minute is that value.
    {
      id: 'visible',
      namespace: 'AWS/SQS',
      metricName: 'ApproximateNumberOfMessagesVisible',
      dimensions: queue,
      stat: 'Sum',
    },
    {
      id: 'age',
      namespace: 'AWS/SQS',
      metricName: 'ApproximateAgeOfOldestMessage',
      dimensions: queue,
      stat: 'Maximum',
    },
    {
      id: 'running',
      namespace: 'ECS/ContainerInsights',
      metricName: 'RunningTaskCount',
      dimensions: { ClusterName: of.clusterName, ServiceName: of.serviceName },
      stat: 'Average',
    },
    {
      id: 'breaker',
      namespace: 'ProfileWorker',
      metricName: 'breaker_open',
      dimensions: { queue_name: of.queueName },
      stat: 'Average',
    },
  ]
}

const OPEN = 'FILL(breaker, 0) >= 0.5'

/** Messages waiting for each running task; the target itself while the breaker is open. */
export const backlogExpression = (target: number): string => `IF(${OPEN}, ${target}, visible / running)`

/** Seconds; 0 while the breaker is open, and while there is less waiting than the tasks receive in one go. */
export const AGE_EXPRESSION = `IF(${OPEN}, 0, IF(visible > ${ONE_RECEIVE} * running, age, 0))`

export class Scaling extends Construct {
  constructor(scope: Construct, id: string, of: ScalingOf) {
    super(scope, id)
    const target = of.service.autoScaleTaskCount({ minCapacity: of.min, maxCapacity: of.max })
    const metrics = measured({ ...of, serviceName: of.service.serviceName })
    this.#followBacklog(target, metrics, of.backlogPerTask)
    this.#relieveAge(target, metrics)
  }

  /** L1: the L2 takes no metric math for target tracking. */
  #followBacklog(target: ecs.ScalableTaskCount, metrics: readonly Measured[], backlogPerTask: number): void {
    const scalable = target.node.findChild('Target') as appscaling.ScalableTarget
    new appscaling.CfnScalingPolicy(this, 'Backlog', {
      policyName: `${this.node.addr}-backlog`,
      policyType: 'TargetTrackingScaling',
      scalingTargetId: scalable.scalableTargetId,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: backlogPerTask,
        scaleOutCooldown: COOLDOWN.toSeconds(),
        scaleInCooldown: COOLDOWN.toSeconds(),
        customizedMetricSpecification: {
          metrics: [
            ...metrics
              .filter(({ id }) => id !== 'age')
              .map((metric) => ({
                id: metric.id,
                metricStat: {
                  metric: {
                    namespace: metric.namespace,
                    metricName: metric.metricName,
                    dimensions: Object.entries(metric.dimensions).map(([name, value]) => ({ name, value })),
                  },
                  stat: metric.stat,
                },
                returnData: false,
              })),
            {
              id: 'backlog',
              label: 'Messages waiting for each task',
              expression: backlogExpression(backlogPerTask),
              returnData: true,
            },
          ],
        },
      },
    })
  }

  #relieveAge(target: ecs.ScalableTaskCount, metrics: readonly Measured[]): void {
    const scalable = target.node.findChild('Target') as appscaling.ScalableTarget
    const usingMetrics = Object.fromEntries(
      metrics.map(({ id, namespace, metricName, dimensions, stat }) => [
        id,
        new cloudwatch.Metric({
          namespace,
          metricName,
          dimensionsMap: { ...dimensions },
          statistic: stat,
          period: PERIOD,
        }),
      ]),
    )
    const oneMore = new appscaling.StepScalingAction(this, 'Age', {
      scalingTarget: scalable,
      adjustmentType: appscaling.AdjustmentType.CHANGE_IN_CAPACITY,
      cooldown: COOLDOWN,
      metricAggregationType: appscaling.MetricAggregationType.MAXIMUM,
    })
    oneMore.addAdjustment({ adjustment: 1, lowerBound: 0 })
    const alarm = new cloudwatch.Alarm(this, 'Old', {
      alarmDescription: 'Starts a task of the profile worker: messages wait long, and there are many. Notifies nobody.',
      metric: new cloudwatch.MathExpression({
        expression: AGE_EXPRESSION,
        label: 'Age of the oldest message that a task could take',
        usingMetrics,
        period: PERIOD,
      }),
      threshold: OLD.toSeconds(),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    })
    alarm.addAlarmAction(new actions.ApplicationScalingAction(oneMore))
  }
}
