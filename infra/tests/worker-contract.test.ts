// What infra and the worker must agree on, held against the Rust source and, where it has been built, against the
// binary itself: every variable that is set is one that it reads, every number is the same on both sides, and what the
// props accept the worker accepts.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Duration } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as sqs from 'aws-cdk-lib/aws-sqs'

import { ProfileWorker, USER_PROFILE, type WorkerSettings } from '../src/index.ts'
import {
  ATTEMPT,
  DRAIN_DEADLINE,
  DURATIONS,
  MOST_RECEIVERS,
  MOST_VERIFY_RATE,
  SQS_IN_FLIGHT,
  SQS_VISIBILITY,
  STOP_MARGIN,
  STOP_TIMEOUT,
  TELEMETRY_FLUSH,
} from '../src/worker/budgets.ts'
import { OTLP_ENDPOINT } from '../src/worker/collector.ts'
import { HEALTH_CHECK } from '../src/worker/service.ts'
import { type Ended, WITH_BINARY, withDenied } from './binary.ts'
import { type Container, EVERY_SETTING, environmentOf, least, made, surroundings, workerContainer } from './worker-stack.ts'

const REPOSITORY = join(__dirname, '..', '..')
const rust = (path: string): string => readFileSync(join(REPOSITORY, 'worker', 'src', path), 'utf8')

/** The value of a constant, or whatever the pattern's group takes. */
function said(source: string, pattern: RegExp): string {
  const found = source.match(pattern)?.[1]
  assert.ok(found !== undefined, `the source has no ${pattern}`)
  return found
}

/** `seconds(11 * 3600)`, `Duration::from_millis(50)`, `Duration::ZERO`, `12 * 3600`: milliseconds. */
function milliseconds(text: string): number {
  const unit = /millis/.test(text) ? 1 : 1000
  const inner = text.match(/\(([^()]*)\)/)?.[1] ?? text
  if (/ZERO/.test(text)) return 0
  return inner.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '').trim()), unit)
}

const constant = (source: string, name: string): number =>
  milliseconds(said(source, new RegExp(`const ${name}: [A-Za-z:0-9]+ = ([^;]+);`)))
const count = (source: string, name: string): number => constant(source, name) / 1000

test('every variable of every task is one that the binary reads', () => {
  const read = new Set(
    [...`${rust('cli.rs')}${rust('cli/jobs.rs')}`.matchAll(/\benv = "([A-Z_]+)"/g)].map(([, name]) => name),
  )
  assert.ok(read.size > 30, `only ${[...read]}`)
  const { template } = made({ settings: EVERY_SETTING, collector: true, model: USER_PROFILE })
  const tasks = Object.values(template.findResources('AWS::ECS::TaskDefinition'))
  const containers = tasks.flatMap(({ Properties }) => Properties.ContainerDefinitions as Container[])
  const own = containers.filter(({ Name }) => Name !== 'collector')
  assert.ok(own.length > 0)
  // TMPDIR is the standard library's.
  for (const container of own) {
    const unknown = Object.keys(environmentOf(container)).filter((name) => !read.has(name) && name !== 'TMPDIR')
    assert.deepEqual(unknown, [], `of ${container.Name}`)
  }
  // And all of them were tried.
  const set = Object.keys(environmentOf(workerContainer(template)))
  for (const { variable } of Object.values(DURATIONS)) assert.ok(set.includes(variable), variable)
})

test('the budgets are those of the Rust source', () => {
  const config = rust('config.rs')
  assert.equal(ATTEMPT, constant(rust('aws/clients.rs'), 'ATTEMPT'))
  assert.equal(TELEMETRY_FLUSH, constant(config, 'TELEMETRY_FLUSH'))
  assert.equal(SQS_VISIBILITY, constant(config, 'SQS_VISIBILITY'))
  assert.equal(SQS_IN_FLIGHT, count(config, 'SQS_IN_FLIGHT'))
  assert.equal(MOST_RECEIVERS, count(config, 'MOST_RECEIVERS'))
  const rate = said(rust('config/reader.rs'), /"VERIFY_LATE_RATE", text, \d+, (\d+),/)
  assert.equal(MOST_VERIFY_RATE, Number(rate))
  const margin = said(config, /settings\.drain_deadline \+ TELEMETRY_FLUSH \+ (Duration::from_secs\(\d+\))/)
  assert.equal(STOP_MARGIN, milliseconds(margin))
})

