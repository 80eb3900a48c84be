// What can be wrong with the props, apart from the trigger's code. Decides nothing else and makes nothing.

import { type Duration, Stack, Token } from 'aws-cdk-lib'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

import type { Problems } from '../problems.ts'
import type { ConfirmationIngressProps, TriggerSource } from './confirmation-ingress.ts'

/** Cognito's triggers that announce a confirmation, as `TRIGGER_SOURCES` names them. */
export const TRIGGER_SOURCES: readonly TriggerSource[] = ['ConfirmSignUp', 'ConfirmForgotPassword']

/** MessageRetentionPeriod (SQS API reference, SetQueueAttributes). */
const RETENTION = { least: 60, most: 14 * 24 * 3600 }
/** MiB (Lambda developer guide, "Configure Lambda function memory"). */
const MEMORY = { least: 128, most: 10_240 }

/** Props that say something of the function, and mean nothing without it. */
const OF_THE_FUNCTION = ['architecture', 'code', 'memorySize', 'logRetention', 'tracing'] as const

/** Adds what is wrong with `props` to `problems`. `retention` and `deadLetterRetention` have their defaults already. */
export function checkProps(
  props: ConfirmationIngressProps,
  retention: Duration,
  deadLetterRetention: Duration,
  problems: Problems,
): void {
  checkRetention(retention, deadLetterRetention, problems)
  checkForwardAttributes(props.forwardAttributes ?? [], problems)
  const sources = props.triggerSources ?? TRIGGER_SOURCES
  if (sources.length === 0 || sources.some((source) => !TRIGGER_SOURCES.includes(source))) {
    problems.add(
      'triggerSources',
      'names something that is no PostConfirmation source, or nothing',
      `name ${TRIGGER_SOURCES.join(', ')} or both`,
    )
  }
  if (props.onEnqueueFailure !== undefined && !['pass', 'fail'].includes(props.onEnqueueFailure)) {
    problems.add('onEnqueueFailure', 'is neither pass nor fail', 'choose one, or leave it out for pass')
  }
  const { memorySize } = props
  if (memorySize !== undefined && !Token.isUnresolved(memorySize) && !isWithin(memorySize, MEMORY)) {
    problems.add('memorySize', `is ${memorySize}`, `choose ${MEMORY.least} to ${MEMORY.most} MiB`)
  }
  const { architecture } = props
  const { ARM_64, X86_64 } = lambda.Architecture
  if (architecture !== undefined && ![ARM_64.name, X86_64.name].includes(architecture.name)) {
    problems.add('architecture', `is ${architecture.name}`, 'choose ARM_64 or X86_64')
  }
  if (props.trigger === false) {
    for (const prop of OF_THE_FUNCTION) {
      if (props[prop] === undefined) continue
      const fault = 'is for the trigger function, and there is none (`trigger: false`)'
      problems.add(prop, fault, `remove \`${prop}\` or \`trigger\``)
    }
  }
  if (props.producers !== undefined) checkProducers(props.producers, problems)
  if (props.eventBridge === undefined) return
  checkArchive(props.eventBridge.archiveRetention, problems)
  if (props.producers !== undefined) {
    problems.add(
      'producers',
      'does not guard an event bus, through which everything would come in',
      'remove `producers` or `eventBridge`',
    )
  }
}

/** Days in which EventBridge counts; 0 would keep for ever. */
function checkArchive(retention: Duration | undefined, problems: Problems): void {
  if (retention === undefined || retention.isUnresolved()) return
  const days = retention.toDays({ integral: false })
  if (Number.isInteger(days) && days >= 1) return
  problems.add(
    'eventBridge.archiveRetention',
    days === 0 ? 'is 0, with which EventBridge keeps for ever' : `is ${days} days`,
    'give whole days, such as Duration.days(30): an archive holds addresses of people, who may be deleted meanwhile',
  )
}

/** A bus is known to the trigger by its name alone, and a name says nothing of account and region. */
export function checkReceiver(ingress: Construct, receiver: Construct | undefined, problems: Problems): void {
  if (receiver === undefined) return
  const [here, there] = [Stack.of(ingress), Stack.of(receiver)]
  for (const what of ['account', 'region'] as const) {
    if (Token.isUnresolved(here[what]) || Token.isUnresolved(there[what]) || here[what] === there[what]) continue
    problems.add(
      'eventBridge.receiver',
      `is in ${what} ${there[what]} and the ingress in ${here[what]}`,
      `put both into one ${what}`,
    )
  }
}

function checkRetention(queue: Duration, deadLetters: Duration, problems: Problems): void {
  const given: readonly (readonly [string, Duration])[] = [
    ['retention', queue],
    ['deadLetterRetention', deadLetters],
  ]
  let known = true
  for (const [prop, duration] of given) {
    if (duration.isUnresolved()) {
      known = false
      continue
    }
    const seconds = duration.toSeconds({ integral: false })
    if (isWithin(seconds, RETENTION)) continue
    known = false
    problems.add(prop, `is ${seconds} s`, 'SQS keeps messages for whole seconds, from 60 s to 14 days')
  }
  if (!known || deadLetters.toSeconds() > queue.toSeconds()) return
  problems.add(
    'deadLetterRetention',
    'is not longer than `retention`',
    'make it longer: the age of a message counts from its first send, and one that is quarantined late would be gone at once',
  )
}

function checkForwardAttributes(names: readonly string[], problems: Problems): void {
  const bad = names.filter((name) => name === '' || name !== name.trim() || /[*,]/.test(name))
  if (bad.length > 0) {
    problems.add(
      'forwardAttributes',
      `${bad.map((name) => `'${name}'`).join(', ')} cannot be the name of an attribute`,
      'name each attribute, such as custom:tenant, in an entry of its own: what is not named stays in the user pool',
    )
  }
}

function checkProducers(producers: readonly string[], problems: Problems): void {
  const bad = producers.filter((arn) => !Token.isUnresolved(arn) && !/^arn:[^:]+:iam::[^:]*:.+/.test(arn))
  if (bad.length === 0) return
  problems.add(
    'producers',
    `${bad.map((arn) => `'${arn}'`).join(', ')} is no ARN of IAM`,
    'name roles, or patterns of them, such as arn:aws:iam::111122223333:role/profile-worker-*',
  )
}

const isWithin = (value: number, { least, most }: { readonly least: number; readonly most: number }): boolean =>
  Number.isInteger(value) && value >= least && value <= most
