// The templates under infra/templates: that they are what the constructs make now, that `aws cloudformation deploy`
// takes them without a bucket and without a bootstrap, and that nobody has to read the constructs to fill in a
// parameter.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { nameFamiliesByStack } from '../src/standalone/families.ts'
import { jsonText } from '../src/standalone/json-text.ts'
import { joinsAsSubs } from '../src/standalone/substitute.ts'
import { templates } from '../src/standalone/templates.ts'

interface Parameter {
  readonly Type: string
  readonly Default?: unknown
  readonly Description?: string
  readonly AllowedPattern?: string
  readonly AllowedValues?: readonly unknown[]
  readonly MinLength?: number
  readonly MinValue?: number
}

interface Template {
  readonly Parameters: Readonly<Record<string, Parameter>>
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: any; readonly Condition?: string }>
  >
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown; readonly Export?: unknown }>>
}

const FOLDER = join(__dirname, '..', 'templates')
/** CloudFormation quotas, "Template body size in a request". */
const LARGEST_BODY = 51_200

const made = templates()
const parsed = [...made].map(([file, text]) => [file, JSON.parse(text) as Template] as const)
const byFile = new Map(parsed)
const ingress = byFile.get('profile-ingress.template.json') as Template
const worker = byFile.get('profile-worker.template.json') as Template

test('the files are what the constructs make: npm run templates', () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), [...made.keys()].sort())
  for (const [file, text] of made)
    assert.equal(readFileSync(join(FOLDER, file), 'utf8'), text, `${file} is old: npm run templates`)
})

test('none needs a bucket', () => {
  for (const [file, text] of made)
    assert.ok(Buffer.byteLength(text) <= LARGEST_BODY, `${file} has ${Buffer.byteLength(text)} bytes`)
})

test('none needs a bootstrap, an asset or another stack', () => {
  for (const [file, text] of made) {
    assert.doesNotMatch(text, /BootstrapVersion|cdk-hnb659fds|aws:asset|ImportValue|AWS::CDK::Metadata|Custom::/, file)
  }
})

test('every parameter says what it is and refuses what it cannot be', () => {
  for (const [file, { Parameters }] of parsed) {
    for (const [name, { Type, Description, AllowedPattern, AllowedValues, MinLength, MinValue }] of Object.entries(
      Parameters,
    )) {
      assert.ok((Description ?? '').length > 10, `${file} ${name}`)
      const constrained =
        AllowedPattern ?? AllowedValues ?? MinLength ?? MinValue ?? (Type.startsWith('AWS::') || undefined)
      assert.notEqual(constrained, undefined, `${file} ${name} takes anything`)
    }
  }
})

test('what the ingress puts out is what the worker is asked for', () => {
  const asked = Object.entries(worker.Parameters).filter(([, { Default }]) => Default === undefined)
  const given = Object.keys(ingress.Outputs)
  assert.deepEqual(
    asked
      .map(([name]) => name)
      .filter((name) => !given.includes(name))
      .sort(),
    ['Image', 'SubnetA', 'SubnetB', 'VpcId'],
  )
  const alarms = JSON.parse(
    readFileSync(join(__dirname, '..', '..', 'dashboards', 'cloudwatch', 'template.json'), 'utf8'),
  ) as Template
  const both = [...given, ...Object.keys(worker.Outputs)]
  const left = Object.entries(alarms.Parameters).filter(
    ([name, { Default }]) => Default === undefined && !both.includes(name),
  )
  assert.deepEqual(left.map(([name]) => name).sort(), ['PageTopicArn', 'Repository', 'TicketTopicArn'])
})

test('what the parameters decide', () => {
  const ofType = (type: string) => Object.values(worker.Resources).filter(({ Type }) => Type === type)
  const [service] = ofType('AWS::ECS::Service')
  assert.deepEqual(service?.Properties.DesiredCount, { 'Fn::If': ['IsPaused', 0, { Ref: 'MinTasks' }] })
  const [schedule] = ofType('AWS::Scheduler::Schedule')
  assert.deepEqual(schedule?.Properties.State, { 'Fn::If': ['IsPaused', 'DISABLED', 'ENABLED'] })
  const network = [
    service?.Properties.NetworkConfiguration,
    schedule?.Properties.Target.EcsParameters.NetworkConfiguration,
  ]
  for (const { AwsvpcConfiguration } of network) {
    assert.deepEqual(AwsvpcConfiguration.AssignPublicIp, { Ref: 'AssignPublicIp' })
    assert.deepEqual(AwsvpcConfiguration.Subnets, [{ Ref: 'SubnetA' }, { Ref: 'SubnetB' }])
  }
  const runs = Object.entries(worker.Outputs).filter(([name]) => name.startsWith('Run'))
  assert.ok(runs.length >= 7)
  for (const [name, { Value }] of runs) assert.match(JSON.stringify(Value), /\$\{AssignPublicIp\}/, name)
  const tasks = ofType('AWS::ECS::TaskDefinition')
  assert.equal(tasks.length, runs.length + 1)
  for (const { Properties } of tasks) {
    assert.deepEqual(Properties.RuntimePlatform.CpuArchitecture, { Ref: 'CpuArchitecture' })
    assert.deepEqual(
      Properties.ContainerDefinitions.map(({ Image }: { Image: unknown }) => Image),
      [{ Ref: 'Image' }],
    )
    assert.match(Properties.Family['Fn::Sub'], /^\$\{AWS::StackName\}-\w+$/)
  }
  const [target] = ofType('AWS::ApplicationAutoScaling::ScalableTarget')
  assert.deepEqual(
    [target?.Properties.MinCapacity, target?.Properties.MaxCapacity],
    [{ Ref: 'MinTasks' }, { Ref: 'MaxTasks' }],
  )
})

