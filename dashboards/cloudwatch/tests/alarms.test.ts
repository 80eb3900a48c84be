// Every alert is driven by series that must set it off and by series that must not, through the whole of alarms,
// composites and suppressors.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { alarms } from '../alarms.ts'
import { compositeAlarms } from '../composites.ts'
import { ALERTS, type Alert } from '../names.ts'
import { run, type Series } from './cloudwatch.ts'
import { SAMPLE } from './sample.ts'
import { always, during, never, world } from './world.ts'

type Changes = Parameters<typeof world>[0]

const HOURS = 60
const begun = 8 * HOURS

/** Who is told in the first fourteen hours. */
const told = (changes: Changes, late?: Parameters<typeof world>[1]): string[] =>
  run(alarms(SAMPLE), compositeAlarms(SAMPLE), world(changes, late), 14 * HOURS).told.map(({ alarm }) => alarm)

interface Case {
  readonly what: string
  readonly changes: Changes
  readonly told: readonly Alert[]
}

const late = (percent: number): Series => () => [40 * (1 - percent / 100)]
const few = (every: number, count: number): Series => (minute) => [minute % every === 0 ? count : 0]

const CASES: Partial<Record<Alert, readonly Case[]>> = {
  ConfirmationToProfileFastBurn: [
    { what: 'a fifth is late for an hour', changes: { good: during(begun, begun + 60, late(20), always(40)) }, told: ['ConfirmationToProfileFastBurn'] },
    { what: 'a fifth is late for three minutes', changes: { good: during(begun, begun + 3, late(20), always(40)) }, told: [] },
    { what: 'one in ten is late for an hour: slow', changes: { good: during(begun, begun + 240, late(10), always(40)) }, told: ['ConfirmationToProfileSlowBurn'] },
    { what: 'the only confirmation in twenty minutes is late each time', changes: { live: few(20, 1), good: always(0) }, told: [] },
    { what: 'every one of thirty in the hour is late', changes: { live: few(2, 1), good: always(0) }, told: ['ConfirmationToProfileSlowBurn'] },
    { what: 'every one of many is late', changes: { live: always(2), good: during(begun, begun + 90, always(0), always(2)) }, told: ['ConfirmationToProfileFastBurn', 'ConfirmationToProfileSlowBurn'] },
  ],
  ConfirmationToProfileSlowBurn: [
    { what: 'one in twelve is late for six hours', changes: { good: during(begun, begun + 360, late(8), always(40)) }, told: ['ConfirmationToProfileSlowBurn'] },
    { what: 'one in twenty-five is late all the time', changes: { good: late(4) }, told: [] },
    { what: 'nobody signs up', changes: { live: always(0), good: always(0) }, told: [] },
    { what: 'no metrics of the worker', changes: { live: never, good: never, breaker: never, conflicts: never }, told: [] },
  ],
  DeadLetterQueueNotEmpty: [
    { what: 'one message', changes: { dead: during(begun, begun + 30, always(1), always(0)) }, told: ['DeadLetterQueueNotEmpty'] },
    { what: 'a queue that was never used', changes: { dead: never }, told: [] },
    { what: 'it stays, and SQS is silent for an hour: told once', changes: { dead: during(begun + 60, begun + 120, never, during(begun, 14 * HOURS, always(3), always(0))) }, told: ['DeadLetterQueueNotEmpty'] },
    { what: 'emptied, and one more', changes: { dead: (minute) => [minute < begun ? 0 : minute < begun + 30 ? 1 : minute < begun + 60 ? 0 : 1] }, told: ['DeadLetterQueueNotEmpty', 'DeadLetterQueueNotEmpty'] },
  ],
  OldestMessageTooOld: [
    { what: 'six minutes old for ten minutes', changes: { age: during(begun, begun + 10, always(360), always(2)) }, told: ['OldestMessageTooOld'] },
    { what: 'four minutes old', changes: { age: during(begun, begun + 60, always(240), always(2)) }, told: [] },
    { what: 'six minutes old for two minutes', changes: { age: during(begun, begun + 1, always(360), always(2)) }, told: [] },
    { what: 'no message, no age', changes: { age: never }, told: [] },
  ],
  NoReceive: [
    { what: 'SQS reports zeros', changes: { received: during(begun, begun + 30, always(0), always(40)), empty: during(begun, begun + 30, always(0), always(3)) }, told: ['NoReceive'] },
    { what: 'SQS reports nothing', changes: { received: during(begun, begun + 30, never, always(40)), empty: during(begun, begun + 30, never, always(3)) }, told: ['NoReceive'] },
    { what: 'a deployment of three minutes', changes: { received: during(begun, begun + 2, never, always(40)), empty: during(begun, begun + 2, never, always(3)) }, told: [] },
    { what: 'nobody signs up, and the worker asks', changes: { received: always(0), live: always(0), good: always(0) }, told: [] },
    { what: 'so many come that no receive is empty', changes: { empty: always(0) }, told: [] },
  ],
  BreakerOpen: [
    { what: 'open for a quarter of an hour', changes: { breaker: during(begun, begun + 15, always(1), always(0)) }, told: ['BreakerOpen'] },
    { what: 'open for nine minutes', changes: { breaker: during(begun, begun + 8, always(1), always(0)) }, told: [] },
    { what: 'one of two tasks cannot write', changes: { breaker: during(begun, begun + 15, always(0, 1), always(0, 0)) }, told: ['BreakerOpen'] },
    { what: 'one line is lost', changes: { breaker: (minute) => (minute === begun + 6 ? [] : minute >= begun && minute <= begun + 13 ? [1] : [0]) }, told: ['BreakerOpen'] },
    { what: 'metrics are off', changes: { breaker: never }, told: [] },
  ],
  OwnerConflict: [
    { what: 'one', changes: { conflicts: during(begun, begun, always(1), always(0)) }, told: ['OwnerConflict'] },
    { what: 'none', changes: {}, told: [] },
  ],
  TriggerErrors: [
    { what: 'one error', changes: { errors: during(begun, begun, always(1), always(0)) }, told: ['TriggerErrors'] },
    { what: 'throttled, which is no error', changes: { throttles: during(begun, begun, always(2), always(0)), errors: never }, told: ['TriggerErrors'] },
    { what: 'never called', changes: { errors: never, throttles: never, duration: never }, told: [] },
  ],
  TriggerSlow: [
    { what: 'four seconds for a quarter of an hour', changes: { duration: during(begun, begun + 15, always(20, 4000), always(20)) }, told: ['TriggerSlow'] },
    { what: 'the deadline is reached and kept', changes: { duration: always(20, 2600) }, told: [] },
    { what: 'one slow start', changes: { duration: during(begun, begun, always(4000), always(20)) }, told: [] },
  ],
  EnqueueFailed: [
    { what: 'one', changes: { failed: during(begun, begun, always(1)) }, told: ['EnqueueFailed'] },
    { what: 'none, and no metric', changes: { failed: never }, told: [] },
  ],
  ProfilesMissing: [
    { what: 'two missing, then none', changes: { missing: (minute) => (minute === 60 ? [0] : minute === begun ? [2] : minute === begun + 180 ? [0] : []) }, told: ['ProfilesMissing'] },
    { what: 'the same two at the next run: told once', changes: { missing: (minute) => (minute % 180 === 0 ? [2] : []) }, told: ['ProfilesMissing'] },
    { what: 'never run', changes: { missing: never }, told: [] },
    { what: 'none missing', changes: { missing: few(180, 0) }, told: [] },
  ],
}

