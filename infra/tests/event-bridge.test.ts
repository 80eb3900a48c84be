// Confirmations by way of EventBridge: nothing is lost between bus and queue, nothing is kept for ever, and no stack
// refers to another.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { App, Duration, NestedStack, Stack, Token } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as iam from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'

import { ConfirmationIngress } from '../src/index.ts'
import { ENV, code, errorOf, ingressIn, only, plain, resources, stackOf, statements } from './ingress-stack.ts'

const ARN = 'arn:${AWS::Partition}:events:eu-central-1:111122223333'

test('the trigger knows the bus by a name of this template, and may put events there and nowhere else', () => {
  const stack = stackOf()
  ingressIn(stack, { eventBridge: {} })
  const { Name } = only(stack, 'AWS::Events::EventBus').Properties
  assert.match(Name, /^Auth-Confirmations-[0-9A-F]{8}$/)
  const { Variables } = only(stack, 'AWS::Lambda::Function').Properties.Environment
  assert.equal(Variables.EVENT_BUS_NAME, Name)
  assert.equal(Variables.QUEUE_URL, undefined)
  assert.deepEqual(statements(stack, 'AWS::IAM::Policy').slice(1), [
    { Effect: 'Allow', Action: 'events:PutEvents', Resource: `${ARN}:event-bus/${Name}` },
  ])
})

test('the rule hands our events on as they are, for as long as EventBridge tries, and then keeps them', () => {
  const stack = stackOf()
  ingressIn(stack, { eventBridge: {} })
  const { EventPattern, Targets, EventBusName, State } = plain(only(stack, 'AWS::Events::Rule').Properties)
  assert.deepEqual(EventPattern, { source: ['profile.confirmations'], 'detail-type': ['UserConfirmed'] })
  assert.equal(EventBusName, '<Bus>')
  assert.equal(State, 'ENABLED')
  // No Input, InputPath, InputTransformer: the worker reads the envelope.
  assert.deepEqual(Targets, [
    {
      Id: 'Target0',
      Arn: '<Queue.Arn>',
      DeadLetterConfig: { Arn: '<Undelivered.Arn>' },
      RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
    },
  ])
  assert.equal(resources(stack, 'AWS::SQS::Queue').ConfirmationsUndelivered?.Properties.MessageRetentionPeriod, 14 * 24 * 3600)
})

test('EventBridge delivers to the queue and to the dead letters of its rule, for this rule only', () => {
  const stack = stackOf()
  ingressIn(stack, { eventBridge: {} })
  for (const name of ['Queue', 'Undelivered']) {
    const allowed = statements(stack, 'AWS::SQS::QueuePolicy', new RegExp(`Confirmations${name}Policy$`)).filter(({ Effect }) => Effect === 'Allow')
    assert.deepEqual(allowed, [
      {
        Sid: 'FromTheRule',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: `<${name}.Arn>`,
        Condition: {
          ArnEquals: { 'aws:SourceArn': '<Rule.Arn>' },
          StringEquals: { 'aws:SourceAccount': '${AWS::AccountId}' },
        },
      },
    ])
  }
  assert.deepEqual(statements(stack, 'AWS::SQS::QueuePolicy').map(({ Sid }) => Sid).filter((sid) => sid === 'OurAccountOnly').length, 3)
})

test('the archive keeps our events, for 30 days or as long as is said, and never for ever', () => {
  const kept = (archiveRetention?: Duration): any => {
    const stack = stackOf()
    ingressIn(stack, { eventBridge: archiveRetention === undefined ? {} : { archiveRetention } })
    return plain(only(stack, 'AWS::Events::Archive').Properties)
  }
  const { RetentionDays, EventPattern, SourceArn } = kept()
  assert.equal(RetentionDays, 30)
  assert.deepEqual(EventPattern, { source: ['profile.confirmations'], 'detail-type': ['UserConfirmed'] })
  assert.equal(SourceArn, '<Bus.Arn>')
  assert.equal(kept(Duration.days(1)).RetentionDays, 1)
  for (const wrong of [Duration.days(0), Duration.hours(36), Duration.minutes(5)]) {
    assert.match(errorOf(() => kept(wrong)), /eventBridge\.archiveRetention: .*; give whole days/)
  }
})

/** Every reference of a template to something that is not in it. */
function foreign(template: Record<string, any>): string[] {
  const own = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters ?? {})])
  const found: string[] = []
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, of] of Object.entries(value)) {
      if (key === 'Fn::ImportValue') found.push(JSON.stringify(of))
      if (key === 'Ref' && !String(of).startsWith('AWS::') && !own.has(String(of))) found.push(String(of))
      if (key === 'Fn::GetAtt' && !own.has((of as string[])[0] ?? '')) found.push(String(of))
      walk(of)
    }
  }
  walk(template)
  return found
}

