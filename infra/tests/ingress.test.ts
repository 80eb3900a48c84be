// The ingress as it is by default: what its template holds, and what it must never let in.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as lambda from 'aws-cdk-lib/aws-lambda'

import { ConfirmationIngress } from '../src/index.ts'
import { triggerZipFile } from './trigger-zip.ts'

const code = lambda.Code.fromAsset(triggerZipFile())

test('smoke', () => {
  const stack = new Stack(new App(), 'Auth', { env: { account: '111122223333', region: 'eu-central-1' } })
  const ingress = new ConfirmationIngress(stack, 'Confirmations', { code })
  assert.equal(ConfirmationIngress.of(ingress.trigger), ingress)
  console.log(JSON.stringify(Template.fromStack(stack).toJSON(), null, 1))
})
