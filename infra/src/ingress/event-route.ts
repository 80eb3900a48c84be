// The way of a confirmation through EventBridge: bus, rule, archive, and where events go that could not be delivered. The
// bus has a name that is known when the template is made, so that the trigger needs no reference to this; it may stand in
// another stack. The event must reach the queue as it is: the worker reads the envelope.

import { Aws, type Duration, Names, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import * as events from 'aws-cdk-lib/aws-events'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import * as sqs from 'aws-cdk-lib/aws-sqs'
import type { Construct, IConstruct } from 'constructs'

import { PRODUCER_ACTIONS, allowInKeyPolicy } from './queue-key.ts'
import { denyOtherAccounts, encryption } from './queues.ts'

/** What the trigger's events are called (producer-lambda/src/publish.rs). */
export const EVENT_SOURCE = 'profile.confirmations'
export const EVENT_DETAIL_TYPE = 'UserConfirmed'

/** EventBridge's own defaults and greatest values: 24 hours, 185 attempts. */
const RETRY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 }

const EVENTS = 'events.amazonaws.com'

/** A bus name takes up to 256 characters of these (EventBridge API reference, CreateEventBus). */
export const busNameOf = (scope: IConstruct): string =>
  Names.uniqueResourceName(scope, { maxLength: 100, separator: '-', allowedSpecialCharacters: '-_' })

/** Composed, never asked for: whoever uses it refers to nothing. */
export const busArn = (scope: Construct, name: string): string =>
  Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: name })

export interface EventRouteProps {
  readonly busName: string
  readonly queue: sqs.Queue
  readonly archiveRetention: Duration
  readonly encryptionKey: kms.IKey | undefined
  readonly undeliveredRetention: Duration
  readonly removalPolicy: RemovalPolicy
}

export interface EventRoute {
  readonly bus: events.EventBus
  /** Events that the rule could not hand to the queue, such as while the key was disabled. */
  readonly undelivered: sqs.Queue
}

/** Bus, rule, archive and the rule's dead-letter queue, as children of `scope`. */
export function makeEventRoute(scope: Construct, props: EventRouteProps): EventRoute {
  const { queue, encryptionKey: key } = props
  const eventPattern: events.EventPattern = { source: [EVENT_SOURCE], detailType: [EVENT_DETAIL_TYPE] }
  const bus = new events.EventBus(scope, 'Bus', { eventBusName: props.busName, description: 'Confirmed users' })
  const undelivered = new sqs.Queue(scope, 'Undelivered', {
    ...encryption(key),
    retentionPeriod: props.undeliveredRetention,
    enforceSSL: true,
    removalPolicy: props.removalPolicy,
  })
  undelivered.addToResourcePolicy(denyOtherAccounts(undelivered))
  Validations.of(undelivered).acknowledge({
    id: 'AwsSolutions::AwsSolutions-SQS3',
    reason: 'It is a dead-letter queue itself: of a rule, which the check does not look at',
  })
  const rule = new events.Rule(scope, 'Rule', {
    description: 'Confirmed users to the queue of the worker, as they are',
    eventBus: bus,
    eventPattern,
    targets: [
      { bind: () => ({ arn: queue.queueArn, deadLetterConfig: { arn: undelivered.queueArn }, retryPolicy: RETRY }) },
    ],
  })
  const archive = new events.CfnArchive(scope, 'Archive', {
    description: 'Confirmed users, to be replayed',
    sourceArn: bus.eventBusArn,
    eventPattern: { source: eventPattern.source, 'detail-type': eventPattern.detailType },
    retentionDays: props.archiveRetention.toDays(),
  })
  // EventBridge writes with the queue's policy and no role of ours.
  queue.addToResourcePolicy(mayDeliver(queue, rule.ruleArn))
  undelivered.addToResourcePolicy(mayDeliver(undelivered, rule.ruleArn))
  if (key === undefined) return { bus, undelivered }

  // Not by the L2's own prop: it would change the key's policy without a word where the key is imported.
  const cfnBus = bus.node.defaultChild as events.CfnEventBus
  cfnBus.kmsKeyIdentifier = key.keyArn
  cfnBus.deadLetterConfig = { arn: undelivered.queueArn }
  archive.kmsKeyIdentifier = key.keyArn
  undelivered.addToResourcePolicy(mayDeliver(undelivered, busArn(scope, props.busName), 'FromTheBus'))
  allowInKeyPolicy(scope, key, keyStatements(scope, props.busName))
  return { bus, undelivered }
}

const mayDeliver = (queue: sqs.Queue, sourceArn: string, sid = 'FromTheRule'): iam.PolicyStatement =>
  new iam.PolicyStatement({
    sid,
    principals: [new iam.ServicePrincipal(EVENTS)],
    actions: ['sqs:SendMessage'],
    resources: [queue.queueArn],
    conditions: { ArnEquals: { 'aws:SourceArn': sourceArn }, StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
  })

// EventBridge user guide, "Encrypting event buses" and "Encrypting archives"; SQS developer guide, "Key management". ARNs
// are composed: a key that referred to rule or bus, which refer to the key, would be a circle. In a key policy `*` is the
// key itself.
function keyStatements(scope: Construct, busName: string): readonly iam.PolicyStatement[] {
  const principals = [new iam.ServicePrincipal(EVENTS)]
  const resources = ['*']
  const account = { 'aws:SourceAccount': Aws.ACCOUNT_ID }
  const arn = busArn(scope, busName)
  const rules = Stack.of(scope).formatArn({ service: 'events', resource: 'rule', resourceName: `${busName}/*` })
  return [
    new iam.PolicyStatement({
      sid: 'EventsToTheQueues',
      principals,
      actions: PRODUCER_ACTIONS,
      resources,
      conditions: { StringEquals: account, ArnLike: { 'aws:SourceArn': [rules, arn] } },
    }),
    new iam.PolicyStatement({
      sid: 'EventsOfTheBus',
      principals,
      actions: [...PRODUCER_ACTIONS, 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      resources,
      conditions: { StringEquals: { 'kms:EncryptionContext:aws:events:event-bus:arn': arn } },
    }),
    // Asked before there is a bus: it carries no encryption context, and tells nothing but that the key is there.
    new iam.PolicyStatement({ sid: 'EventsLookAtTheKey', principals, actions: ['kms:DescribeKey'], resources }),
  ]
}
