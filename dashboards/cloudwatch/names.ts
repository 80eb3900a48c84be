// What differs from one deployment to the next, and how the alarms are called there. Everything else in this folder is
// a function of it. Plain data: no CDK here, so that whoever builds stacks brings the only copy of `constructs`.

/** What a deployment is called. A value may be a token of CDK, or `${Parameter}` of a template. */
export interface Names {
  /** Begins the name of every alarm, of the dashboard and of the saved queries. */
  readonly prefix: string
  readonly partition: string
  readonly region: string
  readonly account: string
  readonly queueName: string
  readonly deadLetterQueueName: string
  /** The trigger. */
  readonly functionName: string
  readonly tableName: string
  /** Of `reconcile`; without it there is no ProfilesMissing. */
  readonly userPoolId?: string
  /** Where the worker's stdout and stderr go. */
  readonly workerLogGroup: string
  /** `/aws/lambda/<functionName>`, unless the function says otherwise. */
  readonly triggerLogGroup: string
  /** SNS topics: who is woken, and who reads in the morning. */
  readonly topics: { readonly page: readonly string[]; readonly ticket: readonly string[] }
  /** Where this repository can be read, without a slash at the end: the texts link into its docs. */
  readonly repository: string
}

/** The alerts of the contract. Each has a heading in docs/runbook.md. */
export const ALERTS = [
  'ConfirmationToProfileFastBurn',
  'ConfirmationToProfileSlowBurn',
  'DeadLetterQueueNotEmpty',
  'OldestMessageTooOld',
  'NoReceive',
  'BreakerOpen',
  'OwnerConflict',
  'TriggerErrors',
  'TriggerSlow',
  'EnqueueFailed',
  'ProfilesMissing',
] as const

export type Alert = (typeof ALERTS)[number]

/** Measured for composites; notify nobody. */
export const SIGNALS = [
  'fast-burn-5m',
  'fast-burn-1h',
  'slow-burn-30m',
  'slow-burn-6h',
  'message-waits-long',
  'queue-not-asked',
  'breaker-open-lately',
] as const

export type Signal = (typeof SIGNALS)[number]

export const alarmName = (names: Names, of: Alert | Signal): string => `${names.prefix}-${of}`

export const alarmArn = (names: Names, of: Alert | Signal): string =>
  `arn:${names.partition}:cloudwatch:${names.region}:${names.account}:alarm:${alarmName(names, of)}`

/** `BreakerOpen` → `breaker open`: the heading is `### Alert: breaker open`. */
export const words = (alert: Alert): string => alert.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase()

/** GitHub's slug of that heading. */
export const anchor = (alert: Alert): string => `alert-${words(alert).replaceAll(' ', '-')}`