test('with a receiver in another stack neither template refers to the other, and no order is laid down', () => {
  const app = new App()
  const auth = new Stack(app, 'Auth', { env: ENV })
  const profiles = new Stack(app, 'Profiles', { env: ENV })
  const ingress = new ConfirmationIngress(auth, 'Confirmations', { code: code(), eventBridge: { receiver: profiles } })
  const [one, two] = [Template.fromStack(auth).toJSON(), Template.fromStack(profiles).toJSON()]
  assert.deepEqual([...foreign(one), ...foreign(two)], [])
  assert.equal(one.Outputs, undefined)
  assert.equal(two.Outputs, undefined)
  assert.deepEqual([...auth.dependencies, ...profiles.dependencies], [])
  assert.equal(Stack.of(ingress.queue), profiles)
  assert.ok(ingress.eventBus !== undefined && Stack.of(ingress.eventBus) === profiles)
  for (const type of ['AWS::SQS::Queue', 'AWS::Events::EventBus', 'AWS::Events::Rule', 'AWS::Events::Archive']) {
    Template.fromStack(auth).resourceCountIs(type, 0)
  }
  assert.equal(
    only(auth, 'AWS::Lambda::Function').Properties.Environment.Variables.EVENT_BUS_NAME,
    only(profiles, 'AWS::Events::EventBus').Properties.Name,
  )
  assert.equal(plain(statements(auth, 'AWS::IAM::Policy')[1]?.Resource), `${ARN}:event-bus/${ingress.environment.EVENT_BUS_NAME}`)
})

test('a function that is there sends to the bus, and to the queue no more', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack, { trigger: false, eventBridge: {} })
  ingress.grantSend(new iam.Role(stack, 'Own', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }))
  assert.deepEqual(Object.keys(ingress.environment), ['EVENT_BUS_NAME', 'ON_ENQUEUE_FAILURE', 'TRIGGER_SOURCES'])
  assert.deepEqual(statements(stack, 'AWS::IAM::Policy'), [
    { Effect: 'Allow', Action: 'events:PutEvents', Resource: `${ARN}:event-bus/${ingress.environment.EVENT_BUS_NAME}` },
  ])
})

test('the check of references sees one', () => {
  const app = new App()
  const auth = new Stack(app, 'Auth', { env: ENV })
  const { queue } = ingressIn(auth)
  const profiles = new Stack(app, 'Profiles', { env: ENV })
  new ConfirmationIngress(profiles, 'Other', { code: code() }).trigger.addEnvironment('REFERS', queue.queueUrl)
  assert.equal(foreign(Template.fromStack(profiles).toJSON()).length, 1)
})

test('bus names differ from branch to branch and from sandbox to sandbox, where only the stack above has a name', () => {
  const name = (root: string, at: (root: Stack) => Construct = (stack) => new NestedStack(stack, 'auth')): string => {
    const stack = new Stack(new App(), 'Root', { env: ENV, stackName: root })
    const made = new ConfirmationIngress(at(stack), 'Confirmations', { code: code(), eventBridge: {} }).environment.EVENT_BUS_NAME ?? ''
    assert.ok(!Token.isUnresolved(made), made)
    assert.match(made, /^[\w-]{1,256}$/)
    return made
  }
  const names = ['amplify-app-main-branch-0123456789', 'amplify-app-dev-branch-0123456789', 'amplify-app-ana-sandbox-0123456789', 'a'.repeat(128)].map((root) => name(root))
  assert.equal(new Set(names).size, names.length)
  assert.equal(name('amplify-app-main-branch-0123456789'), names[0])
})

test('a receiver elsewhere is refused: a name says nothing of account and region', () => {
  const app = new App()
  const auth = new Stack(app, 'Auth', { env: ENV })
  const at = (env: { account: string; region: string }, id: string): string =>
    errorOf(() => ingressIn(auth, { eventBridge: { receiver: new Stack(app, id, { env }) } }))
  const region = at({ ...ENV, region: 'eu-west-1' }, 'Region')
  assert.match(region, /eventBridge\.receiver: is in region eu-west-1 and the ingress in eu-central-1; put both into one region/)
})

test('straight to SQS there is no bus, no archive and no rule', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack)
  for (const type of ['AWS::Events::EventBus', 'AWS::Events::Rule', 'AWS::Events::Archive']) {
    Template.fromStack(stack).resourceCountIs(type, 0)
  }
  assert.equal(ingress.eventBus, undefined)
  assert.equal(ingress.undeliveredQueue, undefined)
})
