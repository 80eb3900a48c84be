// The trigger as a Lambda function, with a role that can send and log and nothing else. It must never know the table.

import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'

import { BOOTSTRAP } from './trigger-code.ts'

/** Above the 2.5 s that publishing takes at most, below the 5 s after which Cognito calls again. */
export const TIMEOUT = Duration.seconds(4)

export interface TriggerFunctionProps {
  readonly code: lambda.Code
  readonly architecture: lambda.Architecture
  readonly memorySize: number
  readonly environment: Readonly<Record<string, string>>
  readonly logRetention: logs.RetentionDays
  readonly removalPolicy: RemovalPolicy
  readonly tracing: boolean
}

/** The function, its role and its log group, as children of `scope`. */
export function makeTriggerFunction(scope: Construct, props: TriggerFunctionProps): lambda.Function {
  const logGroup = new logs.LogGroup(scope, 'TriggerLogs', {
    retention: props.logRetention,
    removalPolicy: props.removalPolicy,
  })
  // Not AWSLambdaBasicExecutionRole, which may make and write any log group.
  const role = new iam.Role(scope, 'TriggerRole', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    description: 'Announces confirmed users; sends and logs and nothing else',
  })
  role.addToPolicy(
    new iam.PolicyStatement({
      sid: 'Log',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      // The ARN ends with `:*`: the streams of this group, whose names Lambda makes up.
      resources: [logGroup.logGroupArn],
    }),
  )
  if (props.tracing) {
    Validations.of(role).acknowledge({
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'xray:PutTraceSegments and PutTelemetryRecords know no resources',
    })
  }
  return new lambda.Function(scope, 'Trigger', {
    description: 'Announces users whom Cognito has confirmed',
    runtime: lambda.Runtime.PROVIDED_AL2023,
    architecture: props.architecture,
    handler: BOOTSTRAP,
    code: props.code,
    memorySize: props.memorySize,
    timeout: TIMEOUT,
    environment: { ...props.environment },
    role,
    logGroup,
    // The binary prints JSON itself, embedded metrics among it; Lambda's JSON format would reword the lines of the platform
    // ("Task timed out", "Runtime exited") that the alarms' commands look for.
    loggingFormat: lambda.LoggingFormat.TEXT,
    tracing: props.tracing ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
  })
}
