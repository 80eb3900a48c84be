// Nothing is watched that nobody reports: every metric of every alarm and widget is on AWS's pages, or in
// emf-metrics.json, which tests of the three programs compare with the lines they print.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { alarms } from '../alarms.ts'
import { AWS_METRICS } from '../aws-metrics.ts'
import { dashboard } from '../dashboard.ts'
import { OURS } from '../metrics.ts'
import { SAMPLE } from './sample.ts'

interface Printed {
  readonly dimension: string
  readonly metrics: Record<string, string>
}

const printed = JSON.parse(readFileSync(new URL('../emf-metrics.json', import.meta.url), 'utf8')) as {
  namespace: string
} & Record<'worker' | 'trigger' | 'reconcile', Printed>

/** Why this metric cannot be; null if it can. */
function unknown(namespace: string, name: string, dimensions: readonly string[]): string | null {
  if (namespace === OURS) {
    const programs = [printed.worker, printed.trigger, printed.reconcile]
    const found = programs.some(({ dimension, metrics }) => dimensions.length === 1 && dimension === dimensions[0] && name in metrics)
    return found ? null : `nobody prints ${name} by ${dimensions.join()}`
  }
  const documented = AWS_METRICS[namespace]
  if (documented === undefined) return `${namespace} is not documented here`
  if (!documented.metrics.includes(name)) return `${namespace} has no ${name}`
  const same = (of: readonly string[]): boolean => [...of].sort().join() === [...dimensions].sort().join()
  return documented.dimensions.some(same) ? null : `${namespace} ${name} is not told by ${dimensions.join()}`
}

test('the namespace is the one that is printed', () => assert.equal(OURS, printed.namespace))

test('every metric of every alarm is reported', () => {
  for (const { id, props } of alarms(SAMPLE)) {
    for (const { metricStat } of props.metrics) {
      if (metricStat === undefined) continue
      const { namespace, metricName, dimensions } = metricStat.metric
      assert.equal(unknown(namespace, metricName, dimensions.map(({ name }) => name)), null, id)
    }
  }
})

test('every metric of every widget is reported', () => {
  let seen = 0
  for (const { type, properties } of dashboard(SAMPLE).body.widgets) {
    if (type !== 'metric') continue
    for (const line of properties.metrics as readonly unknown[][]) {
      const texts = line.filter((part): part is string => typeof part === 'string')
      if (texts.length === 0) continue
      const [namespace = '', name = '', ...dimensions] = texts
      assert.equal(unknown(namespace, name, dimensions.filter((_, i) => i % 2 === 0)), null, String(properties.title))
      seen++
    }
  }
  assert.ok(seen > 40)
})

test('what is not reported is found out', () => {
  assert.notEqual(unknown(OURS, 'live_profile', ['queue_name']), null)
  assert.notEqual(unknown(OURS, 'live_profiles', ['function_name']), null)
  assert.notEqual(unknown('AWS/SQS', 'ApproximateAgeOfOldestMessage', ['Queue']), null)
  assert.notEqual(unknown('AWS/SNS', 'NumberOfMessagesPublished', ['TopicName']), null)
})

test('each list of AWS metrics says where it was read', () => {
  for (const [namespace, { source }] of Object.entries(AWS_METRICS)) assert.match(source, /^https:\/\/docs\.aws\.amazon\.com\//, namespace)
})
