// The standalone app: what its settings may be, all that is wrong with them at once, and what it makes of them. One
// test runs it as the CDK's command line does.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import type { Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'

import { SETTINGS, type Settings, readSettings } from '../src/standalone/settings.ts'
import { triggerZipFile } from './trigger-zip.ts'
import {
  DEAD_LETTER_QUEUE_ARN,
  ECR_IMAGE,
  KEY_ARN,
  QUEUE_ARN,
  QUEUE_KEY_ARN,
  TABLE_ARN,
  USER_POOL_ARN,
  VARIANTS,
  synthesised,
} from './variants.ts'

const noFile = (path: string): string => {
  throw new Error(`ENOENT: ${path}`)
}

const read = (context: Record<string, unknown>, deployedTo = {}): Settings => readSettings(context, noFile, deployedTo)

/** Keys of the settings that are complained of, in order; with `texts`, the complaints themselves. */
function problems(
  context: Record<string, unknown>,
  deployedTo = {},
): { readonly keys: readonly string[]; readonly texts: readonly string[] } {
  try {
    read(context, deployedTo)
  } catch (error) {
    const texts = (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.slice('  - '.length))
    return { keys: texts.map((text) => text.slice(0, text.indexOf(':'))), texts }
  }
  return { keys: [], texts: [] }
}

const template = (stack: Stack | undefined): Template => {
  assert.ok(stack, 'there is no such stack')
  return Template.fromStack(stack)
}

test('without settings everything is new and as documented', () => {
  const settings = read({})
  const shown = [
    'name', 'eventBridge', 'onEnqueueFailure', 'architecture', 'access',
    'minTasks', 'maxTasks', 'paused', 'verifyLate', 'reconcile',
  ] as const
  for (const key of shown) assert.equal(String(settings[key]), SETTINGS[key][0], key)
  assert.deepEqual([settings.userPoolArn, settings.tableArn, settings.queue], [undefined, undefined, undefined])
})

test('text of the command line and JSON of cdk.json are the same', () => {
  const text = read({ minTasks: '2', maxTasks: '7', paused: 'true', forwardAttributes: 'locale, custom:tenant' })
  const json = read({ minTasks: 2, maxTasks: 7, paused: true, forwardAttributes: ['locale', 'custom:tenant'] })
  assert.deepEqual(text, json)
  assert.deepEqual(
    [json.minTasks, json.maxTasks, json.paused, json.forwardAttributes],
    [2, 7, true, ['locale', 'custom:tenant']],
  )
  assert.deepEqual(read({ tableArn: '', paused: '' }), read({}))
})

test('every problem at once, each with its mend', () => {
  const { keys, texts } = problems({
    name: '9lives',
    userPoolArn: 'eu-central-1_A1b2C3d4E',
    tableArn: 'arn:aws:sqs:eu-central-1:111122223333:table/UserProfile',
    queueArn: `${QUEUE_ARN}.fifo`,
    minTasks: 0,
    access: 'open',
    paused: 'maybe',
    vpcId: 'vpc-1',
    tabelArn: 'x',
    image: 7,
  })
  assert.deepEqual([...keys].sort(), [
    'access',
    'deadLetterQueueArn',
    'image',
    'minTasks',
    'name',
    'paused',
    'queueArn',
    'subnetIds',
    'tabelArn',
    'tableArn',
    'userPoolArn',
  ])
  for (const text of texts) assert.match(text, /^\w+: .+[;] .+/, text)
  assert.ok(texts.includes('tabelArn: is not a setting; did you mean tableArn?'))
})

test("a key misspelt is told, the CDK's own keys are left alone", () => {
  assert.deepEqual(problems({ tablearn: TABLE_ARN }).texts, ['tablearn: is not a setting; did you mean tableArn?'])
  assert.match(problems({ colour: 'red' }).texts[0] ?? '', /^colour: is not a setting; there are: name, /)
  assert.deepEqual(
    problems({ 'aws:cdk:enable-path-metadata': true, '@aws-cdk/core:x': true, 'cli-telemetry': false }).keys,
    [],
  )
})

