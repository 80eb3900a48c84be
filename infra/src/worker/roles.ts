// Who may call what. One function for each command, each with what its code calls and nothing else; docs/configuration.md
// and docs/jobs.md say why, tests/actions-contract.test.ts compares with the calls in the Rust sources. SQS authorises its
// batch operations by the single ones, DynamoDB a transaction by the single writes in it and PartiQL by `PartiQL…`.
//
// Statements are written out and go to the identity alone: a grant of CDK's gives more than the code calls, and one that
// wrote to a queue's or a key's own policy would make the auth stack refer to this one.

import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import type * as s3 from 'aws-cdk-lib/aws-s3'

import { attributesOf } from '../model.ts'
import type { JobName } from './commands.ts'
import type { Places } from './places.ts'

/** What `run` needs beside the places. */
export interface RunNeeds {
  readonly writeStrategy: 'auto' | 'put' | 'batch'
  readonly verifyLate: boolean
  /**
   * Writes are allowed for the model's attributes alone (`dynamodb:Attributes`). AWS documents the key for PutItem and
   * PartiQLInsert and says that it looks at the attributes of the request; that an existing row's other attributes may then
   * still come back with a failed condition was not tried against AWS.
   * @default false, because a write refused for it would be refused for everybody
   */
  readonly attributesOnly?: boolean
}

/** What `reconcile` may do beside comparing. */
export interface ReconcileNeeds {
  /** `--fix missing`. */
  readonly fix: boolean
}

/** What `adopt` may do beside planning. */
export interface AdoptNeeds {
  /** `--apply`. */
  readonly apply: boolean
}

export function grantRun(role: iam.IRole, places: Places, needs: RunNeeds): void {
  const { queue, deadLetterQueue, table, userPools } = places
  const several = needs.writeStrategy !== 'put'
  allow(role, 'Receive', [queue.queueArn], [
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
  ])
  allow(role, 'Quarantine', [deadLetterQueue.queueArn], ['sqs:GetQueueAttributes', 'sqs:SendMessage'])
  // PutItem with every strategy: what a batch refuses is written by itself (worker/src/insert.rs).
  const writes = ['dynamodb:PutItem', ...(several ? ['dynamodb:PartiQLInsert'] : [])]
  allow(role, 'CreateProfiles', [table.tableArn], writes, needs.attributesOnly ? attributesCondition(places) : undefined)
  allow(role, 'LookAtTable', [table.tableArn], [...(several ? ['dynamodb:BatchGetItem'] : []), 'dynamodb:DescribeTable'])
  if (needs.verifyLate) {
    allow(role, 'AskForUsers', userPools.map((pool) => pool.userPoolArn), ['cognito-idp:AdminGetUser'])
  }
  useQueueKey(role, places, 'sends')
  useTableKey(role, places, 'writes')
}

/** The doctor tries what `run` does. */
export function grantCheck(role: iam.IRole, places: Places, needs: RunNeeds): void {
  grantRun(role, places, needs)
}

export function grantBackfill(role: iam.IRole, places: Places): void {
  readUsers(role, places)
  allow(role, 'Enqueue', [places.queue.queueArn], ['sqs:SendMessage'])
  allow(role, 'ReadTable', [places.table.tableArn], ['dynamodb:DescribeTable', 'dynamodb:Scan'])
  useQueueKey(role, places, 'sends')
  useTableKey(role, places, 'reads')
}

export function grantReconcile(role: iam.IRole, places: Places, needs: ReconcileNeeds): void {
  readUsers(role, places)
  const reads = ['dynamodb:BatchGetItem', 'dynamodb:DescribeTable', 'dynamodb:Scan']
  allow(role, 'ReadTable', [places.table.tableArn], reads)
  if (needs.fix) {
    allow(role, 'Enqueue', [places.queue.queueArn], ['sqs:SendMessage'])
    useQueueKey(role, places, 'sends')
  }
  useTableKey(role, places, 'reads')
}

/** The only one that may delete rows. */
export function grantAdopt(role: iam.IRole, places: Places, needs: AdoptNeeds): void {
  allow(role, 'ReadTable', [places.table.tableArn], ['dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:Scan'])
  if (needs.apply) {
    const moves = ['dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem', 'dynamodb:PutItem']
    allow(role, 'MoveRows', [places.table.tableArn], moves)
  }
  useTableKey(role, places, needs.apply ? 'writes' : 'reads')
}

export function grantQuarantine(role: iam.IRole, places: Places): void {
  const { queue, deadLetterQueue } = places
  allow(role, 'EmptyDeadLetters', [deadLetterQueue.queueArn], LOOK_AND_DELETE)
  allow(role, 'SendBack', [queue.queueArn], ['sqs:GetQueueAttributes', 'sqs:SendMessage'])
  useQueueKey(role, places, 'sends')
}

