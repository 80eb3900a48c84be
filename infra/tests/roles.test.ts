// The statements of each role, to be read: sid, actions, resources. That the actions are those of the code is
// actions-contract.test.ts's matter; here it is where they may be done.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as s3 from 'aws-cdk-lib/aws-s3'

import { JOB_NAMES, type JobName } from '../src/worker/commands.ts'
import { grantAdopt, grantFiles, grantReconcile } from '../src/worker/roles.ts'
import { actionsOf, job, placesIn, run, type Statement, statements } from './roles-fixture.ts'

const AUTO = { writeStrategy: 'auto', verifyLate: true } as const

/** Without the ARN's beginning, and with CloudFormation's joins put together. */
function short(resource: unknown): unknown {
  if (Array.isArray(resource)) return resource.map(short)
  if (typeof resource === 'string') return resource.replace(/^arn:aws:(\w[\w-]*):(?:eu-central-1:111122223333)?:*/, '$1 ')
  const join = (resource as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']
  const text = join?.[1].map((part) => (typeof part === 'string' ? part : 'aws')).join('') ?? JSON.stringify(resource)
  return text.replace(/^arn:aws:(\w[\w-]*):(?:eu-central-1:111122223333)?:*/, '$1 ')
}

const read = (statements: readonly Statement[]) =>
  Object.fromEntries(statements.map(({ Sid, Action, Resource }) => [Sid, [[Action].flat().join(' '), short(Resource)]]))

const QUEUE = 'sqs confirmations'
const DEAD = 'sqs confirmations-dlq'
const TABLE = 'dynamodb table/profiles'
const POOLS = ['cognito-idp userpool/eu-central-1_A1b2C3d4E', 'cognito-idp userpool/eu-central-1_Z9y8X7w6V']
const QUEUE_KEY = ['kms:Decrypt kms:GenerateDataKey', 'kms key/queue']
const TABLE_KEY = ['kms:Decrypt kms:DescribeKey', 'kms key/table']
const WRITTEN_TABLE_KEY = [
  'kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo',
  'kms key/table',
]
const RUN = {
  Receive: ['sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage', QUEUE],
  Quarantine: ['sqs:GetQueueAttributes sqs:SendMessage', DEAD],
  CreateProfiles: ['dynamodb:PutItem dynamodb:PartiQLInsert', TABLE],
  LookAtTable: ['dynamodb:BatchGetItem dynamodb:DescribeTable', TABLE],
  AskForUsers: ['cognito-idp:AdminGetUser', POOLS],
  QueueKey: QUEUE_KEY,
  TableKey: WRITTEN_TABLE_KEY,
}
const FILES = 's3 files/profile-worker/*'
const EMPTY = ['sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage', DEAD]

const EXPECTED: Readonly<Record<JobName, unknown>> = {
  backfill: {
    ReadUsers: ['cognito-idp:DescribeUserPool cognito-idp:ListUsers', POOLS],
    Enqueue: ['sqs:SendMessage', QUEUE],
    ReadTable: ['dynamodb:DescribeTable dynamodb:Scan', TABLE],
    QueueKey: QUEUE_KEY,
    TableKey: TABLE_KEY,
    Files: ['s3:DeleteObject s3:GetObject s3:PutObject', FILES],
    LookForFiles: ['s3:ListBucket', 's3 files'],
  },
  reconcile: {
    ReadUsers: ['cognito-idp:DescribeUserPool cognito-idp:ListUsers', POOLS],
    ReadTable: ['dynamodb:BatchGetItem dynamodb:DescribeTable dynamodb:Scan', TABLE],
    Enqueue: ['sqs:SendMessage', QUEUE],
    QueueKey: QUEUE_KEY,
    TableKey: TABLE_KEY,
    Files: ['s3:PutObject', FILES],
  },
  adopt: {
    ReadTable: ['dynamodb:DescribeTable dynamodb:GetItem dynamodb:Scan', TABLE],
    MoveRows: ['dynamodb:ConditionCheckItem dynamodb:DeleteItem dynamodb:PutItem', TABLE],
    TableKey: WRITTEN_TABLE_KEY,
    Files: ['s3:PutObject', FILES],
  },
  quarantine: {
    EmptyDeadLetters: EMPTY,
    SendBack: ['sqs:GetQueueAttributes sqs:SendMessage', QUEUE],
    QueueKey: QUEUE_KEY,
    Files: ['s3:GetObject s3:PutObject', FILES],
    LookForFiles: ['s3:ListBucket', 's3 files'],
  },
  redrive: {
    EmptyDeadLetters: EMPTY,
    MoveDeadLetters: ['sqs:CancelMessageMoveTask sqs:ListMessageMoveTasks sqs:StartMessageMoveTask', DEAD],
    SendBack: ['sqs:GetQueueAttributes sqs:SendMessage', QUEUE],
    QueueKey: QUEUE_KEY,
  },
  explain: {
    FindUser: ['cognito-idp:ListUsers', POOLS],
    ReadTable: ['dynamodb:GetItem dynamodb:Scan', TABLE],
    CountQueue: ['sqs:GetQueueAttributes', QUEUE],
    LookAtDeadLetters: ['sqs:ChangeMessageVisibility sqs:GetQueueAttributes sqs:ReceiveMessage', DEAD],
    QueueKey: ['kms:Decrypt', 'kms key/queue'],
    TableKey: TABLE_KEY,
  },
  check: RUN,
}

test('run: receives here, quarantines there, creates and never overwrites by any other action', () => {
  assert.deepEqual(read(run(AUTO)), RUN)
})

for (const name of JOB_NAMES) {
  test(`${name}: its statements`, () => assert.deepEqual(read(job(name)), EXPECTED[name]))
}

test('no action and no resource is a wildcard, but for the objects under the prefix', () => {
  for (const statement of [run(AUTO), ...JOB_NAMES.map((name) => job(name))].flat()) {
    for (const action of [statement.Action].flat()) assert.doesNotMatch(action, /\*/)
    const resources = [short(statement.Resource)].flat().filter((resource) => resource !== FILES)
    for (const resource of resources) assert.doesNotMatch(String(resource), /\*/)
    assert.equal(statement.Effect, 'Allow')
  }
})

test('only what the write strategy calls is allowed', () => {
  const writes = (writeStrategy: 'auto' | 'put' | 'batch') =>
    actionsOf(run({ writeStrategy, verifyLate: false })).filter((action) => action.startsWith('dynamodb:')).sort()
  const both = ['dynamodb:BatchGetItem', 'dynamodb:DescribeTable', 'dynamodb:PartiQLInsert', 'dynamodb:PutItem']
  assert.deepEqual(writes('auto'), both)
  // What a batch refuses is put by itself.
  assert.deepEqual(writes('batch'), both)
  assert.deepEqual(writes('put'), ['dynamodb:DescribeTable', 'dynamodb:PutItem'])
})

test('Cognito is asked only with verifyLate', () => {
  assert.equal(actionsOf(run({ ...AUTO, verifyLate: false })).some((action) => action.startsWith('cognito')), false)
})

test('without keys of their own there is no word of KMS', () => {
  const { queueKey, tableKey, ...none } = { queueKey: undefined, tableKey: undefined }
  const given = { ...none, ...({ queueKey, tableKey } as object) }
  for (const statements of [run(AUTO, given), ...JOB_NAMES.map((name) => job(name, given))]) {
    assert.equal(actionsOf(statements).some((action) => action.startsWith('kms:')), false)
  }
})

test('the attributes of writes are limited only when asked to, and then to the whole item', () => {
  const condition = (attributesOnly?: boolean) =>
    run({ ...AUTO, ...(attributesOnly !== undefined && { attributesOnly }) }).find(({ Sid }) => Sid === 'CreateProfiles')
      ?.Condition
  assert.equal(condition(), undefined)
  assert.equal(condition(false), undefined)
  const all = ['__typename', 'createdAt', 'email', 'id', 'profileOwner', 'updatedAt']
  assert.deepEqual(condition(true), {
    'ForAllValues:StringEquals': { 'dynamodb:Attributes': all },
    Null: { 'dynamodb:Attributes': 'false' },
  })
})

test('reconcile that fixes nothing enqueues nothing', () => {
  const granted = statements((role, stack) => grantReconcile(role, placesIn(stack), { fix: false }))
  assert.deepEqual(granted.map(({ Sid }) => Sid), ['ReadUsers', 'ReadTable', 'TableKey'])
})

test('adopt that only plans changes no row', () => {
  const granted = statements((role, stack) => grantAdopt(role, placesIn(stack), { apply: false }))
  assert.deepEqual(read(granted), {
    ReadTable: ['dynamodb:DescribeTable dynamodb:GetItem dynamodb:Scan', TABLE],
    TableKey: TABLE_KEY,
  })
})

test('files are looked for under their prefix alone', () => {
  const granted = statements((role, stack) =>
    grantFiles(role, 'backfill', s3.Bucket.fromBucketName(stack, 'B', 'files'), 'profile-worker/'),
  )
  const look = granted.find(({ Sid }) => Sid === 'LookForFiles')
  assert.deepEqual(look?.Condition, { StringLike: { 's3:prefix': 'profile-worker/*' } })
})
