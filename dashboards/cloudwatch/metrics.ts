// Every metric that an alarm or a widget looks at, by where it comes from. Nobody else writes a namespace or a dimension.

import type { Names } from './names.ts'

export interface Metric {
  readonly namespace: string
  readonly metricName: string
  readonly dimensions: readonly { readonly name: string; readonly value: string }[]
}

/** The namespace of what our own programs print in the embedded metric format. */
export const OURS = 'ProfileWorker'

const metric = (namespace: string, metricName: string, dimensions: Record<string, string>): Metric => ({
  namespace,
  metricName,
  dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
})

export const queue = (names: Names, name: string): Metric => metric('AWS/SQS', name, { QueueName: names.queueName })

export const deadLetters = (names: Names, name: string): Metric =>
  metric('AWS/SQS', name, { QueueName: names.deadLetterQueueName })

export const lambda = (functionName: string, name: string): Metric =>
  metric('AWS/Lambda', name, { FunctionName: functionName })

export const table = (names: Names, name: string): Metric => metric('AWS/DynamoDB', name, { TableName: names.tableName })

export const operation = (names: Names, name: string, operation: string): Metric =>
  metric('AWS/DynamoDB', name, { TableName: names.tableName, Operation: operation })

/** Printed once a minute by `profile-worker run` with METRICS_EMF=on. */
export const worker = (names: Names, name: string): Metric => metric(OURS, name, { queue_name: names.queueName })

/** Printed by the trigger, one for each event. */
export const trigger = (functionName: string, name: string): Metric => metric(OURS, name, { function_name: functionName })

/** Printed by `profile-worker reconcile` with METRICS_EMF=on. */
export const reconcile = (userPoolId: string, name: string): Metric => metric(OURS, name, { UserPoolId: userPoolId })