export function grantRedrive(role: iam.IRole, places: Places): void {
  const { queue, deadLetterQueue } = places
  allow(role, 'EmptyDeadLetters', [deadLetterQueue.queueArn], LOOK_AND_DELETE)
  // SQS moves with the permissions of who asks: receiving and deleting above, sending below.
  allow(role, 'MoveDeadLetters', [deadLetterQueue.queueArn], [
    'sqs:CancelMessageMoveTask',
    'sqs:ListMessageMoveTasks',
    'sqs:StartMessageMoveTask',
  ])
  allow(role, 'SendBack', [queue.queueArn], ['sqs:GetQueueAttributes', 'sqs:SendMessage'])
  useQueueKey(role, places, 'sends')
}

export function grantExplain(role: iam.IRole, places: Places): void {
  const { queue, deadLetterQueue, table, userPools } = places
  allow(role, 'FindUser', userPools.map((pool) => pool.userPoolArn), ['cognito-idp:ListUsers'])
  allow(role, 'ReadTable', [table.tableArn], ['dynamodb:GetItem', 'dynamodb:Scan'])
  allow(role, 'CountQueue', [queue.queueArn], ['sqs:GetQueueAttributes'])
  allow(role, 'LookAtDeadLetters', [deadLetterQueue.queueArn], [
    'sqs:ChangeMessageVisibility',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
  ])
  useQueueKey(role, places, 'receives')
  useTableKey(role, places, 'reads')
}

/** Files under one prefix of a bucket: state, plans, backups, rejected lines; with what the job does with them. */
export function grantFiles(role: iam.IRole, job: JobName, bucket: s3.IBucket, prefix: string): void {
  const actions = FILE_ACTIONS[job]
  if (actions === undefined) return
  allow(role, 'Files', [bucket.arnForObjects(`${prefix}*`)], actions)
  if (actions.includes('s3:GetObject')) {
    // Without it S3 says AccessDenied for an object that is not there, and every first run looks for its state.
    allow(role, 'LookForFiles', [bucket.bucketArn], ['s3:ListBucket'], { StringLike: { 's3:prefix': `${prefix}*` } })
  }
  useKey(role, 'FilesKey', bucket.encryptionKey, ['kms:Decrypt', 'kms:GenerateDataKey'])
}

/** `adopt` writes each part as an object of its own and reads none. */
const FILE_ACTIONS: Readonly<Partial<Record<JobName, readonly string[]>>> = {
  backfill: ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'],
  reconcile: ['s3:PutObject'],
  adopt: ['s3:PutObject'],
  quarantine: ['s3:GetObject', 's3:PutObject'],
}

const LOOK_AND_DELETE = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:ReceiveMessage',
]

/** DescribeUserPool is for the remaining time alone; a job without it goes on and does not tell it. */
function readUsers(role: iam.IRole, { userPools }: Places): void {
  const actions = ['cognito-idp:DescribeUserPool', 'cognito-idp:ListUsers']
  allow(role, 'ReadUsers', userPools.map((pool) => pool.userPoolArn), actions)
}

/** Who sends needs Decrypt as well: SQS uses its data key again (SQS developer guide, "Key management"). */
function useQueueKey(role: iam.IRole, { queueKey }: Places, how: 'receives' | 'sends'): void {
  useKey(role, 'QueueKey', queueKey, ['kms:Decrypt', ...(how === 'sends' ? ['kms:GenerateDataKey'] : [])])
}

/**
 * DynamoDB uses a table's key in the caller's name. The list is that of its developer guide's example of a key policy
 * ("Authorizing use of your customer managed key") without CreateGrant, which is for who makes tables; not tried on AWS.
 */
function useTableKey(role: iam.IRole, { tableKey }: Places, how: 'reads' | 'writes'): void {
  const reads = ['kms:Decrypt', 'kms:DescribeKey']
  const writes = ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo']
  useKey(role, 'TableKey', tableKey, how === 'reads' ? reads : [...reads, ...writes])
}

function useKey(role: iam.IRole, sid: string, key: kms.IKey | undefined, actions: readonly string[]): void {
  if (key !== undefined) allow(role, sid, [key.keyArn], actions)
}

/** `Null` because a set operator alone also holds where the key is absent (IAM user guide, "Set operators"). */
function attributesCondition({ model }: Places): Record<string, Record<string, unknown>> {
  return {
    'ForAllValues:StringEquals': { 'dynamodb:Attributes': [...attributesOf(model)].sort() },
    Null: { 'dynamodb:Attributes': 'false' },
  }
}

function allow(
  role: iam.IRole,
  sid: string,
  resources: readonly string[],
  actions: readonly string[],
  conditions?: Record<string, unknown>,
): void {
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      sid,
      actions: [...actions],
      resources: [...resources],
      ...(conditions === undefined ? {} : { conditions }),
    }),
  )
}
