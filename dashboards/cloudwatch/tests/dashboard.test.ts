// A dashboard that nobody can read is none: places, titles, units, words beside colours. CloudWatch itself did not render
// it here.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { alarms } from '../alarms.ts'
import { compositeAlarms } from '../composites.ts'
import { dashboard } from '../dashboard.ts'
import { SAMPLE } from './sample.ts'
import { evaluate } from './math.ts'

const { name, body } = dashboard(SAMPLE)
const graphs = body.widgets.filter(({ type }) => type === 'metric')

test('widgets lie side by side on a grid of 24 columns', () => {
  const taken = new Map<string, number>()
  body.widgets.forEach(({ x, y, width, height }, i) => {
    assert.ok(Number.isInteger(x) && Number.isInteger(width) && x >= 0 && width >= 1 && x + width <= 24, `${i}`)
    for (let column = x; column < x + width; column++) {
      for (let row = y; row < y + height; row++) {
        assert.equal(taken.get(`${column},${row}`), undefined, `${i} lies on another`)
        taken.set(`${column},${row}`, i)
      }
    }
  })
  const bottom = Math.max(...body.widgets.map(({ y, height }) => y + height))
  assert.equal(taken.size, 24 * bottom, 'no holes')
  assert.ok(body.widgets.length <= 500)
})

test('every graph has a title, an axis with a unit that begins at 0, and a word for every line', () => {
  for (const { properties } of graphs) {
    const title = String(properties.title)
    assert.ok(title.length > 5)
    assert.equal(properties.region, SAMPLE.region, title)
    const { left } = properties.yAxis as { left: { label: string; min: number } }
    assert.ok(left.label.length > 3, title)
    assert.equal(left.min, 0, title)
    const labels = (properties.metrics as readonly unknown[][]).map((line) => (line.at(-1) as { label: string }).label)
    assert.ok(labels.every((label) => label.length > 1), title)
    assert.equal(new Set(labels).size, labels.length, title)
  }
  const titles = body.widgets.map(({ properties }) => properties.title)
  assert.equal(new Set(titles).size, titles.length)
})

test('expressions are over lines that are there', () => {
  const seen = graphs.flatMap(({ properties }) => {
    const options = (properties.metrics as readonly unknown[][]).map((line) => line.at(-1) as { id?: string; expression?: string })
    const series = Object.fromEntries(options.flatMap(({ id, expression }) => (id === undefined || expression !== undefined ? [] : [[id, 4]])))
    return options.flatMap(({ expression }) => (expression === undefined ? [] : [evaluate(expression, series)]))
  })
  assert.deepEqual(seen, [100])
})

test('the alarms that notify are shown, by their ARNs', () => {
  const shown = body.widgets.filter(({ type }) => type === 'alarm').flatMap(({ properties }) => properties.alarms as string[])
  const notifying = [...alarms(SAMPLE), ...compositeAlarms(SAMPLE)].filter(({ props }) => props.alarmActions.length > 0)
  const arns = notifying.map(({ props }) => `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${props.alarmName}`)
  assert.deepEqual([...shown].sort(), arns.sort())
  assert.match(name, /^[\w-]{1,255}$/)
})

test('without a pool there is nothing of it', () => {
  const { userPoolId: _, ...without } = SAMPLE
  const text = JSON.stringify(dashboard(without))
  assert.doesNotMatch(text, /Reconcile|ProfilesMissing|undefined/)
  assert.match(JSON.stringify(dashboard(SAMPLE)), /ReconcileMissing/)
})

test('without a trigger there is nothing of it, and the rest is as it was', () => {
  const { functionName: _, triggerLogGroup: __, ...without } = SAMPLE
  const text = JSON.stringify(dashboard(without))
  assert.doesNotMatch(text, /AWS\/Lambda|function_name|Trigger|EnqueueFailed|enqueue_failed|undefined/)
  const { widgets } = dashboard(SAMPLE).body
  // Three graphs and one table of the log.
  assert.equal(dashboard(without).body.widgets.length, widgets.length - 4)
})

test('without a place to read them the texts name the file alone', () => {
  const { repository: _, ...without } = SAMPLE
  const text = JSON.stringify(dashboard(without))
  assert.match(text, /a heading in `docs\/runbook\.md`\./)
  assert.doesNotMatch(text, /undefined|\]\(/)
})
