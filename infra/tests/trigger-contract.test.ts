// What the stack and the trigger's Rust source must agree on, read from that source: names, defaults, times.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { MAX_RECEIVE_COUNT, VISIBILITY_TIMEOUT } from '../src/ingress/queues.ts'
import { EVENT_DETAIL_TYPE, EVENT_SOURCE } from '../src/ingress/event-route.ts'
import { ingressIn, only, plain, stackOf } from './ingress-stack.ts'

const repository = join(__dirname, '..', '..')
const read = (...path: string[]): string => readFileSync(join(repository, ...path), 'utf8')
const config = read('producer-lambda', 'src', 'config.rs')
const publish = read('producer-lambda', 'src', 'publish.rs')

function found(pattern: RegExp, text: string): string {
  const [, first] = pattern.exec(text) ?? []
  assert.ok(first !== undefined, `${pattern} is not in the source`)
  return first
}

const variables = (props: Parameters<typeof ingressIn>[1]): Record<string, string> => {
  const stack = stackOf()
  ingressIn(stack, props)
  return plain(only(stack, 'AWS::Lambda::Function').Properties.Environment.Variables)
}

const EVERYTHING = { onEnqueueFailure: 'fail', forwardAttributes: ['locale'], triggerSources: ['ConfirmSignUp'] } as const

test('every variable is one that the trigger reads, and of its own settings none is left out', () => {
  const code = config.split('#[cfg(test)]')[0] ?? ''
  const asked = new Set([...code.matchAll(/(?:lookup\(|choice\(\s*&lookup,\s*|variable\()"([A-Z_]+)"/g)].map((match) => match[1]))
  // What Lambda sets, what endpoints other than AWS's need, and the switch for those.
  const notOurs = [/^AWS_/, /^FAIR_GROUPS$/]
  const settings = [...asked].filter((name) => !notOurs.some((pattern) => pattern.test(name ?? ''))).sort()
  const set = new Set([...Object.keys(variables(EVERYTHING)), ...Object.keys(variables({ ...EVERYTHING, eventBridge: {} }))])
  assert.deepEqual([...set].sort(), settings)
  assert.equal(settings.length, 5)
})

test('queue and bus are never set together: the trigger would refuse both', () => {
  assert.ok(config.includes('"and EVENT_BUS_NAME are both set"'))
  for (const made of [variables({}), variables({ eventBridge: {} })]) {
    assert.equal([made.QUEUE_URL, made.EVENT_BUS_NAME].filter((value) => value !== undefined).length, 1)
  }
})

test('the defaults are those of the trigger', () => {
  const { ON_ENQUEUE_FAILURE: failure, TRIGGER_SOURCES: sources } = variables({})
  assert.equal(failure, found(/"ON_ENQUEUE_FAILURE",\s*&\[\("(\w+)"/, config))
  const rust = found(/fn default_trigger_sources\(\)[^{]*\{\s*BTreeSet::from\(\[([^\]]*)\]/, config)
  assert.deepEqual(sources?.split(','), [...rust.matchAll(/TriggerSource::(\w+)/g)].map((match) => match[1]))
})

test('the choices are those that the trigger knows', () => {
  const choices = [...found(/"ON_ENQUEUE_FAILURE",\s*(&\[[^\]]*\])/, config).matchAll(/\("(\w+)"/g)].map((match) => match[1])
  for (const choice of choices) variables({ onEnqueueFailure: choice as 'pass' })
  assert.deepEqual(choices, ['pass', 'fail'])
})

test('the rule listens to what the trigger says', () => {
  assert.equal(EVENT_SOURCE, found(/const EVENT_SOURCE: &str = "([^"]+)"/, publish))
  assert.equal(EVENT_DETAIL_TYPE, found(/const EVENT_DETAIL_TYPE: &str = "([^"]+)"/, publish))
})

test('Lambda stops the function after its own deadline and before Cognito calls again', () => {
  const deadline = Number(found(/const DEADLINE: Duration = Duration::from_millis\(([\d_]+)\)/, publish).replace('_', ''))
  const stack = stackOf()
  ingressIn(stack)
  const { Timeout } = only(stack, 'AWS::Lambda::Function').Properties
  assert.ok(Timeout * 1000 > deadline, `${Timeout} s, and the trigger may take ${deadline} ms`)
  assert.ok(Timeout < 5)
})

test('a lease of the queue is no shorter than the one that the worker asks for', () => {
  const [, value, unit] = /\| `VISIBILITY_TIMEOUT` \| `(\d+)(s|m)`/.exec(read('docs', 'configuration.md')) ?? []
  assert.ok(value !== undefined)
  assert.ok(VISIBILITY_TIMEOUT.toSeconds() >= Number(value) * (unit === 'm' ? 60 : 1))
  // The worker gives up on a message long before; the queue guards against one that kills its process.
  assert.equal(MAX_RECEIVE_COUNT, 100)
})
