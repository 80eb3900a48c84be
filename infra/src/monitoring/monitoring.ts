// Alarms, dashboard and saved queries of one deployment: dashboards/cloudwatch says what they are, this makes resources of
// them and decides nothing.

import type * as cognito from 'aws-cdk-lib/aws-cognito'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type * as logs from 'aws-cdk-lib/aws-logs'
import type * as sns from 'aws-cdk-lib/aws-sns'
import type * as sqs from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

export interface MonitoringOf {
  readonly prefix: string
  readonly queue: sqs.IQueue
  readonly deadLetterQueue: sqs.IQueue
  /** Without it there are no alarms of the trigger. */
  readonly triggerFunction?: lambda.IFunction
  readonly table: dynamodb.ITable
  readonly userPool: cognito.IUserPool
  /** Where worker and jobs write their stdout and stderr. */
  readonly logGroup: logs.ILogGroup
  readonly page?: sns.ITopic
  readonly ticket?: sns.ITopic
}

export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, _of: MonitoringOf) {
    super(scope, id)
  }
}
