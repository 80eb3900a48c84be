// The half that belongs to sign-ups: trigger, queue, dead-letter queue. It stands in the stack of the user pool (with
// Amplify: the auth stack) and must never refer to the table: the API refers to the pool, the pool to the trigger, and a
// trigger that referred to the table would close the circle (aws-amplify/amplify-backend#1594).

import type { Duration } from 'aws-cdk-lib'
import type * as events from 'aws-cdk-lib/aws-events'
import type * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type * as logs from 'aws-cdk-lib/aws-logs'
import type * as sqs from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

/** Cognito's triggers that announce a confirmation. */
export type TriggerSource = 'ConfirmSignUp' | 'ConfirmForgotPassword'

/** Confirmations go through an EventBridge bus, where others may listen and from whose archive they can be replayed. */
export interface EventBridgeProps {
  /** @default 30 days; an archive never keeps for ever */
  readonly archiveRetention?: Duration
  /**
   * Where bus, rule and queue stand: with the worker's stack here no stack refers to another, because the trigger knows
   * the bus by a name that is known when the template is made.
   * @default the ingress itself
   */
  readonly receiver?: Construct
}

export interface ConfirmationIngressProps {
  /** @default straight to SQS (docs/adr/0005) */
  readonly eventBridge?: EventBridgeProps
  /**
   * `false` makes no function: a PostConfirmation function that is already there sends the message itself
   * (`grantSend`, `environment`), because a pool has one.
   * @default true
   */
  readonly trigger?: boolean
  /** @default ARM_64 */
  readonly architecture?: lambda.Architecture
  /** @default the zip of this package for the architecture */
  readonly code?: lambda.Code
  /** MiB. @default 256 */
  readonly memorySize?: number
  /** What becomes of a sign-up whose message could not be sent. @default 'pass' (docs/adr/0004) */
  readonly onEnqueueFailure?: 'pass' | 'fail'
  /** User attributes to send along, such as `custom:tenant`; what the model refers to must be among them. @default none */
  readonly forwardAttributes?: readonly string[]
  /** @default both */
  readonly triggerSources?: readonly TriggerSource[]
  /** A key of your own for queues (and bus). @default SQS-managed encryption */
  readonly encryptionKey?: kms.IKey
  /** @default 4 days */
  readonly retention?: Duration
  /** Longer than `retention`: on a standard queue the age counts from the first send. @default 14 days */
  readonly deadLetterRetention?: Duration
  /** @default one month */
  readonly logRetention?: logs.RetentionDays
}

/** Trigger, queue and dead-letter queue. */
export class ConfirmationIngress extends Construct {
  readonly queue!: sqs.Queue
  readonly deadLetterQueue!: sqs.Queue
  /** To be given to `defineFunction` or `userPool.addTrigger`. Undefined with `trigger: false`. */
  readonly triggerFunction?: lambda.Function
  readonly eventBus?: events.EventBus
  readonly encryptionKey?: kms.IKey
  readonly forwardAttributes: readonly string[]
  readonly triggerSources: readonly TriggerSource[]

  constructor(scope: Construct, id: string, props: ConfirmationIngressProps = {}) {
    super(scope, id)
    this.forwardAttributes = props.forwardAttributes ?? []
    this.triggerSources = props.triggerSources ?? ['ConfirmSignUp', 'ConfirmForgotPassword']
  }

  /** The ingress whose trigger this function is: `backend.postConfirmation.resources.lambda` leads back here. */
  static of(_trigger: lambda.IFunction): ConfirmationIngress {
    throw new Error('not yet')
  }

  /** Lets a function that is already there send confirmations itself. */
  grantSend(_grantee: iam.IGrantable): iam.Grant {
    throw new Error('not yet')
  }
}
