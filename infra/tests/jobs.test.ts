// The jobs' task definitions: what they run, as whom, with what at hand; and the lines that start them.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Duration, SecretValue } from 'aws-cdk-lib'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as s3 from 'aws-cdk-lib/aws-s3'
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager'

import { type CommandFacts, commandsOf, JOB_NAMES } from '../src/worker/commands.ts'
import { withDenied, WITH_BINARY } from './binary.ts'
import { ENVIRONMENT, environmentOf, jobsWith, ofType, type Resource, taskOf, textOf } from './jobs-fixture.ts'

const made = jobsWith()
const withFiles = jobsWith((stack) => ({ filesBucket: s3.Bucket.fromBucketName(stack, 'Files', 'files') }))

const containerOf = (task: Resource) => task.Properties.ContainerDefinitions[0]

test('each job has a task definition and a role of its own; the execution role is one', () => {
  const tasks = JOB_NAMES.map((job) => taskOf(made, job))
  const roles = tasks.map((task) => JSON.stringify(task.Properties.TaskRoleArn))
  assert.equal(ofType(made, 'AWS::ECS::TaskDefinition').length, JOB_NAMES.length)
  assert.equal(new Set(roles).size, JOB_NAMES.length)
  assert.equal(new Set(tasks.map((task) => JSON.stringify(task.Properties.ExecutionRoleArn))).size, 1)
  assert.equal(ofType(made, 'AWS::ECS::Service').length, 0)
})

