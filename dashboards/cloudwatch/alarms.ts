// The metric alarms. Each says what it watches, how long, and why a missing data point counts as it does. What may be a
// consequence of another trouble notifies nobody from here: composites.ts decides that.

import type { AlarmProps, MetricAlarm, Query } from './alarm.ts'
import { type Metric, deadLetters, lambda, queue, reconcile, trigger, worker } from './metrics.ts'
import { type Alert, type Names, type Signal, alarmName } from './names.ts'
import { description, text } from './texts.ts'

/** Of the objective, 99 % within 60 s, this much may be missed, in percent. */
const BUDGET = 1

/** A window of a burn alert, and how many confirmations it takes to say anything about it. */
interface Window {
  readonly id: Signal
  readonly of: Alert
  readonly seconds: number
  readonly factor: number
  readonly atLeast: number
}

// Google's SRE workbook, "Alerting on SLOs", section 6: the long window says that it matters, the short one that it
// still goes on. With the least numbers, a fast burn takes three late ones in the hour and one just now.
const WINDOWS: readonly Window[] = [
  { id: 'fast-burn-5m', of: 'ConfirmationToProfileFastBurn', seconds: 300, factor: 14.4, atLeast: 5 },
  { id: 'fast-burn-1h', of: 'ConfirmationToProfileFastBurn', seconds: 3600, factor: 14.4, atLeast: 20 },
  { id: 'slow-burn-30m', of: 'ConfirmationToProfileSlowBurn', seconds: 1800, factor: 6, atLeast: 10 },
  { id: 'slow-burn-6h', of: 'ConfirmationToProfileSlowBurn', seconds: 21600, factor: 6, atLeast: 50 },
]

type Watched = Pick<
  AlarmProps,
  'comparisonOperator' | 'threshold' | 'evaluationPeriods' | 'datapointsToAlarm' | 'treatMissingData' | 'metrics'
>

const single = (metric: Metric, stat: string, period: number): readonly Query[] => [
  { id: 'm1', metricStat: { metric, period, stat }, returnData: true },
]

/** `expression` over metrics that all have the one period: an alarm may not mix them. */
const math = (
  label: string,
  expression: string,
  period: number,
  stat: string,
  of: Record<string, Metric>,
): readonly Query[] => [
  { id: 'watched', label, expression, returnData: true },
  ...Object.entries(of).map(([id, metric]) => ({ id, metricStat: { metric, period, stat }, returnData: false })),
]

const alert = (names: Names, id: Alert, whenMissing: string, watched: Watched): MetricAlarm => {
  const { severity } = text(names, id)
  return {
    id,
    severity,
    whenMissing,
    props: {
      alarmName: alarmName(names, id),
      alarmDescription: description(names, id),
      actionsEnabled: true,
      alarmActions: names.topics[severity],
      okActions: severity === 'page' ? names.topics.page : [],
      ...watched,
    },
  }
}

const signal = (names: Names, id: Signal, forWhom: string, whenMissing: string, watched: Watched): MetricAlarm => ({
  id,
  severity: null,
  whenMissing,
  props: {
    alarmName: alarmName(names, id),
    alarmDescription: `Notifies nobody: ${forWhom}`,
    actionsEnabled: false,
    alarmActions: [],
    okActions: [],
    ...watched,
  },
})

const above = (
  threshold: number,
  [datapointsToAlarm, evaluationPeriods]: readonly [number, number],
  treatMissingData: AlarmProps['treatMissingData'],
  metrics: readonly Query[],
): Watched => ({
  comparisonOperator: 'GreaterThanThreshold',
  threshold,
  evaluationPeriods,
  datapointsToAlarm,
  treatMissingData,
  metrics,
})

const burn = (names: Names, window: Window): MetricAlarm =>
  signal(
    names,
    window.id,
    `a half of ${window.of}.`,
    'Without a worker that prints metrics nothing is known of the objective; NoReceive tells of the missing worker.',
    above(
      window.factor * BUDGET,
      [1, 1],
      'notBreaching',
      math(
        'late, in % of live confirmations',
        `IF(live >= ${window.atLeast}, 100 * (live - good) / live, 0)`,
        window.seconds,
        'Sum',
        { live: worker(names, 'live_profiles'), good: worker(names, 'live_profiles_within_objective') },
      ),
    ),
  )

