// The two constructs in stacks of their own, for teams without Amplify. Three stacks at most, because each has another
// life:
//
//   NAME-ingress   pool (if new), trigger, queue, dead-letter queue: loses sign-ups when it is gone
//   NAME-table     the table (if new): loses profiles when it is gone
//   NAME           the worker: may be destroyed and made again at any time, the queue keeps
//
// A deployment whose tasks do not come up is rolled back whole; in a stack of its own that takes neither the trigger
// nor the queue with it. No stack refers to one below it in this list; the first two do not know each other.

import { type App, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as kms from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as s3 from 'aws-cdk-lib/aws-s3'
import * as sns from 'aws-cdk-lib/aws-sns'
import * as sqs from 'aws-cdk-lib/aws-sqs'

import { ConfirmationIngress } from '../ingress/confirmation-ingress.ts'
import { USER_PROFILE } from '../model.ts'
import { ProfileWorker, type ProfileWorkerProps } from '../worker/profile-worker.ts'
import { imageOf } from './image.ts'
import { networkOf } from './network.ts'
import { NewTable } from './new-table.ts'
import { NewUserPool } from './new-user-pool.ts'
import type { Settings } from './settings.ts'
import { attachByHand } from './trigger-of-given-pool.ts'

/** Those that were made; what is given by ARN needs none. */
export interface Stacks {
  readonly ingress?: Stack
  readonly table?: Stack
  readonly worker: Stack
}

export function makeStacks(app: App, settings: Settings, props: StackProps = {}): Stacks {
  const { name } = settings
  const stack = (suffix: string, description: string): Stack => {
    return new Stack(app, `${name}${suffix}`, { ...props, description: `${description} (profile-worker-cdk)` })
  }
  const ingressStack =
    settings.queue === undefined ? stack('-ingress', 'Announces confirmed Cognito users on a queue') : undefined
  const tableStack = settings.tableArn === undefined ? stack('-table', 'The table of user profiles') : undefined
  const worker = stack('', 'Gives every confirmed Cognito user one profile item')

  const table =
    tableStack === undefined
      ? givenTable(worker, settings)
      : new NewTable(tableStack, 'Profiles', { model: settings.model ?? USER_PROFILE }).table
  const confirmations = ingressStack === undefined ? givenQueue(worker, settings) : newQueue(ingressStack, settings)

  new ProfileWorker(worker, 'Worker', {
    ...confirmations,
    table,
    model: settings.model,
    image: imageOf(worker, settings.image),
    architecture: settings.architecture === 'arm64' ? ecs.CpuArchitecture.ARM64 : ecs.CpuArchitecture.X86_64,
    network: networkOf(worker, settings),
    capacity: { min: settings.minTasks, max: settings.maxTasks },
    verifyLate: settings.verifyLate,
    paused: settings.paused,
    reconcile: settings.reconcile ? undefined : false,
    filesBucket:
      settings.filesBucket === undefined ? undefined : s3.Bucket.fromBucketName(worker, 'Files', settings.filesBucket),
    monitoring: {
      prefix: name,
      page: topic(worker, 'PageTopic', settings.pageTopicArn),
      ticket: topic(worker, 'TicketTopic', settings.ticketTopicArn),
    },
  })
  if (tableStack !== undefined) new CfnOutput(tableStack, 'TableName', { value: table.tableName })
  return { ingress: ingressStack, table: tableStack, worker }
}

/** Where confirmations come from. */
type Confirmations = Pick<ProfileWorkerProps, 'ingress' | 'queue' | 'deadLetterQueue' | 'queueKey' | 'userPool'>

function newQueue(scope: Stack, settings: Settings): Confirmations {
  const ingress = new ConfirmationIngress(scope, 'Confirmations', {
    eventBridge: settings.eventBridge ? {} : undefined,
    architecture: settings.architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
    code: settings.triggerZip === undefined ? undefined : lambda.Code.fromAsset(settings.triggerZip),
    onEnqueueFailure: settings.onEnqueueFailure,
    forwardAttributes: settings.forwardAttributes,
    encryptionKey: key(scope, 'QueueKey', settings.queueKeyArn),
  })
  const trigger = ingress.triggerFunction
  if (trigger === undefined) throw new Error('an ingress without a trigger has nothing to attach')
  new CfnOutput(scope, 'QueueUrl', { value: ingress.queue.queueUrl })
  new CfnOutput(scope, 'DeadLetterQueueUrl', { value: ingress.deadLetterQueue.queueUrl })
  new CfnOutput(scope, 'TriggerArn', { value: trigger.functionArn })
  if (settings.userPoolArn !== undefined) {
    const userPool = cognito.UserPool.fromUserPoolArn(scope, 'UserPool', settings.userPoolArn)
    attachByHand(scope, trigger, userPool)
    return { ingress, userPool }
  }
  const { userPool, client } = new NewUserPool(scope, 'Users')
  userPool.addTrigger(cognito.UserPoolOperation.POST_CONFIRMATION, trigger)
  new CfnOutput(scope, 'UserPoolId', { value: userPool.userPoolId })
  new CfnOutput(scope, 'UserPoolClientId', { value: client.userPoolClientId })
  return { ingress, userPool }
}

function givenQueue(scope: Stack, settings: Settings): Confirmations {
  const { queue, userPoolArn } = settings
  if (queue === undefined || userPoolArn === undefined)
    throw new Error('settings.ts lets no queue through without a pool')
  const import_ = (id: string, queueArn: string): sqs.IQueue => {
    return sqs.Queue.fromQueueAttributes(scope, id, { queueArn, fifo: false })
  }
  return {
    queue: import_('Queue', queue.queueArn),
    deadLetterQueue: import_('DeadLetterQueue', queue.deadLetterQueueArn),
    queueKey: key(scope, 'QueueKey', settings.queueKeyArn),
    userPool: cognito.UserPool.fromUserPoolArn(scope, 'UserPool', userPoolArn),
  }
}

function givenTable(scope: Stack, { tableArn, tableKeyArn }: Settings): dynamodb.ITable {
  return dynamodb.Table.fromTableAttributes(scope, 'Table', {
    tableArn,
    encryptionKey: key(scope, 'TableKey', tableKeyArn),
  })
}

const key = (scope: Stack, id: string, arn: string | undefined): kms.IKey | undefined =>
  arn === undefined ? undefined : kms.Key.fromKeyArn(scope, id, arn)

const topic = (scope: Stack, id: string, arn: string | undefined): sns.ITopic | undefined =>
  arn === undefined ? undefined : sns.Topic.fromTopicArn(scope, id, arn)