test('what excludes what', () => {
  const given = { queueArn: QUEUE_ARN, deadLetterQueueArn: DEAD_LETTER_QUEUE_ARN, userPoolArn: USER_POOL_ARN }
  assert.deepEqual(problems(given).keys, [])
  assert.deepEqual(problems({ ...given, userPoolArn: '' }).keys, ['userPoolArn'])
  assert.deepEqual(problems({ ...given, deadLetterQueueArn: '' }).keys, ['deadLetterQueueArn'])
  assert.deepEqual(problems({ ...given, deadLetterQueueArn: QUEUE_ARN }).keys, ['deadLetterQueueArn'])
  assert.deepEqual(problems({ deadLetterQueueArn: DEAD_LETTER_QUEUE_ARN }).keys, ['queueArn'])
  const ofTheTrigger = { eventBridge: true, forwardAttributes: 'locale', onEnqueueFailure: 'fail', triggerZip: 'a.zip' }
  assert.deepEqual(problems({ ...given, ...ofTheTrigger }).keys, Object.keys(ofTheTrigger))
  assert.deepEqual(problems(ofTheTrigger).keys, [])
  assert.deepEqual(problems({ tableKeyArn: KEY_ARN }).keys, ['tableKeyArn'])
  assert.deepEqual(problems({ tableKeyArn: KEY_ARN, tableArn: TABLE_ARN }).keys, [])
  assert.deepEqual(problems({ minTasks: 5, maxTasks: 4 }).keys, ['maxTasks'])
  assert.equal(read({ minTasks: 5 }).maxTasks, 5)
  assert.deepEqual(problems({ subnetIds: 'subnet-0a' }).keys, ['vpcId'])
  assert.deepEqual(problems({ vpcId: 'vpc-0a', subnetIds: 'subnet-0a,private' }).keys, ['subnetIds'])
})

test('all of one region and account, and of that which is deployed to', () => {
  const elsewhere = TABLE_ARN.replace('eu-central-1', 'eu-west-1')
  assert.deepEqual(problems({ userPoolArn: USER_POOL_ARN, tableArn: elsewhere }).texts, [
    'tableArn: its region is eu-west-1, that of userPoolArn is eu-central-1; all must be of one region and account',
  ])
  assert.deepEqual(problems({ tableArn: TABLE_ARN.replace('1111', '4444'), userPoolArn: USER_POOL_ARN }).keys, [
    'tableArn',
  ])
  assert.deepEqual(problems({ tableArn: TABLE_ARN }, { region: 'us-east-1', account: '111122223333' }).texts, [
    'tableArn: its region is eu-central-1, where the stacks are deployed to is us-east-1; all must be of one region and account',
  ])
})

test('the model comes from a file or stands in cdk.json', () => {
  const model = { type: 'Member', key: { partition: { name: 'pk', value: '{sub}' } } }
  assert.deepEqual(read({ model }).model, model)
  assert.deepEqual(
    readSettings({ model: 'member.json' }, (path) => (path === 'member.json' ? JSON.stringify(model) : '')).model,
    model,
  )
  assert.match(problems({ model: 'absent.json' }).texts[0] ?? '', /^model: cannot be read: ENOENT: absent\.json; /)
  assert.deepEqual(problems({ model: { type: 'Member' } }).keys, ['model'])
})

test('new pool and table outlive their stacks; the pool calls the trigger', () => {
  const { stacks } = synthesised(VARIANTS['all new'] ?? {})
  const ingress = template(stacks.ingress)
  ingress.hasResource('AWS::Cognito::UserPool', {
    DeletionPolicy: 'Retain',
    Properties: {
      DeletionProtection: 'ACTIVE',
      LambdaConfig: { PostConfirmation: Match.anyValue() },
      UsernameAttributes: ['email'],
      UsernameConfiguration: { CaseSensitive: false },
    },
  })
  template(stacks.table).hasResource('AWS::DynamoDB::Table', {
    DeletionPolicy: 'Retain',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    },
  })
  assert.deepEqual(Object.keys(ingress.findOutputs('AttachTrigger')), [])
  assert.deepEqual(
    [stacks.ingress?.stackName, stacks.table?.stackName, stacks.worker.stackName],
    ['profile-worker-ingress', 'profile-worker-table', 'profile-worker'],
  )
})

test('no stack refers to one that is made after it', () => {
  const { stacks } = synthesised(VARIANTS['all new'] ?? {})
  const dependsOn = (stack: Stack | undefined): readonly string[] =>
    stack?.dependencies.map(({ stackName }) => stackName).sort() ?? []
  Template.fromStack(stacks.worker)
  assert.deepEqual(dependsOn(stacks.ingress), [])
  assert.deepEqual(dependsOn(stacks.table), [])
  assert.deepEqual(dependsOn(stacks.worker), ['profile-worker-ingress', 'profile-worker-table'])
})