for (const job of JOB_NAMES) {
  test(`${job}: on Fargate, not as root, with nothing to write on but a scratch volume, and a log of its own`, () => {
    const task = taskOf(made, job)
    assert.deepEqual(task.Properties.RequiresCompatibilities, ['FARGATE'])
    assert.deepEqual(task.Properties.RuntimePlatform, { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' })
    const container = containerOf(task)
    assert.equal(container.ReadonlyRootFilesystem, true)
    assert.equal(container.User, '65532:65532')
    assert.equal(container.StopTimeout, 120)
    // The image's own, which is the binary: no shell reads the command.
    assert.equal(container.EntryPoint, undefined)
    const { LogDriver, Options } = container.LogConfiguration
    assert.equal(LogDriver, 'awslogs')
    assert.equal(Options['awslogs-group'], 'profile-worker')
    assert.equal(Options['awslogs-stream-prefix'], job)
    assert.equal(Options.mode, 'blocking')
  })

  test(`${job}: may be given to ECS tasks of this account alone`, () => {
    const logicalId = taskOf(made, job).Properties.TaskRoleArn['Fn::GetAtt'][0]
    const [statement] = made.resources[logicalId]?.Properties.AssumeRolePolicyDocument.Statement
    assert.deepEqual(statement.Principal, { Service: 'ecs-tasks.amazonaws.com' })
    assert.deepEqual(statement.Condition.StringEquals, { 'aws:SourceAccount': '111122223333' })
    assert.match(JSON.stringify(statement.Condition.ArnLike), /:ecs:eu-central-1:111122223333:\*/)
  })

  test(`${job}: the settings of all, and its own`, () => {
    const { USER_POOL_ID, METRICS_EMF, TMPDIR, LOG_FORMAT, ...rest } = environmentOf(taskOf(made, job))
    assert.deepEqual(rest, ENVIRONMENT)
    assert.equal(USER_POOL_ID, job === 'check' ? undefined : 'eu-central-1_A1b2C3d4E')
    assert.equal(METRICS_EMF, job === 'reconcile' ? 'on' : undefined)
    assert.equal(TMPDIR, ['backfill', 'reconcile', 'adopt'].includes(job) ? '/work' : undefined)
    assert.equal(LOG_FORMAT, 'json')
  })
}

test('jobs that write files stand in their scratch volume, the others have none', () => {
  for (const job of JOB_NAMES) {
    const task = taskOf(made, job)
    const container = containerOf(task)
    if (!['backfill', 'reconcile', 'adopt'].includes(job)) {
      assert.equal(task.Properties.Volumes ?? undefined, undefined, job)
      assert.equal(container.WorkingDirectory, undefined, job)
      continue
    }
    assert.deepEqual(task.Properties.Volumes, [{ Name: 'scratch' }], job)
    assert.deepEqual(container.MountPoints, [{ SourceVolume: 'scratch', ContainerPath: '/work', ReadOnly: false }], job)
    assert.equal(container.WorkingDirectory, '/work', job)
  }
})

test('nothing is changed by what a task definition does by itself, but by the reconcile of the schedule', () => {
  const commands = JOB_NAMES.map((job) => containerOf(taskOf(made, job)).Command.join(' '))
  assert.deepEqual(commands, [
    'backfill --from cognito --dry-run --output json',
    'reconcile --fix missing --output json',
    'adopt --output json',
    'quarantine list --output json',
    'redrive --status --output json',
    'explain --help --output json',
    'check --output json',
  ])
})

test('reconcile is told what its props say', () => {
  const command = (reconcile: object) => containerOf(taskOf(jobsWith(() => ({ reconcile })), 'reconcile')).Command.join(' ')
  assert.equal(command({ fix: false }), 'reconcile --output json')
  assert.equal(command({ noLegacyRows: true, rate: 25 }), 'reconcile --fix missing --no-legacy-rows --rate 25 --output json')
})

const FACTS: readonly CommandFacts[] = [
  { reconcile: {} },
  { reconcile: { fix: false, noLegacyRows: true, rate: 0.5 }, files: 's3://files/profile-worker' },
  { reconcile: { fix: true, noLegacyRows: true, rate: 1000 }, files: 's3://files/profile-worker' },
]

test('the binary takes every command line and every setting', WITH_BINARY, () =>
  withDenied(async (ask) => {
    // Where the test runs nothing is to be written.
    const folder = mkdtempSync(join(tmpdir(), 'jobs-'))
    const lines = FACTS.flatMap((facts) => JOB_NAMES.map((job) => ({ job, ...commandsOf(job, facts) })))
    const asked = lines.flatMap(({ job, standard, example }) =>
      [standard, example].map(async (command) => {
        const args = command.map((arg) => arg.replace('<sub>', '9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11'))
        const { code, stderr } = await ask(args, environmentOf(taskOf(made, job)), folder)
        return [args.join(' '), code === 69 || args.includes('--help') ? 'taken' : `${code} ${stderr}`]
      }),
    )
    for (const [command, outcome] of await Promise.all(asked)) assert.deepEqual([command, outcome], [command, 'taken'])
    rmSync(folder, { recursive: true })
  }))

test("a job does not stumble over the worker's own settings, but the doctor looks at them", WITH_BINARY, () =>
  withDenied(async (ask) => {
    const ofTheWorker =
      'TRIGGER_SOURCES WRITE_STRATEGY MAX_IN_FLIGHT VISIBILITY_TIMEOUT VERIFY_LATE STOP_TIMEOUT DRAIN_DEADLINE ADMIN_ADDR'
    const wrong = Object.fromEntries(ofTheWorker.split(' ').map((name) => [name, 'x']))
    for (const [command, expected] of [['redrive', 69], ['check', 78]] as const) {
      const { code } = await ask([command], { ...environmentOf(taskOf(made, command)), ...wrong })
      assert.deepEqual([command, code], [command, expected])
    }
  }))

test('without a bucket adopt can only plan, and quarantine finds no place for a backup', () => {
  const actions = (made: ReturnType<typeof jobsWith>, job: string) => {
    const role = taskOf(made, job).Properties.TaskRoleArn['Fn::GetAtt'][0]
    const policies = ofType(made, 'AWS::IAM::Policy').filter(({ Properties }) => Properties.Roles[0].Ref === role)
    const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    return statements.flatMap((statement: { Action: unknown }) => statement.Action)
  }
  assert.equal(actions(made, 'adopt').includes('dynamodb:DeleteItem'), false)
  assert.equal(actions(made, 'quarantine').some((action) => String(action).startsWith('s3:')), false)
  assert.equal(actions(withFiles, 'adopt').includes('dynamodb:DeleteItem'), true)
  assert.equal(actions(withFiles, 'quarantine').includes('s3:PutObject'), true)
  assert.equal(actions(withFiles, 'explain').some((action) => String(action).startsWith('s3:')), false)
})

test('with a bucket the line of backfill keeps state and rejected lines there', () => {
  const { example } = commandsOf('backfill', { reconcile: {}, files: 's3://files/profile-worker' })
  const place = 's3://files/profile-worker/backfill'
  const expected = `--checkpoint ${place}.json --rejects ${place}.rejected.jsonl --dry-run --output json`
  assert.equal(example.join(' '), `backfill --from cognito ${expected}`)
})

test('with a bucket plan and backup outlive the task', () => {
  const place = 's3://files/profile-worker/adopt'
  const expected = `adopt --plan ${place}.plan.jsonl --backup ${place}.backup.jsonl --output json`
  assert.equal(containerOf(taskOf(withFiles, 'adopt')).Command.map(textOf).join(' '), expected)
})

test("check looks with the worker's role and settings, if it is given them", () => {
  const { resources, ...made } = jobsWith((stack) => ({
    run: {
      role: new iam.Role(stack, 'Worker', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }),
      environment: { VERIFY_LATE: 'on' },
    },
  }))
  const task = taskOf({ resources, ...made }, 'check')
  assert.match(task.Properties.TaskRoleArn['Fn::GetAtt'][0], /^Worker/)
  assert.equal(environmentOf(task)['VERIFY_LATE'], 'on')
  const others = JOB_NAMES.filter((job) => job !== 'check').map((job) => environmentOf(taskOf({ resources, ...made }, job)))
  assert.equal(others.some((environment) => 'VERIFY_LATE' in environment), false)
})

test('secrets are taken by ECS and stand in no template', () => {
  const { resources, ...made } = jobsWith((stack) => {
    const secretStringValue = SecretValue.unsafePlainText('x')
    const secret = new secretsmanager.Secret(stack, 'Key', { secretStringValue })
    return { secrets: { LOG_HASH_KEY: ecs.Secret.fromSecretsManager(secret) } }
  })
  for (const job of JOB_NAMES) {
    const container = containerOf(taskOf({ resources, ...made }, job))
    assert.equal(container.Secrets[0].Name, 'LOG_HASH_KEY')
  }
})

/** Splits as a POSIX shell does what has single quotes alone. */
function shellSplit(line: string): readonly string[] {
  assert.doesNotMatch(line, /["$`\\](?=[^']*(?:'[^']*'[^']*)*$)/, 'something outside quotes that a shell would read')
  return [...line.matchAll(/(?:'[^']*'|[^'\s])+/g)].map(([word]) => word.replaceAll("'", ''))
}

for (const job of JOB_NAMES) {
  test(`${job}: the line that starts it is the stack's output, and can be pasted`, () => {
    const output = Object.values(made.outputs).find(({ Description }) => Description === `Starts profile-worker ${job}`)
    const line = textOf(output?.Value)
    const [aws, ecsWord, run, ...rest] = shellSplit(line)
    assert.deepEqual([aws, ecsWord, run], ['aws', 'ecs', 'run-task'])
    assert.equal(rest.length % 2, 0)
    const flags = Object.fromEntries(rest.flatMap((word, at) => (at % 2 === 0 ? [[word, rest[at + 1] ?? '']] : [])))
    const { '--network-configuration': network, '--overrides': overrides, ...others } = flags
    assert.deepEqual(others, {
      '--cluster': 'profiles',
      '--launch-type': 'FARGATE',
      '--task-definition': taskOf(made, job).Properties.Family,
    })
    assert.deepEqual(JSON.parse(network ?? ''), {
      awsvpcConfiguration: {
        subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
        securityGroups: ['sg-0123456789abcdef0'],
        assignPublicIp: 'ENABLED',
      },
    })
    const command = [...commandsOf(job, { reconcile: {} }).example]
    assert.deepEqual(JSON.parse(overrides ?? ''), { containerOverrides: [{ name: 'profile-worker', command }] })
  })
}

test('a job has time to keep its state when it is told to stop', () => {
  assert.equal(containerOf(taskOf(made, 'backfill')).StopTimeout, Duration.minutes(2).toSeconds())
})
