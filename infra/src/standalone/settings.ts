// What the standalone app is told by CDK context (`cdk deploy -c tableArn=…`, or `context` in cdk.json), read at once
// and judged at once. Nothing here makes a construct; what belongs together and what excludes what is decided here and
// nowhere else.

import type { ProfileModel } from '../model.ts'
import type { Arn } from './arn.ts'
import { type Context, Reader } from './reader.ts'

/** A queue that is there already; the trigger that fills it is yours too. */
export interface GivenQueue {
  readonly queueArn: string
  readonly deadLetterQueueArn: string
}

/** Subnets that are there already. */
export interface GivenNetwork {
  readonly vpcId: string
  readonly subnetIds: readonly string[]
}

/** Each is a context key of the same name; {@link SETTINGS} says what they mean. */
export interface Settings {
  readonly name: string
  readonly userPoolArn?: string
  readonly tableArn?: string
  readonly tableKeyArn?: string
  readonly queue?: GivenQueue
  readonly queueKeyArn?: string
  readonly eventBridge: boolean
  readonly forwardAttributes: readonly string[]
  readonly onEnqueueFailure: 'pass' | 'fail'
  readonly triggerZip?: string
  readonly architecture: 'arm64' | 'x86_64'
  readonly model?: ProfileModel
  readonly image?: string
  readonly network?: GivenNetwork
  readonly access: 'public' | 'endpoints' | 'nat'
  readonly minTasks: number
  readonly maxTasks: number
  readonly paused: boolean
  readonly verifyLate: boolean
  readonly reconcile: boolean
  readonly filesBucket?: string
  readonly pageTopicArn?: string
  readonly ticketTopicArn?: string
}

/** Every setting with its default and meaning: what the docs' table says, and what a typing mistake is held against. */
export const SETTINGS = {
  name: ['profile-worker', 'begins the names of the stacks'],
  userPoolArn: ['a new pool', 'the user pool; the trigger is then attached by hand (output `AttachTrigger`)'],
  tableArn: ['a new table', 'the table of profiles'],
  tableKeyArn: ['none', 'KMS key of the given table, if it has one of its own'],
  queueArn: ['a new queue', 'a queue that your own trigger fills; needs `deadLetterQueueArn` and `userPoolArn`'],
  deadLetterQueueArn: ['a new queue', 'the dead-letter queue of the given queue'],
  queueKeyArn: ['encryption managed by SQS', 'KMS key of the queues, given or new'],
  eventBridge: ['false', 'confirmations go through an EventBridge bus with an archive'],
  forwardAttributes: ['none', 'user attributes that the trigger sends along, separated by commas'],
  onEnqueueFailure: ['pass', '`pass` or `fail`: what becomes of a sign-up whose message could not be sent'],
  triggerZip: ['the one of this package', 'path of a zip with the trigger, for `architecture`'],
  architecture: ['arm64', '`arm64` or `x86_64`, of trigger and image'],
  model: [
    "Amplify's documented UserProfile",
    'path of a JSON file with a `ProfileModel`, or the object itself in cdk.json',
  ],
  image: ['the published one of this version', 'image of the worker; one of ECR is given the permission to be pulled'],
  vpcId: ['a new VPC', 'the VPC of the tasks; needs `subnetIds`'],
  subnetIds: ['by `access`', 'subnets of the given VPC, separated by commas'],
  access: ['public', '`public`, `endpoints` or `nat`: how the tasks reach AWS'],
  minTasks: ['1', 'tasks that always run'],
  maxTasks: ['4', 'tasks at most'],
  paused: ['false', 'stops service and schedule; the queue keeps'],
  verifyLate: ['true', 'asks Cognito about late messages before a profile is made'],
  reconcile: ['true', 'looks for users without a profile every hour and enqueues them'],
  filesBucket: [
    'none',
    'name of an S3 bucket for what jobs keep: state, plans, backups. Without it `adopt` only plans',
  ],
  pageTopicArn: ['nobody is told', 'SNS topic of whoever is woken'],
  ticketTopicArn: ['nobody is told', 'SNS topic of whoever reads in the morning'],
} as const satisfies Record<string, readonly [ifAbsent: string, meaning: string]>

