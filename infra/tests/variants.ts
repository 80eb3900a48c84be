// The standalone app in every shape that makes other resources: what is looked at as a whole (cdk-nag, cfn-lint) is
// looked at in all of them.

import { App } from 'aws-cdk-lib'

import { readSettings } from '../src/standalone/settings.ts'
import { type Stacks, makeStacks } from '../src/standalone/stacks.ts'
import { triggerZipFile } from './trigger-zip.ts'

const arn = (service: string, resource: string): string => `arn:aws:${service}:eu-central-1:111122223333:${resource}`

export const USER_POOL_ARN = arn('cognito-idp', 'userpool/eu-central-1_A1b2C3d4E')
export const TABLE_ARN = arn('dynamodb', 'table/UserProfile')
export const QUEUE_ARN = arn('sqs', 'confirmations')
export const DEAD_LETTER_QUEUE_ARN = arn('sqs', 'confirmations-dead')
export const KEY_ARN = arn('kms', 'key/1234abcd-12ab-34cd-56ef-1234567890ab')
export const QUEUE_KEY_ARN = arn('kms', 'key/4321abcd-12ab-34cd-56ef-1234567890ab')
const PAGES_ARN = arn('sns', 'pages')
const TICKETS_ARN = arn('sns', 'tickets')
export const ECR_IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/profile-worker:1'

const image = 'example.com/profile-worker:1'

/** Context by name; the trigger's zip is added where there is a trigger of ours. */
export const VARIANTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'all new': { image },
  'all given': {
    image,
    userPoolArn: USER_POOL_ARN,
    tableArn: TABLE_ARN,
    tableKeyArn: KEY_ARN,
    queueArn: QUEUE_ARN,
    deadLetterQueueArn: DEAD_LETTER_QUEUE_ARN,
    queueKeyArn: QUEUE_KEY_ARN,
    vpcId: 'vpc-0123456789abcdef0',
    subnetIds: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1',
    pageTopicArn: PAGES_ARN,
    ticketTopicArn: TICKETS_ARN,
    filesBucket: 'profile-files',
  },
  'pool and table given': { image, userPoolArn: USER_POOL_ARN, tableArn: TABLE_ARN },
  eventbridge: { image, eventBridge: true },
  'eventbridge with a key': { image, eventBridge: 'true', queueKeyArn: QUEUE_KEY_ARN },
  endpoints: { image: ECR_IMAGE, access: 'endpoints' },
  nat: { image: ECR_IMAGE, access: 'nat' },
  paused: { image, paused: true },
  'fixed, without reconcile, x86_64': {
    image,
    minTasks: 2,
    maxTasks: '2',
    reconcile: false,
    verifyLate: false,
    architecture: 'x86_64',
  },
}

/** What the app makes of these settings. */
export function synthesised(
  context: Readonly<Record<string, unknown>>,
  outdir?: string,
): { readonly app: App; readonly stacks: Stacks } {
  const machine = context.architecture === 'x86_64' ? 'x86_64' : 'arm64'
  const all = context.queueArn === undefined ? { triggerZip: zip(machine), ...context } : context
  const app = new App({
    ...(outdir !== undefined && { outdir }),
    analyticsReporting: false,
    context: { '@aws-cdk/core:defaultCrossStackReferences': 'strong' },
  })
  return {
    app,
    stacks: makeStacks(
      app,
      readSettings(all, () => ''),
    ),
  }
}

const zips = new Map<string, string>()

function zip(machine: 'arm64' | 'x86_64'): string {
  const made = zips.get(machine) ?? triggerZipFile({ machine })
  zips.set(machine, made)
  return made
}
