// What is synthesised is what dashboards/cloudwatch/template.json says, whose numbers and rules have tests of their own;
// here it is the way through the CDK: tokens in texts, order, and what is left out.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import * as sns from 'aws-cdk-lib/aws-sns'

import { Monitoring, type MonitoringOf } from '../src/monitoring/monitoring.ts'
import { errorOf, ingressIn } from './ingress-stack.ts'

interface Resource {
  readonly Type: string
  readonly Properties: Record<string, any>
  readonly DependsOn?: string | string[]
}

const REPOSITORY = 'https://example.com/profile-worker/blob/main'

/** A stack without a region of its own, so that every name is a token. */
function monitored(change: (stack: Stack) => Partial<MonitoringOf> = () => ({}), drop: readonly (keyof MonitoringOf)[] = []): Stack {
  const stack = new Stack(new App(), 'Profiles')
  const ingress = ingressIn(stack)
  const of: MonitoringOf = {
    prefix: 'profiles-live',
    queue: ingress.queue,
    deadLetterQueue: ingress.deadLetterQueue,
    triggerFunction: ingress.trigger,
    table: new dynamodb.Table(stack, 'Table', { partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING } }),
    userPool: new cognito.UserPool(stack, 'Pool'),
    logGroup: new logs.LogGroup(stack, 'WorkerLogs'),
    page: new sns.Topic(stack, 'Page'),
    ticket: new sns.Topic(stack, 'Ticket'),
    repository: REPOSITORY,
    ...change(stack),
  }
  new Monitoring(stack, 'Monitoring', Object.fromEntries(Object.entries(of).filter(([key]) => !drop.includes(key as never))) as never)
  return stack
}

/** What the parameters of the template are in `monitored`. */
const PARAMETERS: Record<string, string> = {
  Prefix: 'profiles-live',
  QueueName: '<ConfirmationsQueue.QueueName>',
  DeadLetterQueueName: '<ConfirmationsDeadLetters.QueueName>',
  FunctionName: '<ConfirmationsTrigger>',
  TableName: '<Table>',
  UserPoolId: '<Pool>',
  WorkerLogGroup: '<WorkerLogs>',
  TriggerLogGroup: '<ConfirmationsTriggerLogs>',
  PageTopicArn: '<Page>',
  TicketTopicArn: '<Ticket>',
  Repository: REPOSITORY,
}

const bare = (id: string): string => id.replace(/[0-9A-F]{8}$/, '')
const reference = (name: string): string => PARAMETERS[name] ?? (name.startsWith('AWS::') ? `\${${name}}` : `<${bare(name)}>`)

/** Both kinds of text, with references as `<Name>`. */
function filled(value: unknown): any {
  if (Array.isArray(value)) return value.map(filled)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [[key, of] = ['', undefined]] = entries
  if (key === 'Ref') return reference(of as string)
  if (key === 'Fn::GetAtt') return `<${bare((of as string[])[0] ?? '')}.${(of as string[])[1]}>`
  if (key === 'Fn::Join') return (of as [string, unknown[]])[1].map(filled).join((of as [string, unknown[]])[0])
  if (key === 'Fn::Sub') return (of as string).replace(/\$\{([\w:]+)\}/g, (_, name: string) => reference(name))
  // An empty list is the same as none.
  return Object.fromEntries(entries.filter(([, one]) => !(Array.isArray(one) && one.length === 0)).map(([inner, one]) => [inner, filled(one)]))
}

const template = JSON.parse(readFileSync(join(__dirname, '../../dashboards/cloudwatch/template.json'), 'utf8')) as {
  Resources: Record<string, Resource>
}
const TYPES = /^AWS::CloudWatch::|^AWS::Logs::QueryDefinition$/

function synthesised(stack: Stack): Record<string, Resource> {
  const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> }
  const found = Object.entries(Resources).filter(([, { Type }]) => TYPES.test(Type))
  return Object.fromEntries(found.map(([id, of]) => [bare(id).replace(/^Monitoring/, ''), of]))
}

const dependencies = ({ DependsOn }: Resource): string[] =>
  [DependsOn ?? []].flat().map((id) => bare(id).replace(/^Monitoring/, '')).sort()

