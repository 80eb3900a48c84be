// What scaling does, by evaluating the very expressions that stand in the template: an outage must not end with `max`
// tasks, a backlog must, and a metric that is missing must not keep the service small.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import type { Template } from 'aws-cdk-lib/assertions'

import { made, surroundings } from './worker-stack.ts'

/** One minute; what is undefined is missing. */
interface Minute {
  readonly visible?: number
  readonly running?: number
  readonly age?: number
  readonly breaker?: number
}

/**
 * CloudWatch's metric math, as far as it is used: a value that is missing makes what is computed of it missing; FILL
 * puts something in its place; IF takes one of its branches, and only that one counts.
 */
function evaluate(expression: string, minute: Minute): number | undefined {
  const script = expression
    .replace(/\bIF\(/g, '$if(')
    .replace(/\bFILL\(/g, '$fill(')
    .replace(/\b(visible|running|age|breaker)\b/g, '(m.$1 ?? NaN)')
  const run = new Function('m', '$if', '$fill', `return ${script}`)
  const value: unknown = run(
    minute,
    (condition: boolean | number, yes: number, no: number) => (condition ? yes : no),
    (given: number, otherwise: number) => (Number.isNaN(given) ? otherwise : given),
  )
  const number = Number(value)
  return Number.isNaN(number) ? undefined : number
}

interface Tracking {
  readonly target: number
  readonly expression: string
  readonly metrics: readonly {
    readonly Id: string
    readonly MetricStat?: { readonly Metric: Metric; readonly Stat: string }
  }[]
}
interface Metric {
  readonly Namespace: string
  readonly MetricName: string
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[]
}

function policies(template: Template): readonly any[] {
  return Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy')).map(
    ({ Properties }) => Properties,
  )
}

function tracking(template: Template): Tracking {
  const policy = policies(template).find(({ PolicyType }) => PolicyType === 'TargetTrackingScaling')
  const { TargetValue, CustomizedMetricSpecification } = policy.TargetTrackingScalingPolicyConfiguration
  const returned = CustomizedMetricSpecification.Metrics.filter(({ ReturnData }: { ReturnData: boolean }) => ReturnData)
  assert.equal(returned.length, 1, 'one series is tracked')
  return { target: TargetValue, expression: returned[0].Expression, metrics: CustomizedMetricSpecification.Metrics }
}

function ageAlarm(template: Template): any {
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties)
  const own = alarms.filter(({ AlarmActions: [first] = [] }) => JSON.stringify(first ?? '').includes('ScalingAge'))
  assert.equal(own.length, 1, 'one alarm scales')
  return own[0]
}

const { template, stack, queue, worker } = made()
const backlog = tracking(template)
const alarm = ageAlarm(template)
const ageExpression: string = alarm.Metrics.find(
  ({ ReturnData }: { ReturnData?: boolean }) => ReturnData !== false,
).Expression

/** What target tracking wants: it follows the ratio. */
const wanted = (minute: Minute): number | undefined => {
  const value = evaluate(backlog.expression, minute)
  return value === undefined || minute.running === undefined
    ? undefined
    : Math.ceil((minute.running * value) / backlog.target)
}

test('the count follows the messages that wait for each task', () => {
  assert.equal(backlog.target, 1000)
  assert.equal(wanted({ visible: 12_000, running: 2, breaker: 0 }), 12)
  assert.equal(wanted({ visible: 900, running: 3, breaker: 0 }), 1)
  assert.equal(tracking(made({ capacity: { backlogPerTask: 50 } }).template).target, 50)
})

test('ten minutes of outage start no task: neither for the backlog nor for its age', () => {
  for (let minute = 1; minute <= 10; minute += 1) {
    const outage = { visible: 60_000 * minute, running: 2, age: 60 * minute, breaker: 1 }
    assert.equal(wanted(outage), 2)
    assert.equal(evaluate(ageExpression, outage), 0)
  }
  assert.equal(wanted({ visible: 600_000, running: 2, breaker: 0 }), 600, 'and would have')
})

test('an outage stops no task either: the backlog waits for those that are there', () => {
  assert.equal(evaluate(backlog.expression, { visible: 0, running: 4, breaker: 1 }), backlog.target)
})

