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
  /** The trigger; without it there are no alarms, graphs and queries of it. */
  readonly functionName?: string
  readonly tableName: string
  /** Of `reconcile`; without it there is no ProfilesMissing. */
  readonly userPoolId?: string
  /** Where the worker's stdout and stderr go. */
  readonly workerLogGroup: string
  /** `/aws/lambda/<functionName>`, unless the function says otherwise. Goes with `functionName`. */
  readonly triggerLogGroup?: string
  /** SNS topics: who is woken, and who reads in the morning. */
  readonly topics: { readonly page: readonly string[]; readonly ticket: readonly string[] }
  /** Where this repository can be read, without a slash at the end; without it the texts name the file alone. */
  readonly repository?: string
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

/** Alerts of what a deployment may be without. */
const OF_THE_TRIGGER: readonly Alert[] = ['TriggerErrors', 'TriggerSlow', 'EnqueueFailed']
const OF_RECONCILE: readonly Alert[] = ['ProfilesMissing']

/** The alerts that there are in a deployment. */
export const alertsOf = (names: Names): readonly Alert[] =>
  ALERTS.filter(
    (alert) =>
      (names.functionName !== undefined || !OF_THE_TRIGGER.includes(alert)) &&
      (names.userPoolId !== undefined || !OF_RECONCILE.includes(alert)),
  )

export const alarmName = (names: Names, of: Alert | Signal): string => `${names.prefix}-${of}`

export const alarmArn = (names: Names, of: Alert | Signal): string =>
  `arn:${names.partition}:cloudwatch:${names.region}:${names.account}:alarm:${alarmName(names, of)}`

/** `BreakerOpen` → `breaker open`: the heading is `### Alert: breaker open`. */
export const words = (alert: Alert): string => alert.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase()

/** GitHub's slug of that heading. */
export const anchor = (alert: Alert): string => `alert-${words(alert).replaceAll(' ', '-')}`

/** Where to read on. */
export const runbook = ({ repository }: Names): string =>
  repository === undefined ? 'docs/runbook.md' : `${repository}/docs/runbook.md`