test('the resources are those of the template, with the same properties, order and names', () => {
  const made = synthesised(monitored())
  assert.deepEqual(Object.keys(made).sort(), Object.keys(template.Resources).sort())
  for (const [id, of] of Object.entries(template.Resources)) {
    const one = made[id]
    assert.ok(one !== undefined)
    assert.equal(one.Type, of.Type, id)
    assert.deepEqual(filled(one.Properties), filled(of.Properties), id)
    assert.deepEqual(dependencies(one), dependencies(of), id)
  }
})

test('the body of the dashboard is JSON once names are filled in, also with a quote in them', () => {
  const { DashboardBody: body } = synthesised(monitored()).Dashboard?.Properties ?? {}
  assert.ok('Fn::Join' in body)
  const { widgets } = JSON.parse(filled(body)) as { widgets: { type: string }[] }
  assert.ok(widgets.length > 10)
  assert.ok(filled(body).includes('"QueueName","<ConfirmationsQueue.QueueName>"'))
})

test('a composite is made after what its rule and its suppressor name', () => {
  const made = synthesised(monitored())
  const composites = Object.entries(made).filter(([, { Type }]) => Type === 'AWS::CloudWatch::CompositeAlarm')
  assert.equal(composites.length, 4)
  for (const [id, of] of composites) {
    const { AlarmRule, ActionsSuppressor = '' } = filled(of.Properties) as Record<string, string>
    const named = [...`${AlarmRule} "${ActionsSuppressor.split(':alarm:')[1] ?? ''}"`.matchAll(/"([^"]+)"/g)].map((match) => match[1])
    const first = dependencies(of).map((child) => filled(made[child]?.Properties.AlarmName))
    assert.deepEqual(first.sort(), named.sort(), id)
  }
})

test('without a trigger function there is nothing of one', () => {
  const made = synthesised(monitored(undefined, ['triggerFunction']))
  const gone = Object.keys(template.Resources).filter((id) => made[id] === undefined)
  assert.deepEqual(gone.sort(), ['EnqueueFailed', 'QueryTriggerFailures', 'TriggerErrors', 'TriggerSlow'])
  assert.doesNotMatch(JSON.stringify(made), /ConfirmationsTrigger|undefined/)
})

test('without a pool there is nothing of reconcile', () => {
  const made = synthesised(monitored(undefined, ['userPool']))
  const gone = Object.keys(template.Resources).filter((id) => made[id] === undefined)
  assert.deepEqual(gone, ['ProfilesMissing'])
  assert.doesNotMatch(JSON.stringify(made), /Reconcile[A-Z]|"Pool|undefined/)
})

test('without topics the alarms are there and notify nobody; with one of them, only its alarms do', () => {
  const notifying = (drop: readonly (keyof MonitoringOf)[]): string[] =>
    Object.entries(synthesised(monitored(undefined, drop))).flatMap(([id, { Properties }]) => ((Properties.AlarmActions ?? []).length > 0 ? [id] : []))
  assert.deepEqual(notifying(['page', 'ticket']), [])
  assert.deepEqual(notifying(['ticket']).sort(), ['BreakerOpen', 'ConfirmationToProfileFastBurn', 'NoReceive', 'OldestMessageTooOld', 'TriggerErrors'])
  assert.ok(notifying(['page']).includes('DeadLetterQueueNotEmpty'))
})

test('without a repository no text has a link that leads nowhere', () => {
  const text = JSON.stringify(synthesised(monitored(undefined, ['repository'])))
  assert.ok(text.includes('docs/runbook.md#alert-breaker-open'))
  assert.doesNotMatch(text, /https?:\/\/|undefined\/docs/)
})

test('the log group of a function that names none is where Lambda puts it, and nothing is made to ask for it', () => {
  const stack = monitored((on) => ({
    triggerFunction: new lambda.Function(on, 'Own', {
      runtime: lambda.Runtime.NODEJS_20_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async (event) => event'),
    }),
  }))
  assert.deepEqual(filled(synthesised(stack).QueryTriggerFailures?.Properties.LogGroupNames), ['/aws/lambda/<Own>'])
  Template.fromStack(stack).resourceCountIs('Custom::LogRetention', 0)
  Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 2)
})

test('a prefix that no dashboard can have, and a repository that is no URL, are refused together', () => {
  const message = errorOf(() => monitored(() => ({ prefix: 'profiles live', repository: 'https://example.com/' })))
  assert.match(message, /^Profiles\/Monitoring cannot be made:\n  - monitoring\.prefix: .*\n  - monitoring\.repository: .*; give/)
})
