// The actions in the roles are the operations that the Rust sources call: a new call without a permission fails here, and
// so does a permission that nobody uses.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import type { JobName } from '../src/worker/commands.ts'
import { actionsOf, job, run } from './roles-fixture.ts'
import { RustCalls } from './rust-calls.ts'

const calls = new RustCalls(join(__dirname, '../../worker/src'))

/** SQS authorises batches by the single action, DynamoDB a transaction by what is in it and PartiQL by the statement. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  admin_get_user: ['cognito-idp:AdminGetUser'],
  batch_execute_statement: ['dynamodb:PartiQLInsert'],
  batch_get_item: ['dynamodb:BatchGetItem'],
  cancel_message_move_task: ['sqs:CancelMessageMoveTask'],
  change_message_visibility: ['sqs:ChangeMessageVisibility'],
  change_message_visibility_batch: ['sqs:ChangeMessageVisibility'],
  delete_message: ['sqs:DeleteMessage'],
  delete_message_batch: ['sqs:DeleteMessage'],
  delete_object: ['s3:DeleteObject'],
  describe_table: ['dynamodb:DescribeTable'],
  describe_user_pool: ['cognito-idp:DescribeUserPool'],
  execute_statement: ['dynamodb:PartiQLInsert'],
  get_item: ['dynamodb:GetItem'],
  get_object: ['s3:GetObject'],
  get_queue_attributes: ['sqs:GetQueueAttributes'],
  list_message_move_tasks: ['sqs:ListMessageMoveTasks'],
  list_users: ['cognito-idp:ListUsers'],
  put_item: ['dynamodb:PutItem'],
  put_object: ['s3:PutObject'],
  receive_message: ['sqs:ReceiveMessage'],
  scan: ['dynamodb:Scan'],
  send_message: ['sqs:SendMessage'],
  send_message_batch: ['sqs:SendMessage'],
  start_message_move_task: ['sqs:StartMessageMoveTask'],
  transact_write_items: ['dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem', 'dynamodb:PutItem'],
}

/** Granted and called by nobody: what a call needs in the background. */
const NOT_CALLED = (action: string) => action.startsWith('kms:') || action === 's3:ListBucket'

const ENTRIES: Readonly<Record<JobName | 'run', string>> = {
  run: 'service.rs::run',
  check: 'jobs/check.rs::run',
  backfill: 'jobs/backfill.rs::run',
  reconcile: 'jobs/reconcile.rs::run',
  adopt: 'jobs/adopt.rs::run',
  quarantine: 'jobs/quarantine/mod.rs::run',
  redrive: 'jobs/redrive/mod.rs::run',
  explain: 'jobs/explain/mod.rs::run',
}

test('every operation of the sources is known here, and nothing is sent that is not seen', () => {
  assert.deepEqual([...calls.all()].sort(), Object.keys(ACTIONS).sort())
  assert.deepEqual(calls.unknownSends(), [])
})

test('every operation is reached by some command: no call is overlooked', () => {
  const reached = new Set(Object.values(ENTRIES).flatMap((entry) => [...calls.reachedFrom(entry).keys()]))
  assert.deepEqual([...reached].sort(), Object.keys(ACTIONS).sort())
})

for (const [command, entry] of Object.entries(ENTRIES) as [JobName | 'run', string][]) {
  test(`${command}: its role allows what it calls and nothing else`, () => {
    const operations = [...calls.reachedFrom(entry).keys()]
    const called = new Set(operations.flatMap((operation) => ACTIONS[operation] ?? []))
    const role = command === 'run' ? run({ writeStrategy: 'auto', verifyLate: true }) : job(command)
    const granted = actionsOf(role).filter((action) => !NOT_CALLED(action))
    assert.deepEqual([...new Set(granted)].sort(), [...called].sort())
  })
}