test('every role that pulls images may pull those of the repository', () => {
  const { Resources } = worker
  const tasks = Object.values(Resources).filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition')
  const pulling = new Set(tasks.map(({ Properties }) => Properties.ExecutionRoleArn['Fn::GetAtt'][0]))
  const policy = Object.values(Resources).find(({ Condition }) => Condition === 'PullsFromEcr')
  assert.deepEqual(policy?.Properties.Roles.map(({ Ref }: { Ref: string }) => Ref).sort(), [...pulling].sort())
})

test('a pool that is there already is asked to call the trigger by hand, and may', () => {
  const { Resources, Outputs } = ingress
  const permission = Object.values(Resources).find(
    ({ Type, Condition }) => Type === 'AWS::Lambda::Permission' && Condition === 'TakesUserPool',
  )
  assert.deepEqual(permission?.Properties.SourceArn, {
    'Fn::Sub': 'arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${UserPoolId}',
  })
  assert.match(JSON.stringify(Outputs.AttachTrigger), /update-user-pool --lambda-config alone resets/)
})

test('joins become substitutions where nothing else is in them', () => {
  const join = (...parts: unknown[]) => ({ 'Fn::Join': ['', parts] }) as never
  assert.deepEqual(joinsAsSubs(join('a-', { Ref: 'B' }, { 'Fn::GetAtt': ['C', 'Arn'] })), {
    'Fn::Sub': 'a-${B}${C.Arn}',
  })
  assert.deepEqual(joinsAsSubs(join('${not}', { Ref: 'B' })), { 'Fn::Sub': '${!not}${B}' })
  assert.deepEqual(joinsAsSubs({ a: [join('x', join({ Ref: 'B' }))] } as never), { a: [{ 'Fn::Sub': 'x${B}' }] })
  const select = { 'Fn::Select': [0, { Ref: 'B' }] }
  assert.deepEqual(joinsAsSubs(join('x', select)), join('x', select))
})

test('a family is named by its stack wherever it is named', () => {
  const template = {
    Resources: {
      One: { Type: 'AWS::ECS::TaskDefinition', Properties: { Family: 'PathOne' } },
      More: { Type: 'AWS::ECS::TaskDefinition', Properties: { Family: 'PathOneMore' } },
      Two: { Type: 'AWS::ECS::TaskDefinition', Properties: { Family: 'PathTwo' } },
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'X' }, '/PathOneMore:*']] } },
      },
    },
    Outputs: { Run: { Value: 'run PathOne now' } },
  }
  assert.deepEqual(joinsAsSubs(nameFamiliesByStack(template)), {
    Resources: {
      One: { Type: 'AWS::ECS::TaskDefinition', Properties: { Family: { 'Fn::Sub': '${AWS::StackName}-One' } } },
      More: { Type: 'AWS::ECS::TaskDefinition', Properties: { Family: { 'Fn::Sub': '${AWS::StackName}-OneMore' } } },
      Two: { Type: 'AWS::ECS::TaskDefinition', Properties: { Family: { 'Fn::Sub': '${AWS::StackName}-Two' } } },
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { Resource: { 'Fn::Sub': 'arn:${X}/${AWS::StackName}-OneMore:*' } },
      },
    },
    Outputs: { Run: { Value: { 'Fn::Sub': 'run ${AWS::StackName}-One now' } } },
  })
})

test('text is JSON of what it was made of', () => {
  const value = {
    long: ['x'.repeat(100), { y: 'z'.repeat(40) }],
    short: [],
    none: null,
    number: 1,
    nested: { a: { b: [true] } },
  }
  assert.deepEqual(JSON.parse(jsonText(value)), value)
  assert.ok(
    jsonText(value)
      .split('\n')
      .every((line) => line.length <= 121),
  )
})
