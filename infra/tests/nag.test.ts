// cdk-nag's AwsSolutions over the standalone app in every shape and over the constructs with what the app does not
// offer: nothing is found but what is acknowledged where it stands, with a reason.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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
const ACKNOWLEDGED = [
  'AwsSolutions-COG2',
  'AwsSolutions-COG8',
  'AwsSolutions-ECS2',
  'AwsSolutions-IAM5',
  'AwsSolutions-SQS3',
  'AwsSolutions-VPC7',
]

interface Finding {
  readonly ruleName: string
  readonly violatingConstructs: readonly { readonly constructPath: string }[]
  /** Why it was acknowledged. */
  readonly reason?: string
}

interface Report {
  readonly violations: readonly Finding[]
  readonly suppressedViolations: readonly Finding[]
}

/** What the CDK's own report says of cdk-nag's pack. */
function reportOf(app: App): Report {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  try {
    app.synth()
  } catch (error) {
    if (!String(error).includes('Validation failed')) throw error
  }
  const text = readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')
  const { pluginReports } = JSON.parse(text) as { pluginReports: readonly (Report & { readonly pluginName: string })[] }
  const report = pluginReports.find(({ pluginName }) => pluginName === 'AwsSolutions')
  assert.ok(report, 'cdk-nag was not asked')
  return report
}

const named = (found: readonly Finding[]): readonly string[] =>
  found.flatMap(({ ruleName, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  )

/** What the app does not offer, but the constructs do. */
function rest(): App {
  const app = new App({ analyticsReporting: false })
  const stack = new Stack(app, 'Rest', { env: { account: '111122223333', region: 'eu-central-1' } })
  const ingress = new ConfirmationIngress(stack, 'Confirmations', {
    code: lambda.Code.fromAsset(triggerZipFile()),
    tracing: true,
  })
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

const reports = new Map(Object.entries(APPS).map(([name, make]) => [name, reportOf(make())]))

for (const [name, { violations }] of reports) {
  test(`nothing is found that is not acknowledged: ${name}`, () => {
    assert.deepEqual(named(violations), [])
  })
}

test('what is acknowledged is found, is what was decided on, and has a reason', () => {
  const acknowledged = [...reports.values()].flatMap(({ suppressedViolations }) => suppressedViolations)
  for (const { ruleName, reason = '' } of acknowledged) assert.ok(reason.length > 20, `${ruleName}: ${reason}`)
  const rules = acknowledged.map(({ ruleName }) => ruleName.replace(/\[.*/, ''))
  assert.deepEqual([...new Set(rules)].sort(), ACKNOWLEDGED)
})

test('without its acknowledgement a resource is found', () => {
  const app = synthesised(VARIANTS['eventbridge'] ?? {}).app
  for (const { node } of app.node.findAll()) {
    // The library gives a copy of its list, and no way to take something off it.
    Object.defineProperty(node, 'metadata', {
      value: node.metadata.filter(({ type }) => type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY),
    })
  }
  const acknowledged = reports.get('eventbridge')?.suppressedViolations ?? []
  assert.deepEqual([...named(reportOf(app).violations)].sort(), [...named(acknowledged)].sort())
  assert.ok(acknowledged.length >= 5)
})
