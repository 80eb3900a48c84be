// A deployment in good health, minute by minute, from which each test takes something away.

import type { Metric } from '../metrics.ts'
import { deadLetters, lambda, queue, reconcile, trigger, worker } from '../metrics.ts'
import { key, type Series, type World } from './cloudwatch.ts'
import { SAMPLE } from './sample.ts'

export const always =
  (...values: number[]): Series =>
  () =>
    values

export const never: Series = () => []

/** `inside` from the first to the last minute, both included; `outside` otherwise. */
export const during =
  (from: number, to: number, inside: Series, outside: Series = never): Series =>
  (minute) =>
    minute >= from && minute <= to ? inside(minute) : outside(minute)

const FUNCTION = SAMPLE.functionName ?? ''

export const of = {
  received: queue(SAMPLE, 'NumberOfMessagesReceived'),
  empty: queue(SAMPLE, 'NumberOfEmptyReceives'),
  age: queue(SAMPLE, 'ApproximateAgeOfOldestMessage'),
  dead: deadLetters(SAMPLE, 'ApproximateNumberOfMessagesVisible'),
  breaker: worker(SAMPLE, 'breaker_open'),
  live: worker(SAMPLE, 'live_profiles'),
  good: worker(SAMPLE, 'live_profiles_within_objective'),
  conflicts: worker(SAMPLE, 'owner_conflict'),
  errors: lambda(FUNCTION, 'Errors'),
  throttles: lambda(FUNCTION, 'Throttles'),
  duration: lambda(FUNCTION, 'Duration'),
  failed: trigger(FUNCTION, 'enqueue_failed'),
  missing: reconcile(SAMPLE.userPoolId ?? '', 'ReconcileMissing'),
} satisfies Record<string, Metric>

type Changes = Partial<Record<keyof typeof of, Series>>

const HEALTHY: Changes = {
  received: always(40),
  empty: always(3),
  age: always(2),
  breaker: always(0),
  live: always(40),
  good: always(40),
  conflicts: always(0),
  errors: always(0),
  throttles: always(0),
  duration: always(20, 25, 30),
}

/** What is not named is as in good health. */
export function world(changes: Changes, late: World['late'] = { 'AWS/SQS': 2, ProfileWorker: 1 }): World {
  const all: Changes = { ...HEALTHY, ...changes }
  const series: Record<string, Series> = {}
  for (const [name, metric] of Object.entries(of)) {
    const values = all[name as keyof typeof of]
    if (values !== undefined) series[key(metric)] = values
  }
  return { series, late }
}
