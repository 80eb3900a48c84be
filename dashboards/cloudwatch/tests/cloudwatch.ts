// CloudWatch in small: metrics come in late, every alarm is evaluated every minute over a sliding window ("Alarm
// evaluation window": SlidingWindow is the default), composites follow, and whoever goes into ALARM and has somebody to
// tell tells him, unless a suppressor has (API reference, PutCompositeAlarm).

import type { CompositeAlarm, MetricAlarm, Query } from '../alarm.ts'
import type { Metric } from '../metrics.ts'
import { evaluate, type Value } from './math.ts'
import { alarmState, EXTRA_POINTS, ruleHolds, type Point, type State } from './state.ts'

/** What was reported in a minute: nothing, or values. */
export type Series = (minute: number) => readonly number[]

export interface World {
  /** A metric that is not here reports nothing. */
  readonly series: Readonly<Record<string, Series>>
  /** Minutes until a namespace's data can be seen. */
  readonly late: Readonly<Record<string, number>>
}

export interface Told {
  readonly minute: number
  readonly alarm: string
  readonly state: State
}

export const key = (metric: Metric): string =>
  [metric.namespace, metric.metricName, ...metric.dimensions.map(({ value }) => value)].join(' ')

function statistic(stat: string, values: readonly number[]): Value {
  if (values.length === 0) return null
  switch (stat) {
    case 'Sum':
      return values.reduce((sum, value) => sum + value, 0)
    case 'Maximum':
      return values.reduce((most, value) => Math.max(most, value))
    case 'p99':
      return [...values].sort((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? null
    default:
      throw new Error(`${stat} is not known here`)
  }
}

/** The one number of the period of a query that ends with `minute`. */
function datapoint(query: Query, all: readonly Query[], world: World, minute: number, now: number): Value {
  if (query.expression !== undefined) {
    const values = all
      .filter((other) => other.id !== query.id)
      .map((other) => [other.id, datapoint(other, all, world, minute, now)] as const)
    return evaluate(query.expression, Object.fromEntries(values))
  }
  if (query.metricStat === undefined) throw new Error('neither metric nor expression')
  const { metric, period, stat } = query.metricStat
  const newest = now - (world.late[metric.namespace] ?? 0)
  const values: number[] = []
  const reported = world.series[key(metric)]
  if (reported === undefined) return null
  for (let at = minute - period / 60 + 1; at <= minute && at <= newest; at++) {
    for (const value of reported(at)) values.push(value)
  }
  return statistic(stat, values)
}

const period = (alarm: MetricAlarm): number =>
  Math.max(...alarm.props.metrics.map(({ metricStat }) => metricStat?.period ?? 0)) / 60

function evaluated(alarm: MetricAlarm, world: World, now: number, before: State): State {
  const { metrics, evaluationPeriods: n, datapointsToAlarm: m, treatMissingData, threshold, comparisonOperator } = alarm.props
  const watched = metrics.find(({ returnData }) => returnData)
  if (watched === undefined) throw new Error('nothing is watched')
  const points: Point[] = []
  for (let back = n + EXTRA_POINTS - 1; back >= 0; back--) {
    const value = datapoint(watched, metrics, world, now - back * period(alarm), now)
    points.push(value === null ? null : comparisonOperator === 'GreaterThanThreshold' ? value > threshold : value <= threshold)
  }
  return alarmState(points, n, m, treatMissingData, before)
}

/** Lets `minutes` pass and answers who was told what, in order, and every state of the last minute. */
export function run(
  alarms: readonly MetricAlarm[],
  composites: readonly CompositeAlarm[],
  world: World,
  minutes: number,
): { readonly told: readonly Told[]; readonly states: ReadonlyMap<string, State> } {
  const states = new Map<string, State>()
  const told: Told[] = []
  const tell = (minute: number, alarm: string, state: State): number => told.push({ minute, alarm, state })
  /** Of composites that went off and have told nobody yet. */
  const untold = new Map<string, number>()
  const muted = new Map<string, number>()
  for (let minute = 0; minute < minutes; minute++) {
    for (const alarm of alarms) {
      const name = alarm.props.alarmName
      const before = states.get(name) ?? 'INSUFFICIENT_DATA'
      const state = evaluated(alarm, world, minute, before)
      states.set(name, state)
      if (state === 'ALARM' && before !== state && alarm.props.alarmActions.length > 0) tell(minute, alarm.id, state)
    }
    for (const { id, props } of composites) {
      const stateOf = (name: string): State => {
        const state = states.get(name)
        if (state === undefined) throw new Error(`${props.alarmName} asks for ${name}, which is not there yet`)
        return state
      }
      const before = states.get(props.alarmName)
      const state: State = ruleHolds(props.alarmRule, stateOf) ? 'ALARM' : 'OK'
      states.set(props.alarmName, state)
      const suppressor = props.actionsSuppressor?.split(':alarm:')[1]
      if (suppressor !== undefined && stateOf(suppressor) === 'ALARM') {
        muted.set(id, minute + (props.actionsSuppressorExtensionPeriod ?? 0) / 60)
      }
      if (state === 'OK') untold.delete(id)
      else if (before !== 'ALARM') untold.set(id, minute + (suppressor === undefined ? 0 : (props.actionsSuppressorWaitPeriod ?? 0) / 60))
      const due = untold.get(id)
      if (due !== undefined && due <= minute && (muted.get(id) ?? -1) < minute) {
        untold.delete(id)
        tell(minute, id, 'ALARM')
      }
    }
  }
  return { told, states }
}