test('each duration has the default and the range of the Rust source', () => {
  const config = rust('config.rs')
  for (const { variable, default: otherwise, least, most } of Object.values(DURATIONS)) {
    const parts = config.match(
      new RegExp(`"${variable}",\\s+written[^,]+,\\s+([^,]+),\\s+([^,]+?)\\.\\.=([^,]+),\\s+\\)`),
    )
    assert.ok(parts !== null, `the source reads no ${variable}`)
    assert.deepEqual(parts.slice(1).map(milliseconds), [otherwise, least, most], variable)
  }
})

test('the task is killed after the drain and the flush, and the worker knows when', () => {
  const container = workerContainer(made().template)
  const { STOP_TIMEOUT: told, DRAIN_DEADLINE: drain } = environmentOf(container)
  assert.equal(`${container.StopTimeout}s`, told)
  assert.equal(milliseconds(String(told).replace('s', '')), STOP_TIMEOUT)
  assert.equal(milliseconds(String(drain).replace('s', '')), DRAIN_DEADLINE)
  assert.ok(STOP_TIMEOUT >= DRAIN_DEADLINE + TELEMETRY_FLUSH + STOP_MARGIN)
  // Fargate's limit.
  assert.ok(Number(container.StopTimeout) <= 120)
})

test('the first health check comes once refused permissions make the worker unwell, and waits for its answer', () => {
  assert.ok(HEALTH_CHECK.interval.toMilliseconds() > constant(rust('admin/mod.rs'), 'DENIED'))
  assert.ok(HEALTH_CHECK.timeout.toMilliseconds() > constant(rust('admin/ask.rs'), 'DEADLINE'))
})

test('worker and health check meet at the default address, which is loopback', () => {
  assert.equal(environmentOf(workerContainer(made().template)).ADMIN_ADDR, undefined)
  assert.match(said(rust('config.rs'), /const ADMIN_ADDR: &str = "([^"]+)"/), /^127\.0\.0\.1:\d+$/)
})

test('the collector listens where the worker pushes by itself', () => {
  assert.ok(rust('cli.rs').includes(`such as ${OTLP_ENDPOINT} `))
})

test('the outputs are found where the worker looks for them in amplify_outputs.json', () => {
  const { custom } = made({ service: false }).worker.amplifyOutputs
  const written = Object.keys(custom.profileWorker).map((name) => `/custom/profileWorker/${name}`)
  const read = [...rust('config/amplify.rs').matchAll(/"(\/custom\/[A-Za-z/]+)"/g)].map(([, pointer]) => pointer)
  assert.deepEqual(written.sort(), read.sort())
})

// The binary.

/** Every call is denied: no fault of the configuration. */
const UNREACHABLE = 69
const CONFIGURATION = 78