/** What belongs to a trigger of ours, and there is none with `queueArn`. */
const OF_THE_TRIGGER = ['eventBridge', 'forwardAttributes', 'onEnqueueFailure', 'triggerZip'] as const

/**
 * Reads the settings; throws one error that names every problem with its mend.
 * @param readText gives the text of a file
 * @param deployedTo region and account that the CDK's command line deploys to, if it knows them
 */
export function readSettings(
  context: Context,
  readText: (path: string) => string,
  deployedTo: { readonly region?: string; readonly account?: string } = {},
): Settings {
  const read = new Reader(context, Object.keys(SETTINGS))
  read.unknownKeys()
  const name = read.text('name') ?? 'profile-worker'
  if (!/^[A-Za-z][A-Za-z0-9-]{0,99}$/.test(name)) {
    read.problem(
      'name',
      `${JSON.stringify(name)} cannot begin a stack's name`,
      'take a letter, then letters, digits and hyphens',
    )
  }
  const userPool = read.arn('userPoolArn', 'cognito-idp', /^userpool\/[\w-]+_[0-9a-zA-Z]+$/)
  const table = read.arn('tableArn', 'dynamodb', /^table\/[A-Za-z0-9_.-]{3,255}$/)
  const tableKey = read.arn('tableKeyArn', 'kms', /^key\/.+$/)
  const queue = read.arn('queueArn', 'sqs', /^[\w-]{1,80}$/)
  const deadLetterQueue = read.arn('deadLetterQueueArn', 'sqs', /^[\w-]{1,80}$/)
  const queueKey = read.arn('queueKeyArn', 'kms', /^key\/.+$/)
  const pageTopic = read.arn('pageTopicArn', 'sns', /^[\w-]+$/)
  const ticketTopic = read.arn('ticketTopicArn', 'sns', /^[\w-]+$/)
  const given = [userPool, table, tableKey, queue, deadLetterQueue, queueKey, pageTopic, ticketTopic]
  onePlace(
    given.filter((arn) => arn !== undefined),
    deployedTo,
    read,
  )

  if (tableKey !== undefined && !read.given('tableArn')) {
    read.problem('tableKeyArn', 'there is no table that it belongs to', 'give `tableArn` too, or leave both out')
  }
  if (read.given('queueArn') !== read.given('deadLetterQueueArn')) {
    const missing = read.given('queueArn') ? 'deadLetterQueueArn' : 'queueArn'
    read.problem(missing, 'missing', 'a given queue needs both, `queueArn` and `deadLetterQueueArn`')
  }
  if (queue !== undefined && queue.arn === deadLetterQueue?.arn) {
    read.problem('deadLetterQueueArn', 'is the queue itself', 'give the queue that its RedrivePolicy names')
  }
  if (read.given('queueArn')) {
    if (!read.given('userPoolArn')) {
      read.problem('userPoolArn', 'missing', 'who brings a queue has a pool whose trigger fills it: give its ARN')
    }
    for (const key of OF_THE_TRIGGER.filter((key) => read.given(key))) {
      read.problem(key, 'belongs to the trigger, which is yours when `queueArn` is given', 'take one of them out')
    }
  }
  const network = givenNetwork(read)
  const minTasks = read.count('minTasks', 1, 1, 100)
  const maxTasks = read.count('maxTasks', Math.max(4, minTasks), 1, 1000)
  if (maxTasks < minTasks) read.problem('maxTasks', `${maxTasks} is less than minTasks`, `give ${minTasks} or more`)

  const filesBucket = read.text('filesBucket')
  if (filesBucket !== undefined && !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(filesBucket)) {
    read.problem('filesBucket', `${filesBucket} is no name of a bucket`, 'give the name alone, without s3://')
  }

  const settings: Settings = {
    name,
    userPoolArn: userPool?.arn,
    tableArn: table?.arn,
    tableKeyArn: tableKey?.arn,
    queue: queue && deadLetterQueue && { queueArn: queue.arn, deadLetterQueueArn: deadLetterQueue.arn },
    queueKeyArn: queueKey?.arn,
    eventBridge: read.yesOrNo('eventBridge', false),
    forwardAttributes: read.list('forwardAttributes'),
    onEnqueueFailure: read.oneOf('onEnqueueFailure', ['pass', 'fail']),
    triggerZip: read.text('triggerZip'),
    architecture: read.oneOf('architecture', ['arm64', 'x86_64']),
    model: givenModel(read, readText),
    image: read.text('image'),
    network,
    access: read.oneOf('access', ['public', 'endpoints', 'nat']),
    minTasks,
    maxTasks,
    paused: read.yesOrNo('paused', false),
    verifyLate: read.yesOrNo('verifyLate', true),
    reconcile: read.yesOrNo('reconcile', true),
    filesBucket,
    pageTopicArn: pageTopic?.arn,
    ticketTopicArn: ticketTopic?.arn,
  }
  read.end()
  return settings
}

