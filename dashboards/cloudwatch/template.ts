// The same data as a CloudFormation template, for whoever does not use the CDK. Names become `${Parameter}`, which
// Fn::Sub fills in; nothing is decided here.

import { alarms } from './alarms.ts'
import { compositeAlarms } from './composites.ts'
import { dashboard } from './dashboard.ts'
import type { Names } from './names.ts'
import { QUERIES, logGroups } from './queries.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const PARAMETERS: Record<string, { Description: string; Default?: string; AllowedPattern?: string }> = {
  Prefix: { Description: 'Begins the name of every alarm, of the dashboard and of the queries', Default: 'profile-worker' },
  QueueName: { Description: 'Name, not URL, of the queue of confirmations' },
  DeadLetterQueueName: { Description: 'Name of its dead-letter queue' },
  FunctionName: { Description: 'Name of the trigger function' },
  TableName: { Description: 'Name of the table of profiles' },
  UserPoolId: { Description: 'The user pool that reconcile compares', AllowedPattern: '[\\w-]+_[0-9a-zA-Z]+' },
  WorkerLogGroup: { Description: 'Log group of the worker: its stdout and stderr' },
  TriggerLogGroup: { Description: 'Log group of the trigger, such as /aws/lambda/NAME' },
  PageTopicArn: { Description: 'SNS topic of whoever is woken', AllowedPattern: 'arn:.+' },
  TicketTopicArn: { Description: 'SNS topic of whoever reads in the morning; may be the same', AllowedPattern: 'arn:.+' },
  Repository: { Description: 'Where the repository can be read, without a slash at the end: texts link to its docs/runbook.md' },
}

const NAMES: Names = {
  prefix: '${Prefix}',
  partition: '${AWS::Partition}',
  region: '${AWS::Region}',
  account: '${AWS::AccountId}',
  queueName: '${QueueName}',
  deadLetterQueueName: '${DeadLetterQueueName}',
  functionName: '${FunctionName}',
  tableName: '${TableName}',
  userPoolId: '${UserPoolId}',
  workerLogGroup: '${WorkerLogGroup}',
  triggerLogGroup: '${TriggerLogGroup}',
  topics: { page: ['${PageTopicArn}'], ticket: ['${TicketTopicArn}'] },
  repository: '${Repository}',
}

const pascal = (text: string): string =>
  text.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase())

/** `okActions` is the one name that has two capitals in CloudFormation. */
const property = (key: string): string => (key === 'okActions' ? 'OKActions' : pascal(key))

function substituted(text: string): Json {
  const whole = /^\$\{([\w:]+)\}$/.exec(text)
  if (whole?.[1] !== undefined) return { Ref: whole[1] }
  return text.includes('${') ? { 'Fn::Sub': text } : text
}

/** CDK's small letters become CloudFormation's capitals, names become references. */
function cloudFormation(value: unknown): Json {
  if (typeof value === 'string') return substituted(value)
  if (Array.isArray(value)) return value.map(cloudFormation)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, of]) => [property(key), cloudFormation(of)]))
  }
  return value as Json
}

export function template(): Json {
  const resources: Record<string, Json> = {}
  const add = (id: string, resource: Json): void => {
    if (id in resources) throw new Error(`two resources would be called ${id}: give one of them another name`)
    resources[id] = resource
  }
  for (const { id, props } of alarms(NAMES)) {
    add(pascal(id), { Type: 'AWS::CloudWatch::Alarm', Properties: cloudFormation(props) })
  }
  for (const { id, children, props } of compositeAlarms(NAMES)) {
    add(id, {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      // A rule names alarms that must exist, and CloudFormation does not read rules.
      DependsOn: children.map(pascal),
      Properties: cloudFormation(props),
    })
  }
  const { name, body } = dashboard(NAMES)
  add('Dashboard', {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: { DashboardName: substituted(name), DashboardBody: substituted(JSON.stringify(body)) },
  })
  const logs = logGroups(NAMES)
  for (const query of QUERIES) {
    add(`Query${pascal(query.name)}`, {
      Type: 'AWS::Logs::QueryDefinition',
      Properties: {
        Name: substituted(`${NAMES.prefix}/${query.name}`),
        LogGroupNames: logs[query.logs].map(substituted),
        QueryString: query.query,
      },
    })
  }
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Alarms, dashboard and saved queries of the profile worker. Generated: see README.md beside it',
    Parameters: Object.fromEntries(Object.entries(PARAMETERS).map(([key, of]) => [key, { Type: 'String', ...of }])),
    Resources: resources,
  }
}

/** As it is committed. */
export const templateText = (): string => `${JSON.stringify(template(), null, 2)}\n`
