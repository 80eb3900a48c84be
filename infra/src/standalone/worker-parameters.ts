// The parameters of the worker's template: names, defaults and what they may be. Their names are those of the ingress
// template's outputs and of the alarms' parameters, so that one stack's outputs are the next one's input.

import { CfnParameter, type CfnParameterProps, type Stack } from 'aws-cdk-lib'

import { publishedImage } from '../worker/image.ts'
import { QUEUE_NAME, TABLE_NAME, USER_POOL_ID } from './parameter-patterns.ts'

const PARAMETERS = {
  QueueName: {
    description: 'Name of the queue of confirmations, of this region and account',
    allowedPattern: QUEUE_NAME,
  },
  DeadLetterQueueName: { description: 'Name of its dead-letter queue', allowedPattern: QUEUE_NAME },
  TableName: {
    description: 'Name of the table, whose partition key is id (S), of this region and account',
    allowedPattern: TABLE_NAME,
  },
  UserPoolId: { description: 'The user pool, of this region and account', allowedPattern: USER_POOL_ID },
  VpcId: { description: 'The VPC of the tasks', type: 'AWS::EC2::VPC::Id' },
  SubnetA: {
    description: 'Where tasks run. They need a way to AWS: a public subnet, a NAT gateway or endpoints',
    type: 'AWS::EC2::Subnet::Id',
  },
  SubnetB: { description: 'Another one, of another zone', type: 'AWS::EC2::Subnet::Id' },
  AssignPublicIp: {
    description: 'ENABLED in public subnets, DISABLED elsewhere. Nothing listens either way',
    default: 'ENABLED',
    allowedValues: ['ENABLED', 'DISABLED'],
  },
  Image: { description: 'The image with profile-worker', minLength: 1, ...imageDefault() },
  ImageRepository: {
    description:
      'If the image is in ECR, in this region and account: name of its repository, so that tasks may pull it',
    default: '',
    allowedPattern: '([a-z0-9][a-z0-9._/-]{1,255})?',
  },
  CpuArchitecture: {
    description: 'What the image was built for',
    default: 'ARM64',
    allowedValues: ['ARM64', 'X86_64'],
  },
  MinTasks: { description: 'Tasks that always run', type: 'Number', default: 1, minValue: 1, maxValue: 100 },
  MaxTasks: {
    description: 'Tasks at most. As many as MinTasks: no scaling',
    type: 'Number',
    default: 4,
    minValue: 1,
    maxValue: 1000,
  },
  Paused: {
    description: 'yes stops service and schedule; the queue keeps',
    default: 'no',
    allowedValues: ['no', 'yes'],
  },
} as const satisfies Record<string, CfnParameterProps>

export type WorkerParameters = { readonly [name in keyof typeof PARAMETERS]: CfnParameter }

export function declareParameters(stack: Stack): WorkerParameters {
  const declared = Object.entries<CfnParameterProps>(PARAMETERS).map(([name, props]) => {
    const parameter = new CfnParameter(stack, `Parameter${name}`, props)
    // Imported constructs have the plain names as their ids.
    parameter.overrideLogicalId(name)
    return [name, parameter] as const
  })
  return Object.fromEntries(declared) as WorkerParameters
}

/** A copy of the package that belongs to no release knows of no image. */
function imageDefault(): { readonly default?: string } {
  const image = publishedImage()
  return image === undefined ? {} : { default: image }
}