/** Every metric alarm of a deployment. */
export function alarms(names: Names): readonly MetricAlarm[] {
  const breaker = single(worker(names, 'breaker_open'), 'Maximum', 60)
  const noWorker = 'A worker that prints nothing says nothing of the table; NoReceive tells of the missing worker.'
  const rare = 'The metric exists only when it happens.'
  const list = [
    // Twelve, so that one line that came late or not at all does not begin the ten minutes anew. With several tasks one
    // that cannot write is enough.
    alert(names, 'BreakerOpen', noWorker, above(0, [11, 12], 'notBreaching', breaker)),
    // A quarter of an hour: so long may the backlog of an outage, and what metrics lag behind, look like another trouble.
    signal(
      names,
      'breaker-open-lately',
      'while it is on, age, missing receives and the burnt budget are no news.',
      noWorker,
      above(0, [1, 15], 'notBreaching', breaker),
    ),
    signal(
      names,
      'queue-not-asked',
      'a part of NoReceive.',
      'SQS reports receives while they happen: silence is what this looks for.',
      {
        comparisonOperator: 'LessThanOrEqualToThreshold',
        threshold: 0,
        evaluationPeriods: 5,
        datapointsToAlarm: 5,
        treatMissingData: 'breaching',
        metrics: math('answered, messages and empty ones', 'received + empty', 60, 'Sum', {
          received: queue(names, 'NumberOfMessagesReceived'),
          empty: queue(names, 'NumberOfEmptyReceives'),
        }),
      },
    ),
    signal(
      names,
      'message-waits-long',
      'a part of OldestMessageTooOld.',
      'SQS reports an age only while there is a message.',
      above(300, [3, 3], 'notBreaching', single(queue(names, 'ApproximateAgeOfOldestMessage'), 'Maximum', 60)),
    ),
    ...WINDOWS.map((window) => burn(names, window)),
    // Not NumberOfMessagesSent: what SQS moves there itself is not counted as sent.
    alert(
      names,
      'DeadLetterQueueNotEmpty',
      'SQS stops reporting of a queue that nobody has used for six hours. Whoever empties it uses it: until then nothing has changed.',
      above(0, [1, 1], 'ignore', single(deadLetters(names, 'ApproximateNumberOfMessagesVisible'), 'Maximum', 60)),
    ),
    alert(
      names,
      'OwnerConflict',
      noWorker,
      above(0, [1, 1], 'notBreaching', single(worker(names, 'owner_conflict'), 'Sum', 300)),
    ),
  ]
  const { functionName } = names
  if (functionName !== undefined) {
    list.push(
      // A throttled call is no error of the function and a failed sign-up all the same.
      alert(
        names,
        'TriggerErrors',
        'No sign-ups, no calls, no errors.',
        above(
          0,
          [1, 1],
          'notBreaching',
          math('failed sign-ups', 'errors + throttles', 300, 'Sum', {
            errors: lambda(functionName, 'Errors'),
            throttles: lambda(functionName, 'Throttles'),
          }),
        ),
      ),
      alert(
        names,
        'TriggerSlow',
        'No sign-ups, no calls.',
        above(3000, [2, 3], 'notBreaching', single(lambda(functionName, 'Duration'), 'p99', 300)),
      ),
      alert(
        names,
        'EnqueueFailed',
        rare,
        above(0, [1, 1], 'notBreaching', single(trigger(functionName, 'enqueue_failed'), 'Sum', 300)),
      ),
    )
  }
  if (names.userPoolId !== undefined) {
    list.push(
      alert(
        names,
        'ProfilesMissing',
        'Between two runs nothing is known: what the last one found stands until the next.',
        above(0, [1, 1], 'ignore', single(reconcile(names.userPoolId, 'ReconcileMissing'), 'Maximum', 300)),
      ),
    )
  }
  return list
}
