// cdk-nag's AwsSolutions over the ingress in each of its forms: what it finds is mended, or acknowledged with a reason where
// it is made.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { App, Stack, Validations } from 'aws-cdk-lib'
import * as kms from 'aws-cdk-lib/aws-kms'
import * as sqs from 'aws-cdk-lib/aws-sqs'
import { AwsSolutionsChecks } from 'cdk-nag'

import { ENV, errorOf, ingressIn } from './ingress-stack.ts'

/** Synthesises what `fill` puts into an app that is checked; throws if there is a finding. */
function checked(fill: (app: App) => void): string {
  const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'nag-')) })
  fill(app)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  app.synth()
  return app.outdir
}

test('the ingress has no finding, straight to SQS, with a bus, with a key and with a receiver', () => {
  const out = checked((app) => {
    const stack = (id: string): Stack => new Stack(app, id, { env: ENV })
    ingressIn(stack('Plain'))
    ingressIn(stack('Composed'), { trigger: false, producers: ['arn:aws:iam::111122223333:role/job-*'] })
    const keyed = stack('Keyed')
    ingressIn(keyed, { encryptionKey: new kms.Key(keyed, 'Key', { enableKeyRotation: true }), eventBridge: {}, tracing: true })
    ingressIn(stack('Sender'), { eventBridge: { receiver: stack('Receiver') } })
  })
  const { pluginReports } = JSON.parse(readFileSync(join(out, 'validation-report.json'), 'utf8'))
  assert.deepEqual(pluginReports?.map((report: any) => report.violations?.length ?? 0).filter((count: number) => count > 0), [])
})

test('the check finds something where there is something', () => {
  const message = errorOf(() => checked((app) => new sqs.Queue(new Stack(app, 'Bad', { env: ENV }), 'Queue')))
  assert.match(message, /[Vv]alidation failed/)
})
