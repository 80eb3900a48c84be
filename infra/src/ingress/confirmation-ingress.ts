// The half that belongs to sign-ups: trigger, queue, dead-letter queue. It stands in the stack of the user pool (with
// Amplify: the auth stack) and must never refer to the table: the API refers to the pool, the pool to the trigger, and a
// trigger that referred to the table would close the circle (aws-amplify/amplify-backend#1594).

import { Annotations, Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib'
import type * as events from 'aws-cdk-lib/aws-events'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type * as sqs from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

import { Problems } from '../problems.ts'
import { removalPolicyOf } from './amplify.ts'
import { TRIGGER_SOURCES, checkProps, checkReceiver } from './check.ts'
import { busArn, busNameOf, makeEventRoute } from './event-route.ts'
import { PRODUCER_ACTIONS, allowInKeyPolicy, rolesOfThisAccount, throughSqs } from './queue-key.ts'
import { denyOtherProducers, makeQueues } from './queues.ts'
import { triggerCode } from './trigger-code.ts'
import { makeTriggerFunction } from './trigger-function.ts'

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
  /**
   * A zip or a folder with an executable `bootstrap`, whose architecture is checked where it is a file of this machine.
   * @default the zip of this package for the architecture
   */
  readonly code?: lambda.Code
  /** MiB. @default 256 */
  readonly memorySize?: number
  /** X-Ray samples calls of the trigger; the message carries the trace on. @default false */
  readonly tracing?: boolean
  /** What becomes of a sign-up whose message could not be sent. @default 'pass' (docs/adr/0004) */
  readonly onEnqueueFailure?: 'pass' | 'fail'
  /** User attributes to send along, such as `custom:tenant`; what the model refers to must be among them. @default none */
  readonly forwardAttributes?: readonly string[]
  /** @default both */
  readonly triggerSources?: readonly TriggerSource[]
  /**
   * ARNs of roles, or patterns with `*`, that may send to the queue beside the trigger and who was given `grantSend` in this
   * stack; everybody else of the account is denied, administrators too. Name the roles of the jobs that send (`backfill`,
   * `reconcile`, `redrive`, `quarantine`). Not with `eventBridge`.
   * @default whoever's identity policy allows it, of this account alone
   */
  readonly producers?: readonly string[]
  /**
   * A key of your own for the queues, and for bus and archive. Its policy is extended; that of an imported key cannot be:
   * a warning then says what must be in it.
   * @default SQS-managed encryption
   */
  readonly encryptionKey?: kms.IKey
  /** @default 4 days */
  readonly retention?: Duration
  /** Longer than `retention`: on a standard queue the age counts from the first send. @default 14 days */
  readonly deadLetterRetention?: Duration
  /** @default one month */
  readonly logRetention?: logs.RetentionDays
  /** Of the queues. @default they stay when the stack goes, but in an Amplify sandbox they go with it */
  readonly removalPolicy?: RemovalPolicy
}

/** By its trigger: Amplify hands the function on, and not what it is a part of. */
const BY_TRIGGER = new WeakMap<lambda.IFunction, ConfirmationIngress>()

/** Trigger, queue and dead-letter queue. */
export class ConfirmationIngress extends Construct {
  readonly queue: sqs.Queue
  readonly deadLetterQueue: sqs.Queue
  /** Undefined with `trigger: false`. */
  readonly triggerFunction?: lambda.Function
  readonly eventBus?: events.EventBus
  /** With `eventBridge`: events that could not be handed to the queue. */
  readonly undeliveredQueue?: sqs.Queue
  readonly encryptionKey?: kms.IKey
  readonly forwardAttributes: readonly string[]
  readonly triggerSources: readonly TriggerSource[]
  /** What a function of your own needs in its environment to send confirmations (`trigger: false`). */
  readonly environment: Readonly<Record<string, string>>
  readonly #senders: string[] | undefined
  readonly #busName: string | undefined

