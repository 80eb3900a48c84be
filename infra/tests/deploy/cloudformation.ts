// Deploys a template as it is in the repository, by its text: what `aws cloudformation deploy` does, without the change
// set.

import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation'

import { CREDENTIALS, type Engine, REGION, until } from './engine.ts'

export interface Deployed {
  readonly outputs: Readonly<Record<string, string>>
  /** Physical ids by logical ids. */
  readonly resources: Readonly<Record<string, string>>
  /** Types of what was made, each once, sorted. */
  readonly types: readonly string[]
}

export async function deploy(
  engine: Engine,
  stackName: string,
  template: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Deployed> {
  const client = new CloudFormationClient({
    endpoint: engine.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  })
  // Only what this template has: outputs of another are handed over whole, as `aws cloudformation deploy` allows.
  const known = Object.keys((JSON.parse(template) as { Parameters?: object }).Parameters ?? {})
  const wanted = Object.entries(parameters).filter(([key]) => known.includes(key))
  await client.send(
    new CreateStackCommand({
      StackName: stackName,
      TemplateBody: template,
      Capabilities: ['CAPABILITY_IAM'],
      Parameters: wanted.map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
    }),
  )
  const stack = await until(`${stackName} is deployed`, async () => {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }))
    const status = Stacks?.[0]?.StackStatus ?? ''
    return status === 'CREATE_IN_PROGRESS' || status === 'ROLLBACK_IN_PROGRESS' ? false : Stacks?.[0]
  })
  if (stack.StackStatus !== 'CREATE_COMPLETE') {
    const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName: stackName }))
    const reasons = (StackEvents ?? []).filter((event) => event.ResourceStatus?.endsWith('_FAILED'))
    throw new Error(
      `${stackName} is ${stack.StackStatus}: ${reasons.map((event) => `${event.LogicalResourceId}: ${event.ResourceStatusReason}`).join('; ')}`,
    )
  }
  const { StackResourceSummaries: made } = await client.send(new ListStackResourcesCommand({ StackName: stackName }))
  client.destroy()
  return {
    outputs: Object.fromEntries(
      (stack.Outputs ?? []).map((output) => [output.OutputKey, output.OutputValue]),
    ) as Record<string, string>,
    resources: Object.fromEntries((made ?? []).map((one) => [one.LogicalResourceId, one.PhysicalResourceId])) as Record<
      string,
      string
    >,
    types: [...new Set((made ?? []).map((one) => one.ResourceType ?? ''))].sort(),
  }
}
