// What CloudWatch takes (user guide, "Alarm evaluation", "Combining alarms"; API reference, PutMetricAlarm and
// PutCompositeAlarm), and what we ask of every alarm beside that.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { alarms } from '../alarms.ts'
import { compositeAlarms } from '../composites.ts'
import { ALERTS, type Alert, alarmName, alertsOf, anchor, SIGNALS, words } from '../names.ts'
import { text } from '../texts.ts'
import { SAMPLE } from './sample.ts'

const metric = alarms(SAMPLE)
const composite = compositeAlarms(SAMPLE)
const all = [...metric, ...composite]

test('every alert of the contract notifies from one place, and every signal from none', () => {
  const notifying = all.filter(({ props }) => props.alarmActions.length > 0).map(({ id }) => id)
  assert.deepEqual([...notifying].sort(), [...ALERTS].sort())
  assert.deepEqual(metric.filter(({ severity }) => severity === null).map(({ id }) => id).sort(), [...SIGNALS].sort())
  assert.equal(new Set(all.map(({ props }) => props.alarmName)).size, all.length)
})

test('who is told, and of the end of it, is as severe as the alert', () => {
  for (const { severity, props, id } of all) {
    assert.deepEqual(props.alarmActions, severity === null ? [] : SAMPLE.topics[severity], id)
    assert.deepEqual(props.okActions, severity === 'page' ? SAMPLE.topics.page : [], id)
  }
  const pages = all.filter(({ severity }) => severity === 'page').map(({ id }) => id)
  assert.deepEqual(pages.sort(), ['BreakerOpen', 'ConfirmationToProfileFastBurn', 'NoReceive', 'OldestMessageTooOld', 'TriggerErrors'])
})

test('windows are no longer than CloudWatch keeps: a day, a week for periods of an hour and more', () => {
  for (const { id, props } of metric) {
    const periods = new Set(props.metrics.flatMap(({ metricStat }) => (metricStat === undefined ? [] : [metricStat.period])))
    assert.equal(periods.size, 1, `${id}: metrics of one alarm must have one period`)
    const [period = 0] = periods
    assert.equal(period % 60, 0, id)
    assert.ok(period * props.evaluationPeriods <= (period < 3600 ? 86_400 : 604_800), id)
    assert.ok(props.datapointsToAlarm >= 1 && props.datapointsToAlarm <= props.evaluationPeriods, id)
  }
})

test('an expression has at most ten metrics, and one result', () => {
  for (const { id, props } of metric) {
    assert.equal(props.metrics.filter(({ returnData }) => returnData).length, 1, id)
    assert.ok(props.metrics.filter(({ metricStat }) => metricStat !== undefined).length <= 10, id)
    for (const query of props.metrics) {
      assert.match(query.id, /^[a-z]\w*$/, id)
      assert.equal(query.expression === undefined, query.metricStat !== undefined, id)
    }
  }
})

test('a rule names at most a hundred alarms, all of them there, and its children are all it needs', () => {
  const there = new Set(all.map(({ props }) => props.alarmName))
  for (const { id, children, props } of composite) {
    const named = [...props.alarmRule.matchAll(/"([^"]*)"/g)].map(([, name]) => name ?? '')
    assert.ok(named.length <= 100 && props.alarmRule.length <= 10_240, id)
    assert.ok(named.every((name) => there.has(name)), id)
    const suppressor = props.actionsSuppressor?.split(':alarm:')[1]
    const needed = [...named, ...(suppressor === undefined ? [] : [suppressor])]
    assert.deepEqual(children.map((child) => alarmName(SAMPLE, child)), needed, id)
    // Whoever suppresses must have told somebody.
    if (suppressor !== undefined) assert.ok(all.some((other) => other.props.alarmName === suppressor && other.props.alarmActions.length > 0), id)
  }
})

test('names are ASCII and short, and texts are not cut off, also with the longest names', () => {
  const long = { ...SAMPLE, tableName: 'T'.repeat(255), queueName: 'q'.repeat(80), deadLetterQueueName: 'd'.repeat(80), functionName: 'f'.repeat(64), workerLogGroup: 'w'.repeat(120), triggerLogGroup: 't'.repeat(120) }
  for (const { id, props } of [...alarms(long), ...compositeAlarms(long)]) {
    assert.match(props.alarmName, /^[\x20-\x7e]{1,255}$/, id)
    assert.ok(props.alarmDescription.length <= 1024, `${id}: ${props.alarmDescription.length}`)
    assert.match(props.alarmDescription, /^[\x20-\x7e\n]+$/, id)
  }
})

test('every text has its severity, one command on one line, what it prints, and its heading in the runbook', () => {
  for (const alert of ALERTS) {
    const { severity, command } = text(SAMPLE, alert)
    const description = all.find(({ id }) => id === alert)?.props.alarmDescription ?? ''
    const [first, run, prints, link, ...more] = description.split('\n')
    assert.deepEqual(more, [], alert)
    assert.ok(first?.startsWith(severity === 'page' ? 'PAGE: ' : 'TICKET: '), alert)
    assert.equal(run, `Run: ${command}`, alert)
    assert.ok(prints?.startsWith('Prints: '), alert)
    assert.equal(link, `${SAMPLE.repository}/docs/runbook.md#${anchor(alert)}`, alert)
    assert.equal(spawnSync('sh', ['-n', '-c', command]).status, 0, command)
    // To look changes nothing.
    assert.doesNotMatch(command, /delete|purge|--fix|redrive|drop|retry|put-|update-/, alert)
  }
  assert.equal(anchor('BreakerOpen'), 'alert-breaker-open')
})

test('every alert has its heading in the runbook, and the runbook no other', () => {
  const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8')
  const headings = [...runbook.matchAll(/^### Alert: (.+)$/gm)].map(([, heading]) => heading)
  assert.deepEqual(headings.sort(), ALERTS.map(words).sort())
})

test('a missing data point counts as it does for a reason', () => {
  for (const { id, whenMissing } of metric) assert.ok(whenMissing.length > 20, id)
})

test('without a pool to compare there is no alarm of it', () => {
  const { userPoolId: _, ...without } = SAMPLE
  assert.deepEqual(alarms(SAMPLE).length - alarms(without).length, 1)
  assert.ok(!alarms(without).some(({ id }) => id === 'ProfilesMissing'))
})

test('without a trigger there are no alarms of it, and its alerts are those that look at its metrics', () => {
  const { functionName: _, triggerLogGroup: __, ...without } = SAMPLE
  const gone = alarms(SAMPLE).filter(({ id }) => !alarms(without).some((other) => other.id === id))
  const looking = alarms(SAMPLE).filter(({ props }) => JSON.stringify(props.metrics).includes(SAMPLE.functionName ?? ''))
  assert.deepEqual(gone, looking)
  assert.deepEqual(alertsOf(SAMPLE).filter((alert) => !alertsOf(without).includes(alert)), gone.map(({ id }) => id))
  assert.deepEqual(compositeAlarms(without), compositeAlarms(SAMPLE))
})

test('without a place to read it the link is the name of the file and the heading', () => {
  const { repository: _, ...without } = SAMPLE
  for (const { id, props } of [...alarms(without), ...compositeAlarms(without)]) {
    if (props.alarmActions.length === 0) continue
    assert.equal(props.alarmDescription.split('\n').at(-1), `docs/runbook.md#${anchor(id as Alert)}`, id)
  }
})
