#!/usr/bin/env node
// The standalone app: `cdk deploy --all -c key=value …`. It reads settings, makes the stacks and decides nothing.

import { readFileSync } from 'node:fs'

import { App } from 'aws-cdk-lib'

import { readSettings } from './settings.ts'
import { makeStacks } from './stacks.ts'

const app = new App({
  context: {
    // The worker's stack holds on to queue and table by exports: neither stack can be deleted while it is there.
    '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  },
})
// Without credentials the command line knows no account and names us-east-1, whatever the stacks are for.
const { CDK_DEFAULT_REGION: region, CDK_DEFAULT_ACCOUNT: account } = process.env
const deployedTo = account === undefined ? {} : { region, account }
try {
  const context = app.node.getAllContext() as Record<string, unknown>
  makeStacks(
    app,
    readSettings(context, (path) => readFileSync(path, 'utf8'), deployedTo),
  )
  app.synth()
} catch (error) {
  // A stack trace would hide what is to be read; with --debug it is there.
  console.error(error instanceof Error && process.env.CDK_DEBUG !== 'true' ? error.message : error)
  process.exitCode = 1
}