test('one task of three that cannot write is that task, half of them are the table', () => {
  assert.equal(wanted({ visible: 12_000, running: 3, breaker: 1 / 3 }), 12)
  assert.equal(wanted({ visible: 12_000, running: 2, breaker: 1 / 2 }), 2)
})

test('a breaker of which nothing is known suspends nothing', () => {
  assert.equal(wanted({ visible: 12_000, running: 2 }), 12)
  assert.equal(evaluate(ageExpression, { visible: 12_000, running: 2, age: 900 }), 900)
})

test('without a count of the tasks, or of the messages, nobody acts', () => {
  assert.equal(evaluate(backlog.expression, { visible: 12_000, breaker: 0 }), undefined)
  assert.equal(evaluate(backlog.expression, { running: 2, breaker: 0 }), undefined)
  assert.equal(alarm.TreatMissingData, 'notBreaching')
})

test('age counts while each task has more waiting than one receive brings', () => {
  assert.equal(evaluate(ageExpression, { visible: 21, running: 2, age: 900, breaker: 0 }), 900)
  // One message that is retried for hours.
  assert.equal(evaluate(ageExpression, { visible: 1, running: 1, age: 9000, breaker: 0 }), 0)
  assert.equal(evaluate(ageExpression, { visible: 20, running: 2, age: 9000, breaker: 0 }), 0)
})

test('age starts one task at a time and stops none', () => {
  assert.deepEqual(
    [alarm.Threshold, alarm.ComparisonOperator, alarm.EvaluationPeriods],
    [300, 'GreaterThanThreshold', 3],
  )
  const [step] = policies(template).filter(({ PolicyType }) => PolicyType === 'StepScaling')
  assert.deepEqual(step.StepScalingPolicyConfiguration, {
    AdjustmentType: 'ChangeInCapacity',
    Cooldown: 180,
    MetricAggregationType: 'Maximum',
    StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
  })
})

test('what is measured is this queue, this service and this worker’s own line', () => {
  const of = (id: string): unknown => backlog.metrics.find(({ Id }) => Id === id)?.MetricStat
  const stat = (metric: object, Stat: string): object => ({ Metric: metric, Stat })
  const name = stack.resolve(queue.queueName)
  assert.deepEqual(
    of('visible'),
    stat(
      {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Dimensions: [{ Name: 'QueueName', Value: name }],
      },
      'Sum',
    ),
  )
  assert.deepEqual(
    of('running'),
    stat(
      {
        Namespace: 'ECS/ContainerInsights',
        MetricName: 'RunningTaskCount',
        Dimensions: [
          { Name: 'ClusterName', Value: stack.resolve(worker.cluster?.clusterName) },
          { Name: 'ServiceName', Value: stack.resolve(worker.service?.serviceName) },
        ],
      },
      'Average',
    ),
  )
  assert.deepEqual(
    of('breaker'),
    stat(
      { Namespace: 'ProfileWorker', MetricName: 'breaker_open', Dimensions: [{ Name: 'queue_name', Value: name }] },
      'Average',
    ),
  )
  assert.ok(
    alarm.Metrics.some(
      ({ MetricStat }: { MetricStat?: { Metric: Metric } }) =>
        MetricStat?.Metric.MetricName === 'ApproximateAgeOfOldestMessage',
    ),
  )
})

test('the breaker’s metric is one that the worker prints', () => {
  const printed = JSON.parse(readFileSync(`${__dirname}/../../dashboards/cloudwatch/emf-metrics.json`, 'utf8'))
  const metric = backlog.metrics.find(({ Id }) => Id === 'breaker')?.MetricStat?.Metric
  assert.equal(metric?.Namespace, printed.namespace)
  assert.ok(metric?.MetricName !== undefined && metric.MetricName in printed.worker.metrics)
  assert.deepEqual(
    metric?.Dimensions.map(({ Name }) => Name),
    [printed.worker.dimension],
  )
})

test('never less than min, never more than max', () => {
  const { template } = made({ capacity: { min: 2, max: 9 } }, surroundings())
  template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 2, MaxCapacity: 9 })
})