async function profileWorker(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Ended> {
  const ended: Ended[] = []
  await withDenied(async (ask) => void ended.push(await ask(args, environment, tmpdir())))
  assert.ok(ended[0] !== undefined)
  return ended[0]
}

const QUEUE = 'https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations'

/** The container's environment as ECS would hand it over. */
function handedOver(container: Container): Record<string, string> {
  const places: Record<string, string> = {
    QUEUE_URL: QUEUE,
    DEAD_LETTER_QUEUE_URL: `${QUEUE}-dlq`,
    TABLE_NAME: 'UserProfile-abcdefghijklmnopqrstuv0123-NONE',
    USER_POOL_IDS: 'eu-central-1_A1b2C3d4E,eu-central-1_F5g6H7i8J',
  }
  return Object.fromEntries(
    Object.entries(environmentOf(container)).map(([name, value]) => {
      if (typeof value === 'string') return [name, value]
      assert.ok(name in places, `${name} is not known before the deployment`)
      return [name, places[name]!]
    }),
  )
}

test('the worker accepts the environment of the task definition', WITH_BINARY, async () => {
  const tasks = [
    made(),
    made({ settings: EVERY_SETTING, collector: true, model: USER_PROFILE, triggerSources: ['ConfirmForgotPassword'] }),
  ]
  const ended = await Promise.all(
    tasks.map(({ template }) => profileWorker(['check'], handedOver(workerContainer(template)))),
  )
  for (const { code, stderr } of ended) assert.equal(code, UNREACHABLE, stderr)
})

test('and would say what is wrong with it', WITH_BINARY, async () => {
  const environment = handedOver(workerContainer(made().template))
  const faults: readonly Record<string, string>[] = [
    { STOP_TIMEOUT: '100s' },
    { USER_POOL_IDS: 'nonsense' },
    { QUEUE_URL: `${QUEUE}.fifo` },
  ]
  const ended = await Promise.all(faults.map((fault) => profileWorker(['check'], { ...environment, ...fault })))
  for (const { code, stderr } of ended) assert.equal(code, CONFIGURATION, stderr)
})

/** Each side of each edge. What is refused here and accepted there, or the reverse, is a fault of budgets.ts. */
const EDGES: readonly WorkerSettings[] = [
  { visibilityTimeout: Duration.seconds(45) },
  { visibilityTimeout: Duration.seconds(44) },
  { writeDeadline: Duration.seconds(105), visibilityTimeout: Duration.seconds(235) },
  { writeDeadline: Duration.seconds(106), visibilityTimeout: Duration.seconds(237) },
  { holdBudget: Duration.hours(11), visibilityTimeout: Duration.minutes(30) },
  { holdBudget: Duration.hours(11), visibilityTimeout: Duration.minutes(31) },
  { maxInFlight: 40, maxReceivers: 4 },
  { maxInFlight: 39, maxReceivers: 4 },
  { maxInFlight: 9, maxReceivers: 1 },
  { maxInFlight: 5 },
  { waitTime: Duration.seconds(0), linger: Duration.seconds(0), holdBudget: Duration.seconds(0) },
  { linger: Duration.millis(10_001) },
  { writeDeadline: Duration.millis(100) },
  { writeDeadline: Duration.millis(99) },
  { maxInFlight: 120_000, maxReceivers: 256, verifyLateRate: 1000 },
  { verifyLateRate: 1001 },
]

test('what the props accept the worker accepts, what they refuse it refuses', WITH_BINARY, async () => {
  const environment = handedOver(workerContainer(made().template))
  const accepted = (settings: WorkerSettings): boolean => {
    const of = surroundings()
    try {
      new ProfileWorker(of.stack, 'Worker', { ...least(of), settings, service: false })
      return true
    } catch {
      return false
    }
  }
  const both = await Promise.all(
    EDGES.map(async (settings) => ({
      settings: JSON.stringify(settings, (_, value) =>
        value instanceof Duration ? `${value.toMilliseconds()}ms` : value,
      ),
      here: accepted(settings),
      there: (await profileWorker(['check'], { ...environment, ...written(settings) })).code !== CONFIGURATION,
    })),
  )
  assert.ok(both.some(({ here }) => here) && both.some(({ here }) => !here))
  for (const { settings, here, there } of both) assert.equal(here, there, settings)
})

/** As environment.ts says it, also for what the construct refuses. */
function written(settings: WorkerSettings): Record<string, string> {
  const durations = Object.entries(DURATIONS).flatMap(([name, { variable }]) => {
    const value = settings[name as keyof typeof DURATIONS]
    return value === undefined ? [] : [[variable, `${value.toMilliseconds()}ms`]]
  })
  const numbers = {
    MAX_IN_FLIGHT: settings.maxInFlight,
    MAX_RECEIVERS: settings.maxReceivers,
    VERIFY_LATE_RATE: settings.verifyLateRate,
  }
  const given = Object.entries(numbers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return Object.fromEntries([...durations, ...given])
}

test('the worker finds queue and table in the outputs of a sandbox', WITH_BINARY, async () => {
  const of = surroundings({ 'amplify-backend-type': 'sandbox' })
  const { amplifyOutputs } = new ProfileWorker(of.stack, 'Worker', {
    queue: sqs.Queue.fromQueueArn(of.stack, 'Q', 'arn:aws:sqs:eu-central-1:111122223333:confirmations'),
    deadLetterQueue: sqs.Queue.fromQueueArn(of.stack, 'D', 'arn:aws:sqs:eu-central-1:111122223333:dead'),
    table: dynamodb.Table.fromTableName(of.stack, 'T', 'profiles'),
    userPool: cognito.UserPool.fromUserPoolId(of.stack, 'U', 'eu-central-1_A1b2C3d4E'),
  })
  const outputs = { ...of.stack.resolve(amplifyOutputs), auth: { user_pool_id: 'eu-central-1_A1b2C3d4E' } }
  // The one token that is left of an imported queue's URL.
  const text = JSON.stringify(outputs, (_, value) => (value?.['Fn::Join'] === undefined ? value : QUEUE))
  const path = join(mkdtempSync(join(tmpdir(), 'outputs-')), 'amplify_outputs.json')
  writeFileSync(path, text)
  const { code, stderr } = await profileWorker(['check', '--amplify-outputs', path], {})
  assert.equal(code, UNREACHABLE, stderr)
})
