// The shape of an alarm: the properties of CDK's CfnAlarm and CfnCompositeAlarm (CloudFormation's, with a small first
// letter), and beside them what a reader and the tests need.

import type { Metric } from './metrics.ts'
import type { Alert, Signal } from './names.ts'

export type Severity = 'page' | 'ticket'

/** How a period without a data point counts. */
export type Missing = 'breaching' | 'notBreaching' | 'ignore' | 'missing'

/** A metric, or an expression over the others. Exactly one of them returns data: what is watched. */
export interface Query {
  readonly id: string
  readonly label?: string
  readonly expression?: string
  readonly metricStat?: { readonly metric: Metric; readonly period: number; readonly stat: string }
  readonly returnData: boolean
}

export interface AlarmProps {
  readonly alarmName: string
  readonly alarmDescription: string
  readonly actionsEnabled: boolean
  readonly alarmActions: readonly string[]
  readonly okActions: readonly string[]
  readonly comparisonOperator: 'GreaterThanThreshold' | 'LessThanOrEqualToThreshold'
  readonly threshold: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  readonly treatMissingData: Missing
  readonly metrics: readonly Query[]
}

export interface MetricAlarm {
  readonly id: Alert | Signal
  readonly severity: Severity | null
  /** Why a missing data point counts as it does. */
  readonly whenMissing: string
  readonly props: AlarmProps
}

export interface CompositeProps {
  readonly alarmName: string
  readonly alarmDescription: string
  readonly actionsEnabled: boolean
  readonly alarmActions: readonly string[]
  readonly okActions: readonly string[]
  readonly alarmRule: string
  /** ARN of an alarm that has already told of the same outage. */
  readonly actionsSuppressor?: string
  readonly actionsSuppressorWaitPeriod?: number
  readonly actionsSuppressorExtensionPeriod?: number
}

export interface CompositeAlarm {
  readonly id: Alert
  readonly severity: Severity
  /** The alarms that must be there first. */
  readonly children: readonly (Alert | Signal)[]
  readonly props: CompositeProps
}