/** Worker, queue, table and pool are of one region and account: the stacks can stand in one only. */
function onePlace(
  arns: readonly (Arn & { readonly key: string })[],
  deployedTo: { readonly region?: string; readonly account?: string },
  read: Reader,
): void {
  const first = arns[0]
  for (const part of ['region', 'account'] as const) {
    const wanted = deployedTo[part] ?? first?.[part]
    const whose = deployedTo[part] === undefined ? `that of ${first?.key}` : 'where the stacks are deployed to'
    for (const { key, [part]: found } of arns) {
      if (found !== wanted)
        read.problem(key, `its ${part} is ${found}, ${whose} is ${wanted}`, 'all must be of one region and account')
    }
  }
}

function givenNetwork(read: Reader): GivenNetwork | undefined {
  const vpcId = read.text('vpcId')
  const subnetIds = read.list('subnetIds')
  if (vpcId === undefined && subnetIds.length === 0) return undefined
  if (vpcId === undefined) {
    read.problem('vpcId', 'missing', 'subnets are of a VPC: give its id')
    return undefined
  }
  if (!/^vpc-[0-9a-f]+$/.test(vpcId))
    read.problem('vpcId', `${vpcId} is no VPC's id`, 'it looks like vpc-0123456789abcdef0')
  if (subnetIds.length === 0) read.problem('subnetIds', 'missing', 'name the subnets of the VPC in which tasks may run')
  for (const id of subnetIds.filter((id) => !/^subnet-[0-9a-f]+$/.test(id))) {
    read.problem('subnetIds', `${id} is no subnet's id`, 'it looks like subnet-0123456789abcdef0')
  }
  return { vpcId, subnetIds }
}

function givenModel(read: Reader, readText: (path: string) => string): ProfileModel | undefined {
  let value = read.raw('model')
  if (value === undefined) return undefined
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value.trimStart().startsWith('{') ? value : readText(value))
    } catch (error) {
      read.problem(
        'model',
        `cannot be read: ${(error as Error).message}`,
        'give the path of a JSON file that holds a ProfileModel',
      )
      return undefined
    }
  }
  const model = value as Partial<ProfileModel>
  const partition = model?.key?.partition
  if (typeof model?.type !== 'string' || typeof partition?.name !== 'string' || typeof partition.value !== 'string') {
    const least = '{"type":"UserProfile","key":{"partition":{"name":"id","value":"{sub}"}}}'
    read.problem('model', 'has no `type` or no `key.partition` with `name` and `value`', `the least is ${least}`)
    return undefined
  }
  return model as ProfileModel
}
