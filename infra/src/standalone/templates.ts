// The templates under infra/templates as text. No asset may be in them, nor anything of the CDK's bootstrap: they are
// deployed with `aws cloudformation deploy` and nothing else.

import { App, BootstraplessSynthesizer, Stack } from 'aws-cdk-lib'
import { nameFamiliesByStack } from './families.ts'
import { ingressTemplate } from './ingress-template.ts'
import { type Json, jsonText } from './json-text.ts'
import { joinsAsSubs } from './substitute.ts'
import { workerTemplate } from './worker-template.ts'

const TEMPLATES = [
  {
    file: 'profile-ingress.template.json',
    stack: 'ProfileIngress',
    description: 'Announces confirmed Cognito users on an SQS queue: trigger, queue, dead-letter queue',
    fill: ingressTemplate,
  },
  {
    file: 'profile-worker.template.json',
    stack: 'ProfileWorker',
    description: 'Gives every confirmed Cognito user one profile item in DynamoDB: worker, jobs, roles',
    fill: workerTemplate,
  },
] as const

/** By file name. */
export function templates(): ReadonlyMap<string, string> {
  const app = new App({
    analyticsReporting: false,
    // Paths in the construct tree mean nothing to whoever reads the template, and would be a sixth of it.
    context: { 'aws:cdk:enable-path-metadata': false },
  })
  const stacks = TEMPLATES.map(({ file, stack: id, description, fill }) => {
    const stack = new Stack(app, id, { description, synthesizer: new BootstraplessSynthesizer() })
    fill(stack)
    return { file, stack }
  })
  const assembly = app.synth()
  return new Map(
    stacks.map(({ file, stack }) => {
      const template = assembly.getStackByName(stack.stackName).template as Json
      return [file, jsonText(joinsAsSubs(nameFamiliesByStack(template)))]
    }),
  )
}
