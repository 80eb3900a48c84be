// The evaluator is only worth as much as it agrees with CloudWatch: the tables here are the user guide's own.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Missing } from '../alarm.ts'
import { evaluate } from './math.ts'
import { alarmState, ruleHolds, type Point, type State } from './state.ts'

const points = (text: string): Point[] => [...text.replaceAll(' ', '')].map((sign) => (sign === '-' ? null : sign === 'X'))

const TREATMENTS: readonly Missing[] = ['missing', 'ignore', 'breaching', 'notBreaching']
const I = 'INSUFFICIENT_DATA'
const KEPT = 'kept'

// "Configuring how CloudWatch alarms treat missing data", both tables: M of N, the points, then the state for each
// treatment in the order above.
const TABLE: readonly [number, number, string, readonly string[]][] = [
  [3, 3, '0 - X - X', ['OK', 'OK', 'OK', 'OK']],
  [3, 3, '0 - - - -', ['OK', 'OK', 'OK', 'OK']],
  [3, 3, '- - - - -', [I, KEPT, 'ALARM', 'OK']],
  [3, 3, '0 X X - X', ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
  [3, 3, '- - - - X', [I, KEPT, 'ALARM', 'OK']],
  [3, 3, 'X - - - -', ['ALARM', KEPT, 'ALARM', 'OK']],
  [2, 3, '0 - X - X', ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
  [2, 3, '0 0 X 0 X', ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
  [2, 3, '0 - X - -', ['OK', 'OK', 'ALARM', 'OK']],
  [2, 3, '- - - - 0', ['OK', 'OK', 'ALARM', 'OK']],
  [2, 3, '- - - - X', [I, KEPT, 'ALARM', 'OK']],
]

test('states are those of the tables of the user guide', () => {
  for (const [m, n, text, expected] of TABLE) {
    for (const before of ['OK', 'ALARM', I] as const) {
      const states = TREATMENTS.map((treatment) => alarmState(points(text), n, m, treatment, before))
      assert.deepEqual(states, expected.map((state) => (state === KEPT ? before : state)), `${m} of ${n}: ${text}`)
    }
  }
})

test('metric math is that of the tables of the user guide', () => {
  // "Comparison and logical operators" and "Using IF expressions".
  assert.deepEqual([[30, 20], [20, null], [0, 20], [0, null]].map(([a = null, b = null]) => evaluate('a < b', { a, b })), [0, 0, 1, 0])
  const one = [1, 1, 0, 0, null]
  const two = [30, null, 0, 0, 30]
  const three = [0, 0, 20, null, 20]
  const at = (expression: string): unknown[] =>
    one.map((a, i) => evaluate(expression, { a, b: two[i] ?? null, c: three[i] ?? null }))
  assert.deepEqual(at('IF(a, b, c)'), [30, 0, 20, null, null])
  assert.deepEqual(at('IF(a, 5, c)'), [5, 5, 20, null, null])
  assert.deepEqual(at('IF(a, b, 5)'), [30, 0, 5, 5, null])
  // "Basic arithmetic functions".
  assert.equal(evaluate('a + b', { a: 2, b: null }), 2)
  assert.equal(evaluate('a + b', { a: null, b: null }), null)
  assert.equal(evaluate('a / b', { a: 1, b: 0 }), null)
  assert.equal(evaluate('100 * (a - b) / a', { a: 8, b: 6 }), 25)
  for (const wrong of ['RATE(a)', 'a b', 'a +', '"a"', 'IF(a, b)']) assert.throws(() => evaluate(wrong, { a: 1, b: 1 }), wrong)
})

test('NOT binds closest, then AND', () => {
  const stateOf = (name: string): State => (name === 'on' ? 'ALARM' : 'OK')
  const rules: readonly [string, boolean][] = [
    ['ALARM("on")', true],
    ['ALARM("off")', false],
    ['NOT ALARM("off")', true],
    ['NOT ALARM("off") AND ALARM("off")', false],
    ['ALARM("on") OR ALARM("on") AND ALARM("off")', true],
    ['(ALARM("on") OR ALARM("on")) AND ALARM("off")', false],
    ['OK("off") AND NOT INSUFFICIENT_DATA("off")', true],
  ]
  for (const [rule, holds] of rules) assert.equal(ruleHolds(rule, stateOf), holds, rule)
  for (const wrong of ['ALARM("on") ALARM("on")', 'BROKEN("on")', '(ALARM("on")']) assert.throws(() => ruleHolds(wrong, stateOf))
})
