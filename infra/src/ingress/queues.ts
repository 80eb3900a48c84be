// Queue and dead-letter queue of confirmations: what they keep, for how long, and whom they let in.
//
// The queue is a trust boundary: whoever may send to it can have a profile made for any owner. Inside the account sending
// takes an identity policy, and only the trigger and the jobs get one. The jobs' roles belong to the worker's stack, to
// which this one must not refer, and IAM generates their names: a deny for everybody else could name them only by a guess,
// and would lock out operators as well (`quarantine retry`, `reconcile --fix`). So the queue policy denies other accounts,
// whatever a later statement may allow them; `producers` adds the deny inside the account for whoever knows the names.

import { Aws, Duration, Fn, Names, type RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import * as sqs from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'

/** The worker decides what is poison; this guards only against a message that kills its process. */
export const MAX_RECEIVE_COUNT = 100

/** What the worker demands of a lease (docs/configuration.md); it sends its own with every receive. */
export const VISIBILITY_TIMEOUT = Duration.seconds(60)

export interface QueuesProps {
  readonly encryptionKey: kms.IKey | undefined
  readonly retention: Duration
  readonly deadLetterRetention: Duration
  readonly removalPolicy: RemovalPolicy
}

export interface Queues {
  readonly queue: sqs.Queue
  readonly deadLetterQueue: sqs.Queue
}

/** Both queues, as children of `scope`. */
export function makeQueues(scope: Construct, props: QueuesProps): Queues {
  const deadLetterQueue = new sqs.Queue(scope, 'DeadLetters', {
    ...encryption(props.encryptionKey),
    retentionPeriod: props.deadLetterRetention,
    enforceSSL: true,
    removalPolicy: props.removalPolicy,
  })
  const queueName = nameOfThisStack(scope)
  const queue = new sqs.Queue(scope, 'Queue', {
    queueName,
    ...encryption(props.encryptionKey),
    retentionPeriod: props.retention,
    visibilityTimeout: VISIBILITY_TIMEOUT,
    deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: MAX_RECEIVE_COUNT },
    enforceSSL: true,
    removalPolicy: props.removalPolicy,
  })
  // The queue refers to its dead-letter queue, so that one can only compose the other's ARN.
  ;(deadLetterQueue.node.defaultChild as sqs.CfnQueue).redriveAllowPolicy = {
    redrivePermission: 'byQueue',
    sourceQueueArns: [Stack.of(scope).formatArn({ service: 'sqs', resource: queueName })],
  }
  for (const one of [queue, deadLetterQueue]) one.addToResourcePolicy(denyOtherAccounts(one))
  return { queue, deadLetterQueue }
}

/** SQS-managed keys cost nothing and need no permission; a key of one's own can be watched and withdrawn. */
export function encryption(key: kms.IKey | undefined): Pick<sqs.QueueProps, 'encryption' | 'encryptionMasterKey'> {
  if (key === undefined) return { encryption: sqs.QueueEncryption.SQS_MANAGED }
  return { encryption: sqs.QueueEncryption.KMS, encryptionMasterKey: key }
}

// A name that is known without asking the queue, and that no other stack has, nor this one after it was deleted and made
// again while the retained queue still stands: a part of the stack's id is in it.
function nameOfThisStack(scope: Construct): string {
  const readable = Names.uniqueResourceName(scope, { maxLength: 60, separator: '-', allowedSpecialCharacters: '-' })
  const uuid = Fn.select(2, Fn.split('/', Aws.STACK_ID))
  return Fn.join('-', [readable, Fn.select(0, Fn.split('-', uuid))])
}

// EventBridge calls as a service and has no account of its own.
export function denyOtherAccounts(queue: sqs.IQueue): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'OurAccountOnly',
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
    resources: [queue.queueArn],
    conditions: {
      StringNotEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID },
      BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
    },
  })
}

/** Nobody sends but `producers`: ARNs of roles, or patterns of them. */
export function denyOtherProducers(queue: sqs.IQueue, producers: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'ProducersOnly',
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: ['sqs:SendMessage'],
    resources: [queue.queueArn],
    conditions: {
      ArnNotLike: { 'aws:PrincipalArn': producers },
      BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
    },
  })
}