test('in good health nobody is told anything', () => {
  assert.deepEqual(told({}), [])
})

for (const alert of ALERTS) {
  const cases = CASES[alert] ?? []
  test(`${alert} has what sets it off and what does not`, () => {
    assert.ok(cases.some((one) => one.told.includes(alert)) && cases.some((one) => !one.told.includes(alert)))
  })
  for (const { what, changes, told: expected } of cases) {
    test(`${alert}: ${what}`, () => assert.deepEqual(told(changes).sort(), [...expected].sort()))
  }
}

// What an outage of the table looks like from outside: polls stop, messages grow old, nothing is made; afterwards all of
// it is made at once, and late.
const outage = (from: number, minutes: number) => {
  const to = from + minutes - 1
  return {
    breaker: during(from, to, always(1), always(0)),
    received: during(from, to, always(0), during(to + 1, to + 4, always(400), always(40))),
    empty: during(from, to, always(0), always(3)),
    age: (minute: number) => [minute < from || minute > to + 4 ? 2 : (Math.min(minute, to) - from) * 60],
    live: during(from, to, always(0), during(to + 1, to + 4, always(40 + (40 * minutes) / 4), always(40))),
    good: during(from, to, always(0), always(40)),
  } satisfies Changes
}

for (const minutes of [12, 20, 40, 90, 300]) {
  for (const [sqs, ours] of [[0, 0], [2, 1], [3, 0], [0, 3], [4, 2]] as const) {
    test(`an outage of the table of ${minutes} minutes pages once (SQS ${sqs}, ours ${ours} minutes late)`, () => {
      assert.deepEqual(told(outage(begun, minutes), { 'AWS/SQS': sqs, ProfileWorker: ours }), ['BreakerOpen'])
    })
  }
}

test('a short outage pages nobody', () => {
  for (const minutes of [2, 5, 9]) assert.deepEqual(told(outage(begun, minutes)), [], `${minutes} minutes`)
})

for (const minutes of [15, 40, 120]) {
  for (const [how, nothing] of [['zeros', always(0)], ['silence', never]] as const) {
    test(`a worker that is gone for ${minutes} minutes pages once (SQS reports ${how})`, () => {
      const away = (there: Series): Series => during(begun, begun + minutes - 1, nothing, there)
      const same = outage(begun, minutes)
      const breaker = during(begun, begun + minutes - 1, never, always(0))
      const gone = { ...same, breaker, received: away(same.received), empty: away(same.empty) }
      assert.deepEqual(told(gone).filter((alarm) => alarm !== 'ConfirmationToProfileSlowBurn'), ['NoReceive'])
    })
  }
}

test('a breaker that opens now and then mutes pages, but not the ticket that tells of it', () => {
  const flapping = (minute: number): number[] => [minute >= begun && minute % 6 === 0 ? 1 : 0]
  const bad: Changes = { breaker: flapping, good: during(begun, 14 * HOURS, late(20), always(40)) }
  assert.deepEqual(told(bad), ['ConfirmationToProfileSlowBurn'])
})

test('an outage that is over mutes no other', () => {
  const table = outage(begun, 20)
  const again = { ...table, age: during(begun + 120, begun + 140, always(900), table.age) }
  assert.deepEqual(told(again), ['BreakerOpen', 'OldestMessageTooOld'])
})
