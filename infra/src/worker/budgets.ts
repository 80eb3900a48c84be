// The worker's time and size budgets: what each setting may be, and what must hold between them. It says at synth time
// what `worker/src/config.rs` would say with exit code 78 in ten minutes. Pure; the numbers are the Rust source's, and
// tests/worker-contract.test.ts holds them to it.

import type { Duration } from 'aws-cdk-lib'

import type { Problems } from '../problems.ts'
import type { WorkerSettings } from './props.ts'

/** Milliseconds. */
const SECOND = 1000
const HOUR = 3600 * SECOND

/** The longest time of one ordinary API call (`ATTEMPT` in worker/src/aws/clients.rs). */
export const ATTEMPT = 5 * SECOND
/** What the drain leaves for the telemetry's last flush (`TELEMETRY_FLUSH` in worker/src/config.rs). */
export const TELEMETRY_FLUSH = 5 * SECOND
/** How much more than drain and flush the worker asks of `STOP_TIMEOUT`. */
export const STOP_MARGIN = 1 * SECOND
/** How long SQS keeps a message invisible after one receive (`SQS_VISIBILITY` in worker/src/config.rs). */
export const SQS_VISIBILITY = 12 * HOUR
/** SQS's quota of messages in flight on one standard queue (`SQS_IN_FLIGHT` in worker/src/config.rs). */
export const SQS_IN_FLIGHT = 120_000
/** Polls of one process at most (`MOST_RECEIVERS` in worker/src/config.rs). */
export const MOST_RECEIVERS = 256
/** Questions of VERIFY_LATE a second at most (`verify_late_rate` in worker/src/config/reader.rs). */
export const MOST_VERIFY_RATE = 1000

/** The longest `stopTimeout` that Fargate takes (ECS developer guide, task definition parameters for Fargate). */
export const STOP_TIMEOUT = 120 * SECOND
/** Fargate kills at STOP_TIMEOUT. The drain gets what is left after the flush, with four seconds to spare. */
export const DRAIN_DEADLINE = STOP_TIMEOUT - TELEMETRY_FLUSH - 5 * SECOND

/** Default, least and most of each duration, in milliseconds, as `worker/src/config.rs` has them. */
export const DURATIONS = {
  waitTime: { variable: 'WAIT_TIME', default: 20 * SECOND, least: 0, most: 20 * SECOND },
  visibilityTimeout: { variable: 'VISIBILITY_TIMEOUT', default: 60 * SECOND, least: SECOND, most: 12 * HOUR },
  linger: { variable: 'LINGER', default: 50, least: 0, most: 10 * SECOND },
  writeDeadline: { variable: 'WRITE_DEADLINE', default: 10 * SECOND, least: 100, most: HOUR },
  holdBudget: { variable: 'HOLD_BUDGET', default: HOUR, least: 0, most: 11 * HOUR },
} as const

export type DurationSetting = keyof typeof DURATIONS

export const DURATION_SETTINGS = Object.keys(DURATIONS) as readonly DurationSetting[]

/** As the worker reads it: `500ms`, `60s`. */
export function durationText(milliseconds: number): string {
  return milliseconds % SECOND === 0 ? `${milliseconds / SECOND}s` : `${milliseconds}ms`
}

const milliseconds = (duration: Duration | undefined, otherwise: number): number =>
  duration?.toMilliseconds() ?? otherwise

/** Adds every fault of the settings, then, if each is right by itself, every relation that does not hold. */
export function checkSettings(settings: WorkerSettings, problems: Problems): void {
  const count = problems.count
  for (const name of DURATION_SETTINGS) {
    const { default: otherwise, least, most } = DURATIONS[name]
    const value = milliseconds(settings[name], otherwise)
    if (value < least || value > most) {
      const range = `${durationText(least)} to ${durationText(most)}`
      problems.add(`settings.${name}`, `${durationText(value)} is out of range`, `give a duration from ${range}`)
    }
  }
  const number = (name: 'maxInFlight' | 'maxReceivers' | 'verifyLateRate', most: number): void => {
    const value = settings[name]
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return
    problems.add(`settings.${name}`, `${value} is out of range`, `give a whole number from 1 to ${most}`)
  }
  number('maxInFlight', SQS_IN_FLIGHT)
  number('maxReceivers', MOST_RECEIVERS)
  number('verifyLateRate', MOST_VERIFY_RATE)
  if (problems.count === count) relate(settings, problems)
}

/** The relations of docs/configuration.md. */
function relate(settings: WorkerSettings, problems: Problems): void {
  const of = (name: DurationSetting): number => milliseconds(settings[name], DURATIONS[name].default)
  const lease = of('waitTime') + ATTEMPT + 2 * of('writeDeadline')
  if (of('visibilityTimeout') < lease) {
    problems.add(
      'settings.visibilityTimeout',
      `${durationText(of('visibilityTimeout'))} does not last through the long poll and two write deadlines`,
      `set it to at least ${durationText(lease)}, or a shorter settings.writeDeadline`,
    )
  }
  const drain = Math.max(of('waitTime') + ATTEMPT, of('writeDeadline')) + ATTEMPT
  if (DRAIN_DEADLINE < drain) {
    problems.add(
      'settings.writeDeadline',
      `${durationText(of('writeDeadline'))} is longer than a drain, for Fargate kills ${durationText(STOP_TIMEOUT)} after SIGTERM`,
      `set it to at most ${durationText(DRAIN_DEADLINE - ATTEMPT)}`,
    )
  }
  const hold = SQS_VISIBILITY - 2 * of('visibilityTimeout')
  if (of('holdBudget') > hold) {
    problems.add(
      'settings.holdBudget',
      `${durationText(of('holdBudget'))} and two visibility timeouts are longer than the 12 hours for which SQS lets one receive keep a message`,
      `set it to at most ${durationText(Math.max(hold, 0))}, or a shorter settings.visibilityTimeout`,
    )
  }
  const inFlight = settings.maxInFlight ?? 1000
  const receivers = settings.maxReceivers ?? 1
  const most = Math.max(Math.floor(inFlight / 10), 1)
  if (receivers > most) {
    problems.add(
      'settings.maxInFlight',
      `${inFlight} messages are too few for ${receivers} receivers, each of which asks for ten`,
      `set it to at least ${10 * receivers}, or settings.maxReceivers to at most ${most}`,
    )
  }
}
