// The `aws ecs run-task` line of a job, to be copied from the stack's outputs into a shell. Everything in it is a name or
// an id: no person, no secret.

import { Fn } from 'aws-cdk-lib'

/** Where a task runs. */
export interface TaskPlace {
  readonly clusterName: string
  readonly subnetIds: readonly string[]
  readonly securityGroupId: string
  readonly assignPublicIp: boolean
}

/** `command` must hold no single quote and nothing that is known only at deployment but plain names. */
export function runLine(family: string, container: string, command: readonly string[], place: TaskPlace): string {
  const network = [
    '{"awsvpcConfiguration":{"subnets":["',
    // Joined by CloudFormation, for ids that are a list only it knows.
    Fn.join('","', [...place.subnetIds]),
    `"],"securityGroups":["${place.securityGroupId}"],`,
    `"assignPublicIp":"${place.assignPublicIp ? 'ENABLED' : 'DISABLED'}"}}`,
  ].join('')
  const overrides = JSON.stringify({ containerOverrides: [{ name: container, command }] })
  return [
    `aws ecs run-task --cluster ${place.clusterName} --launch-type FARGATE --task-definition ${family}`,
    `--network-configuration '${network}'`,
    `--overrides '${overrides}'`,
  ].join(' ')
}
