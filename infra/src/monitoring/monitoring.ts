// Alarms, dashboard and saved queries of one deployment: dashboards/cloudwatch says what they are, this makes resources of
// them and decides nothing.

import { Stack, Token } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import type * as cognito from 'aws-cdk-lib/aws-cognito'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type * as sns from 'aws-cdk-lib/aws-sns'
import type * as sqs from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

import {
  type AlarmProps,
  type Alert,
  type CompositeProps,
  type Names,
  QUERIES,
  type Signal,
  alarms,
  compositeAlarms,
  dashboard,
  logGroups,
} from '../../../dashboards/cloudwatch/index.ts'
import { Problems } from '../problems.ts'

export interface MonitoringOf {
  /** Begins the name of every alarm, of the dashboard and of the saved queries; unique in account and region. */
  readonly prefix: string
  readonly queue: sqs.IQueue
  readonly deadLetterQueue: sqs.IQueue
  /** Without it there are no alarms of the trigger. */
  readonly triggerFunction?: lambda.IFunction
  readonly table: dynamodb.ITable
  /** Without it there are no alarms of `reconcile`. */
  readonly userPool?: cognito.IUserPool
  /** Where worker and jobs write their stdout and stderr. */
  readonly logGroup: logs.ILogGroup
  /** Who is woken. @default nobody */
  readonly page?: sns.ITopic
  /** Who reads in the morning. @default nobody */
  readonly ticket?: sns.ITopic
  /**
   * Where this repository can be read, such as `https://git.example.com/profiles/blob/main`: alarms link to its
   * docs/runbook.md. @default alarms name the file and the heading
   */
  readonly repository?: string
}

/** What the name of an alarm or a dashboard begins with: a dashboard's has no other characters, and 255 at most. */
const PREFIX = /^[A-Za-z0-9_-]{1,200}$/

export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, of: MonitoringOf) {
    super(scope, id)
    check(this, of)
    const names = namesOf(Stack.of(this), of)
    const made = new Map<Alert | Signal, Construct>()
    for (const alarm of alarms(names)) {
      made.set(alarm.id, new cloudwatch.CfnAlarm(this, pascal(alarm.id), metricAlarm(alarm.props)))
    }
    for (const { id: alert, children, props } of compositeAlarms(names)) {
      const composite = new cloudwatch.CfnCompositeAlarm(this, pascal(alert), compositeAlarm(props))
      made.set(alert, composite)
      // A rule names alarms that must be there, and CloudFormation does not read rules.
      for (const child of children) composite.node.addDependency(made.get(child) ?? missing(alert, child))
    }
    const { name, body } = dashboard(names)
    new cloudwatch.CfnDashboard(this, 'Dashboard', {
      dashboardName: name,
      dashboardBody: Stack.of(this).toJsonString(body),
    })
    const groups = logGroups(names)
    for (const query of QUERIES) {
      const logGroupNames = [...groups[query.logs]]
      if (logGroupNames.length === 0) continue
      new logs.CfnQueryDefinition(this, `Query${pascal(query.name)}`, {
        name: `${names.prefix}/${query.name}`,
        logGroupNames,
        queryString: query.query,
      })
    }
  }
}

function check(monitoring: Monitoring, { prefix, repository }: MonitoringOf): void {
  const problems = new Problems(monitoring)
  if (!Token.isUnresolved(prefix) && !PREFIX.test(prefix)) {
    problems.add('monitoring.prefix', `'${prefix}' cannot begin the name of a dashboard`, 'use letters, digits, _ and -, up to 200')
  }
  if (repository !== undefined && !Token.isUnresolved(repository) && !/^https?:\/\/.+[^/]$/.test(repository)) {
    problems.add('monitoring.repository', 'is no URL without a slash at its end', 'give what stands before /docs/runbook.md')
  }
  problems.end()
}

function namesOf(stack: Stack, of: MonitoringOf): Names {
  const { triggerFunction: trigger, userPool } = of
  return {
    prefix: of.prefix,
    partition: stack.partition,
    region: stack.region,
    account: stack.account,
    queueName: of.queue.queueName,
    deadLetterQueueName: of.deadLetterQueue.queueName,
    ...(trigger && { functionName: trigger.functionName, triggerLogGroup: logGroupOf(trigger) }),
    tableName: of.table.tableName,
    ...(userPool && { userPoolId: userPool.userPoolId }),
    workerLogGroup: of.logGroup.logGroupName,
    topics: { page: topic(of.page), ticket: topic(of.ticket) },
    ...(of.repository !== undefined && { repository: of.repository }),
  }
}

const topic = (of: sns.ITopic | undefined): readonly string[] => (of === undefined ? [] : [of.topicArn])

// Not `Function.logGroup`: to ask for it may make a custom resource.
function logGroupOf(trigger: lambda.IFunction): string {
  const { defaultChild: resource } = trigger.node
  const config = resource instanceof lambda.CfnFunction ? resource.loggingConfig : undefined
  const named = config !== undefined && 'logGroup' in config ? config.logGroup : undefined
  return named ?? `/aws/lambda/${trigger.functionName}`
}

// The data is read-only and CDK's props are not: the arrays are copied.
const metricAlarm = (props: AlarmProps): cloudwatch.CfnAlarmProps => ({
  ...props,
  alarmActions: [...props.alarmActions],
  okActions: [...props.okActions],
  metrics: props.metrics.map(({ metricStat, ...query }) => ({
    ...query,
    ...(metricStat && {
      metricStat: { ...metricStat, metric: { ...metricStat.metric, dimensions: [...metricStat.metric.dimensions] } },
    }),
  })),
})

const compositeAlarm = (props: CompositeProps): cloudwatch.CfnCompositeAlarmProps => ({
  ...props,
  alarmActions: [...props.alarmActions],
  okActions: [...props.okActions],
})

/** `queue-not-asked` → `QueueNotAsked`, as in dashboards/cloudwatch/template.json. */
const pascal = (text: string): string => text.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase())

function missing(alert: Alert, child: Alert | Signal): never {
  throw new Error(`${alert} looks at ${child}, which is not made: mend dashboards/cloudwatch/composites.ts`)
}