test('a new table has the key of the model', () => {
  const key = { partition: { name: 'tenant', value: '{userPoolId}' }, sort: { name: 'user', value: '{sub}' } }
  const { stacks } = synthesised({ ...VARIANTS['all new'], model: { type: 'Member', key } })
  template(stacks.table).hasResourceProperties('AWS::DynamoDB::Table', {
    KeySchema: [
      { AttributeName: 'tenant', KeyType: 'HASH' },
      { AttributeName: 'user', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'tenant', AttributeType: 'S' },
      { AttributeName: 'user', AttributeType: 'S' },
    ],
  })
})

test('a given pool may call the trigger, and the output says what is left to do', () => {
  const { stacks } = synthesised(VARIANTS['pool and table given'] ?? {})
  const ingress = template(stacks.ingress)
  ingress.resourceCountIs('AWS::Cognito::UserPool', 0)
  ingress.hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 'cognito-idp.amazonaws.com',
    SourceAccount: { Ref: 'AWS::AccountId' },
    SourceArn: USER_POOL_ARN,
  })
  const [said] = Object.values(ingress.findOutputs('AttachTrigger'))
  assert.match(JSON.stringify(said), /Set PostConfirmation of pool eu-central-1_A1b2C3d4E to /)
  assert.equal(stacks.table, undefined)
  template(stacks.worker).hasResourceProperties('AWS::ECS::Service', Match.anyValue())
})

test('with everything given there is one stack, and it makes no pool, table, queue, function or VPC', () => {
  const { stacks } = synthesised(VARIANTS['all given'] ?? {})
  assert.deepEqual([stacks.ingress, stacks.table], [undefined, undefined])
  const worker = template(stacks.worker)
  for (const type of ['Cognito::UserPool', 'DynamoDB::Table', 'SQS::Queue', 'Lambda::Function', 'EC2::VPC']) {
    worker.resourceCountIs(`AWS::${type}`, 0)
  }
  const network = {
    AwsvpcConfiguration: Match.objectLike({ Subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'] }),
  }
  worker.hasResourceProperties('AWS::ECS::Service', { NetworkConfiguration: network })
  const tasks = JSON.stringify(worker.findResources('AWS::ECS::TaskDefinition'))
  for (const name of ['confirmations', 'confirmations-dead']) assert.ok(tasks.includes(`/111122223333/${name}"`), name)
  // Who uses an encrypted queue or table must be allowed to use its key.
  const policies = JSON.stringify(worker.findResources('AWS::IAM::Policy'))
  for (const key of [KEY_ARN, QUEUE_KEY_ARN]) assert.ok(policies.includes(key), key)
})

test('an image of ECR may be pulled', () => {
  const pulls = (image: string): boolean => {
    const { stacks } = synthesised({ ...VARIANTS['all new'], image })
    return JSON.stringify(template(stacks.worker).findResources('AWS::IAM::Policy')).includes('ecr:BatchGetImage')
  }
  assert.equal(pulls(ECR_IMAGE), true)
  assert.equal(pulls('example.com/profile-worker:1'), false)
})

test('jobs keep their files in a bucket that is there', () => {
  const { stacks } = synthesised({ ...VARIANTS['all new'], filesBucket: 'profile-files' })
  assert.match(
    JSON.stringify(template(stacks.worker).findResources('AWS::ECS::TaskDefinition')),
    /s3:\/\/profile-files\/profile-worker/,
  )
  assert.deepEqual(problems({ filesBucket: 's3://Profile_Files' }).keys, ['filesBucket'])
})

test('as the command line runs it: settings in, assembly out; a fault is a message and no stack trace', () => {
  const root = join(__dirname, '..')
  const out = mkdtempSync(join(tmpdir(), 'standalone-'))
  const app = (context: object) =>
    [join(root, 'src', 'standalone', 'app.ts'), { CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(context) }] as const
  const tsx = join(root, 'node_modules', '.bin', 'tsx')
  const [path, good] = app({ image: 'example.com/profile-worker:1', triggerZip: triggerZipFile() })
  execFileSync(tsx, [path], { env: { ...process.env, ...good }, stdio: 'pipe' })
  assert.deepEqual(
    readdirSync(out)
      .filter((file) => file.endsWith('.template.json'))
      .sort(),
    ['profile-worker-ingress.template.json', 'profile-worker-table.template.json', 'profile-worker.template.json'],
  )
  const [, bad] = app({ tableArn: 'UserProfile' })
  const { status, stderr } = spawnSync(tsx, [path], { env: { ...process.env, ...bad }, encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /tableArn: UserProfile is no ARN that fits; it looks like arn:aws:dynamodb:/)
  assert.doesNotMatch(stderr, /at .+\.ts:\d+/)
  assert.match(readFileSync(join(root, 'cdk.json'), 'utf8'), /"app": "tsx src\/standalone\/app\.ts"/)
})
