// Roles with their statements, as CloudFormation gets them.

import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as kms from 'aws-cdk-lib/aws-kms'
import * as s3 from 'aws-cdk-lib/aws-s3'
import * as sqs from 'aws-cdk-lib/aws-sqs'

import { USER_PROFILE } from '../src/model.ts'
import type { JobName } from '../src/worker/commands.ts'
import type { Places } from '../src/worker/places.ts'
import * as roles from '../src/worker/roles.ts'

export const ENV = { account: '111122223333', region: 'eu-central-1' }

export interface Statement {
  readonly Sid: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

export function stackOf(id = 'Profiles'): Stack {
  return new Stack(new App(), id, { env: ENV })
}

/** Places by their ARNs, so that statements can be read. */
export function placesIn(stack: Stack, given: Partial<Places> = {}): Places {
  const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:111122223333:${resource}`
  const queue = (name: string) => sqs.Queue.fromQueueArn(stack, name, arn('sqs', name))
  return {
    queue: queue('confirmations'),
    deadLetterQueue: queue('confirmations-dlq'),
    table: dynamodb.Table.fromTableArn(stack, 'Table', arn('dynamodb', 'table/profiles')),
    userPools: [
      cognito.UserPool.fromUserPoolId(stack, 'Pool', 'eu-central-1_A1b2C3d4E'),
      cognito.UserPool.fromUserPoolId(stack, 'OtherPool', 'eu-central-1_Z9y8X7w6V'),
    ],
    queueKey: kms.Key.fromKeyArn(stack, 'QueueKey', arn('kms', 'key/queue')),
    tableKey: kms.Key.fromKeyArn(stack, 'TableKey', arn('kms', 'key/table')),
    model: USER_PROFILE,
    triggerSources: ['ConfirmSignUp', 'ConfirmForgotPassword'],
    ...given,
  }
}

export function run(needs: roles.RunNeeds, given: Partial<Places> = {}): readonly Statement[] {
  return statements((role, stack) => roles.grantRun(role, placesIn(stack, given), needs))
}

/** A job's statements when it may do all it can. */
export function job(name: JobName, given: Partial<Places> = {}): readonly Statement[] {
  return statements((role, stack) => {
    const places = placesIn(stack, given)
    const grants: Readonly<Record<JobName, () => void>> = {
      adopt: () => roles.grantAdopt(role, places, { apply: true }),
      backfill: () => roles.grantBackfill(role, places),
      check: () => roles.grantCheck(role, places, { writeStrategy: 'auto', verifyLate: true }),
      explain: () => roles.grantExplain(role, places),
      quarantine: () => roles.grantQuarantine(role, places),
      reconcile: () => roles.grantReconcile(role, places, { fix: true }),
      redrive: () => roles.grantRedrive(role, places),
    }
    grants[name]()
    roles.grantFiles(role, name, s3.Bucket.fromBucketName(stack, 'Files', 'files'), 'profile-worker/')
  })
}

export function statements(grant: (role: iam.Role, stack: Stack) => void): readonly Statement[] {
  const stack = stackOf()
  grant(new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }), stack)
  const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'))
  return policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[])
}

export function actionsOf(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap(({ Action }) => Action)
}
