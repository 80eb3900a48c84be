// cdk-nag's AwsSolutions over the worker in each of its forms: what it finds is mended, or acknowledged with a reason where
// it is made.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { App, Stack, Validations } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as sqs from 'aws-cdk-lib/aws-sqs'
import { AwsSolutionsChecks } from 'cdk-nag'

import { ProfileWorker, type ProfileWorkerProps } from '../src/index.ts'
import { ENV, IMAGE } from './worker-stack.ts'

const image = ecs.ContainerImage.fromRegistry(IMAGE)

/** Everything that the worker refers to is imported, so that what is found is the worker's. */
function worker(app: App, id: string, props: Partial<ProfileWorkerProps> = {}): void {
  const stack = new Stack(app, id, { env: ENV })
  const queue = (name: string): sqs.IQueue =>
    sqs.Queue.fromQueueArn(stack, name, `arn:aws:sqs:eu-central-1:111122223333:${name}`)
  new ProfileWorker(stack, 'Worker', {
    queue: queue('confirmations'),
    deadLetterQueue: queue('dead-letters'),
    table: dynamodb.Table.fromTableName(stack, 'Table', 'profiles'),
    userPool: cognito.UserPool.fromUserPoolId(stack, 'Users', 'eu-central-1_A1b2C3d4E'),
    image,
    ...props,
  })
}

/** The findings, as `rule at construct`. */
function found(fill: (app: App) => void): readonly string[] {
  const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'nag-')) })
  fill(app)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  try {
    app.synth()
  } catch {
    // What was found is in the report.
  }
  const { pluginReports = [] } = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8'))
  return pluginReports.flatMap((report: any) =>
    (report.violations ?? []).flatMap((violation: any) =>
      violation.violatingConstructs.map((construct: any) => `${violation.ruleName} at ${construct.constructPath}`),
    ),
  )
}

test('the worker has no finding, with each access and with a collector', () => {
  const findings = found((app) => {
    worker(app, 'Public')
    worker(app, 'Nat', { network: { access: 'nat' }, collector: true })
    worker(app, 'Endpoints', { network: { access: 'endpoints' } })
  })
  // The jobs have a test of their own.
  assert.deepEqual(
    findings.filter((finding) => !finding.includes('/Worker/Jobs/')),
    [],
  )
})

test('the check finds something where there is something', () => {
  const findings = found((app) => {
    new sqs.Queue(new Stack(app, 'Bad', { env: ENV }), 'Queue')
  })
  assert.notDeepEqual(findings, [])
})
