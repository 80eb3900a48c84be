// A key of one's own: what its policy and the trigger's must allow, and what becomes of a key that cannot be changed.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Annotations, Match } from 'aws-cdk-lib/assertions'
import * as kms from 'aws-cdk-lib/aws-kms'

import { ingressIn, plain, resources, stackOf, statements } from './ingress-stack.ts'

const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000'
const ARN = 'arn:${AWS::Partition}:events:eu-central-1:111122223333'

const ROLES_THROUGH_SQS = {
  Sid: 'RolesThroughSqs',
  Effect: 'Allow',
  Principal: { AWS: 'arn:${AWS::Partition}:iam::111122223333:root' },
  Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
  Resource: '*',
  Condition: { StringEquals: { 'kms:ViaService': 'sqs.${AWS::Region}.amazonaws.com' } },
}

test('queues are encrypted with it, the trigger may use it through SQS, and its policy lets the roles of the account', () => {
  const stack = stackOf()
  const encryptionKey = new kms.Key(stack, 'Key')
  const ingress = ingressIn(stack, { encryptionKey })
  assert.equal(ingress.encryptionKey, encryptionKey)
  for (const { Properties } of Object.values(resources(stack, 'AWS::SQS::Queue'))) {
    assert.equal(plain(Properties).KmsMasterKeyId, '<Key.Arn>')
    assert.equal(Properties.SqsManagedSseEnabled, undefined)
  }
  assert.deepEqual(statements(stack, 'AWS::IAM::Policy').at(-1), {
    Effect: 'Allow',
    Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
    Resource: '<Key.Arn>',
    Condition: { StringEquals: { 'kms:ViaService': 'sqs.${AWS::Region}.amazonaws.com' } },
  })
  // The first is the CDK's own: the account decides by its roles' policies.
  assert.deepEqual(statements(stack, 'AWS::KMS::Key').slice(1), [ROLES_THROUGH_SQS])
  Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue())
})

test('with a bus, EventBridge may use it for this bus and its rules, and the trigger needs it no more', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack, { encryptionKey: new kms.Key(stack, 'Key'), eventBridge: {} })
  const bus = ingress.environment.EVENT_BUS_NAME
  const events = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Resource: '*' }
  assert.deepEqual(statements(stack, 'AWS::KMS::Key').slice(1), [
    ROLES_THROUGH_SQS,
    {
      Sid: 'EventsToTheQueues',
      ...events,
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Condition: {
        StringEquals: { 'aws:SourceAccount': '${AWS::AccountId}' },
        ArnLike: { 'aws:SourceArn': [`${ARN}:rule/${bus}/*`, `${ARN}:event-bus/${bus}`] },
      },
    },
    {
      Sid: 'EventsOfTheBus',
      ...events,
      Action: ['kms:GenerateDataKey', 'kms:Decrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Condition: { StringEquals: { 'kms:EncryptionContext:aws:events:event-bus:arn': `${ARN}:event-bus/${bus}` } },
    },
    { Sid: 'EventsLookAtTheKey', ...events, Action: 'kms:DescribeKey' },
  ])
  const [cfnBus] = Object.values(resources(stack, 'AWS::Events::EventBus'))
  assert.equal(plain(cfnBus?.Properties).KmsKeyIdentifier, '<Key.Arn>')
  assert.deepEqual(plain(cfnBus?.Properties).DeadLetterConfig, { Arn: '<Undelivered.Arn>' })
  const [archive] = Object.values(resources(stack, 'AWS::Events::Archive'))
  assert.equal(plain(archive?.Properties).KmsKeyIdentifier, '<Key.Arn>')
  assert.ok(!JSON.stringify(statements(stack, 'AWS::IAM::Policy')).includes('kms:'))
  const fromBus = statements(stack, 'AWS::SQS::QueuePolicy', /UndeliveredPolicy$/).find(({ Sid }) => Sid === 'FromTheBus')
  assert.deepEqual((fromBus?.Condition as any).ArnEquals, { 'aws:SourceArn': `${ARN}:event-bus/${bus}` })
})

test('of an imported key a warning says every statement that must be in its policy', () => {
  for (const eventBridge of [undefined, {}]) {
    const stack = stackOf()
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', KEY_ARN)
    ingressIn(stack, { encryptionKey, ...(eventBridge && { eventBridge }) })
    const warnings = Annotations.fromStack(stack).findWarning('/Auth/Confirmations', Match.anyValue())
    const said = warnings.map(({ entry }) => String(entry.data)).join('\n')
    const sids = [...said.matchAll(/"Sid":"(\w+)"/g)].map((match) => match[1])
    const events = ['EventsToTheQueues', 'EventsOfTheBus', 'EventsLookAtTheKey']
    assert.deepEqual(sids, ['RolesThroughSqs', ...(eventBridge ? events : [])])
    assert.match(said, /encryptionKey: the policy of an imported key cannot be changed/)
    assert.ok(JSON.stringify(statements(stack, 'AWS::IAM::Policy')).includes(eventBridge ? 'events:PutEvents' : KEY_ARN))
  }
})
