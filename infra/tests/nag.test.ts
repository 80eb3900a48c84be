// cdk-nag's AwsSolutions over the standalone app in every shape and over the constructs with what the app does not offer: nothing
// is found but what is acknowledged where it stands, with a reason.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { App, Stack, Validations } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import { AwsSolutionsChecks } from 'cdk-nag'

import { ConfirmationIngress, ProfileWorker } from '../src/index.ts'
import { triggerZipFile } from './trigger-zip.ts'
import { VARIANTS, synthesised } from './variants.ts'

/** Rules that are acknowledged somewhere, each with the resource it is about. A new one is a decision. */
const ACKNOWLEDGED = ['AwsSolutions-COG2', 'AwsSolutions-COG8', 'AwsSolutions-ECS2', 'AwsSolutions-IAM5', 'AwsSolutions-SQS3', 'AwsSolutions-VPC7']

interface Finding {
  readonly rule: string
  readonly path: string
}

function findings(app: App): readonly Finding[] {
  return new AwsSolutionsChecks().validateScope(app).violations.flatMap(({ ruleName, violatingResources }) => {
    return violatingResources.map(({ constructPath }) => ({ rule: ruleName, path: constructPath ?? '' }))
  })
}

/** What the app does not offer, but the constructs do. */
function rest(): App {
  const app = new App({ analyticsReporting: false })
  const stack = new Stack(app, 'Rest', { env: { account: '111122223333', region: 'eu-central-1' } })
  const ingress = new ConfirmationIngress(stack, 'Confirmations', { code: lambda.Code.fromAsset(triggerZipFile()), tracing: true })
  new ProfileWorker(stack, 'Worker', {
    ingress,
    table: dynamodb.Table.fromTableName(stack, 'Table', 'UserProfile'),
    userPool: cognito.UserPool.fromUserPoolId(stack, 'Pool', 'eu-central-1_A1b2C3d4E'),
    image: ecs.ContainerImage.fromRegistry('example.com/profile-worker:1'),
    collector: true,
  })
  return app
}

const APPS: Readonly<Record<string, () => App>> = {
  ...Object.fromEntries(Object.entries(VARIANTS).map(([name, context]) => [name, () => synthesised(context).app])),
  'collector and tracing, in a stack that knows its region': rest,
}

/** Takes every acknowledgement away and gives what they said: reasons by ids. */
function withoutAcknowledgements(app: App): readonly (readonly [string, string])[] {
  const key = Validations.ACKNOWLEDGED_RULES_METADATA_KEY
  return app.node.findAll().flatMap(({ node }) => {
    const said = node.metadata.filter(({ type }) => type === key).flatMap(({ data }) => Object.entries(data as Record<string, string>))
    const left = node.metadata.filter(({ type }) => type !== key)
    // The library gives a copy, and no way to take something off the list.
    Object.defineProperty(node, 'metadata', { value: left })
    return said
  })
}

for (const [name, make] of Object.entries(APPS)) {
  test(`nothing is found that is not acknowledged: ${name}`, () => {
    assert.deepEqual(findings(make()), [])
  })
}

test('what is acknowledged is found when it is not, and has a reason', () => {
  const rules = new Set<string>()
  for (const make of Object.values(APPS)) {
    const app = make()
    const said = withoutAcknowledgements(app)
    for (const { rule } of findings(app)) {
      const reasons = said.filter(([id]) => id.endsWith(rule)).map(([, reason]) => reason)
      assert.ok(reasons.length > 0 && reasons.every((reason) => reason.length > 20), `${rule} is acknowledged without a reason`)
      rules.add(rule.replace(/\[.*/, ''))
    }
  }
  assert.deepEqual([...rules].sort(), ACKNOWLEDGED)
})
