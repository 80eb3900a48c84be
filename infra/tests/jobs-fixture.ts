// A stack with the jobs in it.

import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as logs from 'aws-cdk-lib/aws-logs'

import { Jobs, type JobsProps } from '../src/worker/jobs.ts'
import { placesIn, stackOf } from './roles-fixture.ts'

export interface Resource {
  readonly Type: string
  // The template has a shape of its own for every type.
  readonly Properties: any
}

export interface Made {
  readonly jobs: Jobs
  readonly stack: Stack
  readonly resources: Readonly<Record<string, Resource>>
  readonly outputs: Readonly<Record<string, { readonly Value: unknown; readonly Description: string }>>
}

/** What the construct gets from ProfileWorker, with plain values where the tests read them. */
export const ENVIRONMENT = {
  QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations-dlq',
  TABLE_NAME: 'profiles',
  USER_POOL_IDS: 'eu-central-1_A1b2C3d4E,eu-central-1_Z9y8X7w6V',
  RUST_LOG: 'info',
}

export function jobsWith(given: (stack: Stack) => Partial<JobsProps> = () => ({})): Made {
  const stack = stackOf()
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    publicSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    publicSubnetRouteTableIds: ['rtb-0123456789abcdef0', 'rtb-0123456789abcdef1'],
  })
  const jobs = new Jobs(stack, 'Jobs', {
    places: placesIn(stack),
    cluster: ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'profiles', vpc }),
    image: ecs.ContainerImage.fromRegistry('example.com/profile-worker:1'),
    architecture: ecs.CpuArchitecture.ARM64,
    logGroup: logs.LogGroup.fromLogGroupName(stack, 'Logs', 'profile-worker'),
    environment: ENVIRONMENT,
    secrets: {},
    vpc,
    subnets: { subnetType: ec2.SubnetType.PUBLIC },
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
    assignPublicIp: true,
    reconcile: {},
    paused: false,
    ...given(stack),
  })
  const template = Template.fromStack(stack).toJSON() as { Resources: Made['resources']; Outputs: Made['outputs'] }
  return { jobs, stack, resources: template.Resources, outputs: template.Outputs }
}

export function ofType({ resources }: Made, type: string): readonly Resource[] {
  return Object.values(resources).filter((resource) => resource.Type === type)
}

/** The task definition of a command, by the first word of its container's. */
export function taskOf(made: Made, command: string): Resource {
  const tasks = ofType(made, 'AWS::ECS::TaskDefinition')
  const found = tasks.filter((task) => task.Properties.ContainerDefinitions[0].Command[0] === command)
  if (found.length !== 1) throw new Error(`${found.length} task definitions of ${command}`)
  return found[0] as Resource
}

/** A container's environment by name. */
export function environmentOf(task: Resource): Readonly<Record<string, string>> {
  const pairs = task.Properties.ContainerDefinitions[0].Environment as { Name: string; Value: string }[]
  return Object.fromEntries(pairs.map(({ Name, Value }) => [Name, Value]))
}

/** The text of an output, with what only CloudFormation knows as `<Name>`. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const { Ref, 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] }
  if (Ref !== undefined) return `<${Ref}>`
  if (join === undefined) throw new Error(JSON.stringify(value))
  return join[1].map(textOf).join(join[0])
}
