// What a key of one's own must allow so that confirmations get into the queues and out. The statements name services and
// the account and never a role: the roles of jobs and worker are elsewhere, and their own policies say what they may do.

import { Annotations, Aws, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'

/** Producers encrypt with a data key that SQS caches, and so decrypt as well (SQS developer guide, "Key management"). */
export const PRODUCER_ACTIONS = ['kms:GenerateDataKey', 'kms:Decrypt']

/** Only through SQS: the key opens nothing else for them. */
export const throughSqs = (): Record<string, Record<string, string>> => ({
  StringEquals: { 'kms:ViaService': `sqs.${Aws.REGION}.amazonaws.com` },
})

/** Adds `statements` to the key's policy, or says that they must be in it. */
export function allowInKeyPolicy(scope: Construct, key: kms.IKey, statements: readonly iam.PolicyStatement[]): void {
  const refused = statements.filter((one) => !key.addToResourcePolicy(one, true).statementAdded)
  if (refused.length === 0) return
  const policy = JSON.stringify(refused.map((one) => Stack.of(scope).resolve(one.toStatementJson())))
  Annotations.of(scope).addWarningV2(
    'profile-worker-cdk:keyPolicy',
    `encryptionKey: the policy of an imported key cannot be changed from here; see to it that it has these statements: ${policy}`,
  )
}

/** Lets the roles of this account use the key for queues, as far as their own policies allow it. */
export function rolesOfThisAccount(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'RolesThroughSqs',
    principals: [new iam.AccountRootPrincipal()],
    actions: PRODUCER_ACTIONS,
    // In a key policy `*` is the key itself.
    resources: ['*'],
    conditions: throughSqs(),
  })
}