  constructor(scope: Construct, id: string, props: ConfirmationIngressProps = {}) {
    super(scope, id)
    const problems = new Problems(this)
    const retention = props.retention ?? Duration.days(4)
    const deadLetterRetention = props.deadLetterRetention ?? Duration.days(14)
    const architecture = props.architecture ?? lambda.Architecture.ARM_64
    checkProps(props, retention, deadLetterRetention, problems)
    checkReceiver(this, props.eventBridge?.receiver, problems)
    const code = props.trigger === false ? undefined : triggerCode(props.code, architecture, problems)
    problems.end()

    this.forwardAttributes = props.forwardAttributes ?? []
    this.triggerSources = props.triggerSources ?? TRIGGER_SOURCES
    if (props.encryptionKey !== undefined) this.encryptionKey = props.encryptionKey
    const removalPolicy = props.removalPolicy ?? removalPolicyOf(this)
    const receiver = props.eventBridge?.receiver
    const at = receiver === undefined ? this : new Construct(receiver, `${id}Receiver`)
    const { encryptionKey } = this
    const { queue, deadLetterQueue } = makeQueues(at, { encryptionKey, retention, deadLetterRetention, removalPolicy })
    this.queue = queue
    this.deadLetterQueue = deadLetterQueue
    if (encryptionKey !== undefined) allowInKeyPolicy(at, encryptionKey, [rolesOfThisAccount()])
    if (props.eventBridge !== undefined) {
      this.#busName = busNameOf(this)
      const route = makeEventRoute(at, {
        busName: this.#busName,
        queue,
        encryptionKey,
        archiveRetention: props.eventBridge.archiveRetention ?? Duration.days(30),
        undeliveredRetention: deadLetterRetention,
        removalPolicy,
      })
      this.eventBus = route.bus
      this.undeliveredQueue = route.undelivered
    }
    if (props.producers !== undefined) {
      const senders = [...props.producers]
      this.#senders = senders
      queue.addToResourcePolicy(denyOtherProducers(queue, Lazy.list({ produce: () => senders })))
    }

    this.environment = {
      ...(this.#busName === undefined ? { QUEUE_URL: queue.queueUrl } : { EVENT_BUS_NAME: this.#busName }),
      ON_ENQUEUE_FAILURE: props.onEnqueueFailure ?? 'pass',
      TRIGGER_SOURCES: this.triggerSources.join(','),
      ...(this.forwardAttributes.length === 0 ? {} : { FORWARD_ATTRIBUTES: this.forwardAttributes.join(',') }),
    }
    if (code === undefined) return
    this.triggerFunction = makeTriggerFunction(this, {
      code,
      architecture,
      memorySize: props.memorySize ?? 256,
      environment: this.environment,
      logRetention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
      // Log lines are no confirmations: they go with their function.
      removalPolicy: RemovalPolicy.DESTROY,
      tracing: props.tracing ?? false,
    })
    this.grantSend(this.triggerFunction)
    BY_TRIGGER.set(this.triggerFunction, this)
  }

  /** The ingress whose trigger this function is: `backend.postConfirmation.resources.lambda` leads back here. */
  static of(trigger: lambda.IFunction): ConfirmationIngress {
    const ingress = BY_TRIGGER.get(trigger)
    if (ingress !== undefined) return ingress
    throw new Error(
      `${trigger.node.path} is not the trigger of a ConfirmationIngress; give the function that \`new ConfirmationIngress(…).trigger\` ` +
        'made, or, for a function of your own (`trigger: false`), keep the ConfirmationIngress in a variable',
    )
  }

  /** To be given to `defineFunction` or `userPool.addTrigger`. Throws with `trigger: false`, where there is none. */
  get trigger(): lambda.Function {
    if (this.triggerFunction !== undefined) return this.triggerFunction
    throw new Error(
      `${this.node.path} has no trigger function (\`trigger: false\`); remove that prop, or give your own function ` +
        '`grantSend` and `environment`',
    )
  }

  /** Lets a function that is already there send confirmations itself: to the queue, or with `eventBridge` to the bus. */
  grantSend(grantee: iam.IGrantable): iam.Grant {
    if (this.#busName !== undefined) {
      const resourceArns = [busArn(this, this.#busName)]
      return iam.Grant.addToPrincipal({ grantee, actions: ['events:PutEvents'], resourceArns })
    }
    const grant = iam.Grant.addToPrincipal({
      grantee,
      actions: ['sqs:SendMessage'],
      resourceArns: [this.queue.queueArn],
    })
    this.#admit(grantee)
    if (this.encryptionKey === undefined) return grant
    return grant.combine(
      iam.Grant.addToPrincipal({
        grantee,
        actions: PRODUCER_ACTIONS,
        resourceArns: [this.encryptionKey.keyArn],
        conditions: throughSqs(),
      }),
    )
  }

  // The queue's policy may name roles of its own stack only: one of another stack would refer back to the queue.
  #admit(grantee: iam.IGrantable): void {
    if (this.#senders === undefined) return
    const { grantPrincipal } = grantee
    const role = 'roleArn' in grantPrincipal && typeof grantPrincipal.roleArn === 'string' ? grantPrincipal.roleArn : undefined
    const near = role !== undefined && Construct.isConstruct(grantPrincipal) && Stack.of(grantPrincipal) === Stack.of(this.queue)
    if (role !== undefined && near) {
      this.#senders.push(role)
      return
    }
    Annotations.of(this).addWarningV2(
      'profile-worker-cdk:producers',
      'producers: who was given `grantSend` stands in another stack and is denied unless its role is named in `producers`',
    )
  }
}
